"""From a capture to the bytes of its job: placed by its key, without secrets, stamped and sealed."""

from __future__ import annotations

import attrs

from sidecar_science.checks.secrecy import Parts, redact
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.journal.job import Call, Job, Stamp, seal
from sidecar_science.journal.partitions import key_digest, partition_of
from sidecar_science.recording.capture import Capture, Planned
from sidecar_science.recording.vocabulary import Vocabulary

_CUT = "a secret is part of longer text in the arguments, which B cannot be given; pass it as an argument of its own"


@attrs.frozen(kw_only=True)
class Sealing:
    """Makes jobs of captures for one namespace."""

    namespace: str
    partitions: int
    keyring: Keyring
    codec: Codec
    vocabulary: Vocabulary | None = None

    def place(self, capture: Capture) -> tuple[str | None, int]:
        """The digest of the capture's key, and the partition in which it has its order."""
        service = capture.experiment.service or ""
        key = key_digest(self.namespace, service, capture.key) if capture.key is not None else None
        return key, partition_of(service, key or capture.id, self.partitions)

    def seal(self, capture: Capture, key: str | None, stamp: Stamp, gaps: tuple[str, ...]) -> bytes:
        """The bytes of the capture's job. Raises `CodecError` for what cannot be redacted or is too large."""
        dictionary = self.vocabulary.dictionary if self.vocabulary is not None else None
        return seal(self._job(capture, key, gaps), stamp, self.keyring, dictionary)

    def _job(self, capture: Capture, key: str | None, gaps: tuple[str, ...]) -> Job:
        experiment = capture.experiment
        planned = capture.calls or [("candidate", experiment.name, capture.arguments, capture.obstacle)]
        found: set[str] = set()
        parts = redact(
            Parts(
                arguments=[(arguments, experiment.secret_places(function)) for _, function, arguments, _ in planned],
                value=capture.value,
                error=capture.error,
                context=capture.context,
            ),
            # A task that the control left behind may still add to it.
            list(capture.exchanges),
            experiment.redactor,
            self.codec,
            found,
        )
        return Job(
            id=capture.id,
            experiment=experiment.name,
            service=experiment.service,
            effect=experiment.effect,
            key=key,
            completed_at=capture.completed_at,
            duration=capture.duration,
            cpu_time=capture.cpu_time,
            sent=capture.sent,
            calls=tuple(
                _call(each, arguments, experiment.redactor.scrub(each[3], found) if each[3] else _CUT if cut else None)
                for each, (arguments, _), cut in zip(planned, parts.arguments, parts.cut, strict=True)
            ),
            value=parts.value,
            error=parts.error,
            exchanges=parts.exchanges,
            context=parts.context,
            consumed=capture.consumed,
            exhausted=capture.exhausted,
            gaps=gaps,
        )


def _call(planned: Planned, arguments: bytes | None, obstacle: str | None) -> Call:
    behavior, function, _, _ = planned
    return Call(behavior=behavior, function=function, arguments=None if obstacle else arguments, obstacle=obstacle)
