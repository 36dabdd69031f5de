"""See a new version of a backend service under production's own traffic.

`Sidecar` is the one object that an application makes. The rest are what its declarations and errors are made of.
Importing this package loads no framework and opens no connection.
"""

from sidecar_science._version import __version__
from sidecar_science.errors import DeclarationError, SidecarError, UsageError
from sidecar_science.recording.experiment import SidecarExperiment
from sidecar_science.recording.instrumenting import Instrumented
from sidecar_science.recording.science import Science
from sidecar_science.sidecar import Service, Sidecar

__all__ = [
    "DeclarationError",
    "Instrumented",
    "Science",
    "Service",
    "Sidecar",
    "SidecarError",
    "SidecarExperiment",
    "UsageError",
    "__version__",
]
