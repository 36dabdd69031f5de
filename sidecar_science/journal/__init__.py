"""The log between A and B, and the only place where they meet.

The A side appends jobs to a `Log`; each environment's workers claim them from its `Journal`, in the order of
their keys, and settle each once. The Redis twin of both is `sidecar_science.journal.redis`.
"""

from sidecar_science.journal.job import Call, Effect, Job, Stamp, seal, unseal
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.partitions import key_digest, key_text, partition_of, sample_point
from sidecar_science.journal.protocol import (
    EARLIEST,
    LATEST,
    Accounts,
    Admission,
    Claimed,
    DeadLetter,
    Entry,
    Environment,
    Joined,
    Journal,
    Lease,
    Log,
    Position,
    Producer,
    Settlement,
    Size,
    Started,
    Waiting,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "Accounts",
    "Admission",
    "Call",
    "Claimed",
    "DeadLetter",
    "Effect",
    "Entry",
    "Environment",
    "Job",
    "Joined",
    "Journal",
    "Lease",
    "Log",
    "MemoryJournal",
    "MemoryLog",
    "MemoryServer",
    "Position",
    "Producer",
    "Settlement",
    "Size",
    "Stamp",
    "Started",
    "Waiting",
    "key_digest",
    "key_text",
    "partition_of",
    "sample_point",
    "seal",
    "unseal",
]
