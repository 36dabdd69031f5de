"""Training a dictionary from the namespace's own jobs: a worker sees them all, and an app has no time for it."""

from __future__ import annotations

import random
import threading
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.codec.compression import PLAIN, Dictionary, Zstd, train
from sidecar_science.errors import JournalError
from sidecar_science.journal.dictionaries import MOST, Dictionaries
from sidecar_science.journal.job import Job, body_of

SAMPLES: Final = 1000
"""How many bodies a dictionary is trained on and tried with."""

SIZE: Final = 32 * 1024
_LARGEST_SAMPLE: Final = 16 * 1024
_AGAIN: Final = 3600.0
_WORTH_IT: Final = 0.9
_PART_TRIED: Final = 4


class Training:
    """Gathers bodies of jobs, and makes a dictionary of them where that saves a tenth of what there is already.

    Once an hour at most, and until the namespace has as many as it may. The work is done in a thread of its own.
    """

    def __init__(
        self, dictionaries: Dictionaries, *, clock: Clock, log: Any, chance: random.Random, samples: int = SAMPLES
    ) -> None:
        self._dictionaries = dictionaries
        self._clock = clock
        self._log = log
        self._chance = chance
        self._samples = samples
        self._bodies: list[bytes] = []
        self._begin_at = 0.0

    def see(self, job: Job) -> None:
        """Take the body of ``job`` as a sample, when it is time. Intake's thread calls it for every job."""
        if self._clock.monotonic() < self._begin_at:
            return
        self._bodies.append(body_of(job)[:_LARGEST_SAMPLE])
        if len(self._bodies) == self._samples:
            bodies, self._bodies = self._bodies, []
            self._begin_at = self._clock.monotonic() + _AGAIN
            threading.Thread(target=self.train, args=(bodies,), name="sidecar-training", daemon=True).start()

    def train(self, bodies: list[bytes]) -> bool:
        """Make a dictionary of ``bodies``, if there is room for one and it is worth it; whether one was kept."""
        try:
            self._dictionaries.look()
            if self._dictionaries.count >= MOST or self._dictionaries.is_off:
                return False
            self._chance.shuffle(bodies)
            # Tried on bodies that it has not seen.
            tried, learned = bodies[: len(bodies) // _PART_TRIED], bodies[len(bodies) // _PART_TRIED :]
            trained = train(learned, SIZE)
            if trained is None or _size(trained, tried) > _WORTH_IT * _size(self._dictionaries.newest or PLAIN, tried):
                return False
            return self._keep(trained)
        except JournalError:
            # It was an attempt; there is another one in an hour.
            return False

    def _keep(self, dictionary: Dictionary) -> bool:
        kept = self._dictionaries.keep(dictionary)
        if kept:
            self._log.info("dictionary.trained", id=dictionary.id.hex(), bytes=len(dictionary.data))
        return kept


def _size(zstd: Zstd, bodies: list[bytes]) -> int:
    return sum(len(zstd.compress(body)) for body in bodies)
