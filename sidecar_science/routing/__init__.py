"""Where a replayed request may go: B instead of A, marked, within its time, and nowhere else.

`Routes` says what stands for what, `Rerouting` and `Marking` bring requests there, `Guard` refuses the
rest, and `landlock` lets the kernel refuse what the guard cannot see.
"""

from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.established import check_connections
from sidecar_science.routing.guard import Guard
from sidecar_science.routing.landlock import Floor, confine, separates
from sidecar_science.routing.marking import Marking
from sidecar_science.routing.native import check as check_native
from sidecar_science.routing.rerouting import Rerouting
from sidecar_science.routing.routes import Endpoint, Origin, Routes

__all__ = [
    "Current",
    "CurrentReplay",
    "Endpoint",
    "Floor",
    "Guard",
    "Marking",
    "Origin",
    "Rerouting",
    "Routes",
    "check_connections",
    "check_native",
    "confine",
    "separates",
]
