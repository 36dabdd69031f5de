"""Ids that B made under another number: which of A's stands for which of B's, and what is changed for it.

Values only, and one map of pairs that is passed in: nothing here knows a worker.
"""

from sidecar_science.translation.declared import Ids
from sidecar_science.translation.idmap import Id, IdMap, Pair
from sidecar_science.translation.memory import MemoryIds
from sidecar_science.translation.proposing import Proposal, propose
from sidecar_science.translation.translation import TranslatedIds, Translation

__all__ = ["Id", "IdMap", "Ids", "MemoryIds", "Pair", "Proposal", "TranslatedIds", "Translation", "propose"]
