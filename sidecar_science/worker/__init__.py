"""The B side: the same call against another environment, compared, settled, and nowhere else.

Read `replay` first: it is the product in ten lines. `lane` runs it, `worker` feeds the lanes, `assembly` puts all of it
together.
"""

from sidecar_science.worker.assembly import Place, Settings, assemble, prepare_process
from sidecar_science.worker.replay import Replay, Ticket
from sidecar_science.worker.worker import Worker

__all__ = ["Place", "Replay", "Settings", "Ticket", "Worker", "assemble", "prepare_process"]
