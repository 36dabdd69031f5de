"""Every error we raise.

    SidecarError
    ├── DeclarationError            an application declared something that cannot work (import time)
    ├── UsageError                  a command or a setting that cannot work (start of a worker or command)
    ├── BadBehavior                 a behavior of an experiment is wrong
    │   ├── BehaviorMissing         ... there is none under that name
    │   └── BehaviorNotUnique       ... there is one under that name already
    ├── CodecError
    │   ├── NotEncodable            a value has no exact form
    │   ├── TooLarge                a value is larger, deeper or wider than the bounds allow
    │   └── Undecodable             bytes that are not one of our envelopes
    │       ├── UnsupportedVersion  ... but one of a version that this release does not know
    │       ├── UnknownDictionary   ... but compressed with a dictionary that is not there
    │       └── WrongSignature      ... but nobody who holds a key made it
    └── JournalError
        ├── JournalUnavailable      Redis did not answer, or cannot serve now: try again
        ├── JournalFull             the journal has reached its cap
        ├── JournalMisconfigured    Redis answered in a way that trying again will not change
        │   └── NeverJoined         ... an environment's group is missing, which joining makes
        └── LeaseLost               another worker owns the partition now

    MismatchError                   a mismatch, raised where an experiment asks for it (BaseException)
    EgressRefused                   the guard stopped a connection (BaseException)
    DeadlineExceeded                a replay ran out of time (BaseException)
    BodyTooLarge                    B answered more than a replay may read (BaseException)

The last four derive from BaseException so that no ``except Exception`` in the code under observation hides
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sidecar_science.scientist.result import Result

E = TypeVar("E", bound=BaseException)


class SidecarError(Exception):
    """Whatever goes wrong on our side, except the three that must pass through user code."""


class DeclarationError(SidecarError):
    """An application declared a service or an experiment in a way that cannot work."""


class UsageError(SidecarError):
    """A command line, setting or file asks for something that cannot work."""


class BadBehavior(SidecarError):
    """A behavior of an experiment is wrong; ``experiment`` is the experiment, ``name`` the behavior's."""

    def __init__(self, experiment: Any, name: str, message: str) -> None:
        super().__init__(message)
        self.experiment = experiment
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self))


class BehaviorMissing(BadBehavior):
    """There is no behavior of that name."""

    def __init__(self, experiment: Any, name: str) -> None:
        super().__init__(experiment, name, f"{experiment.name} missing {name} behavior")


class BehaviorNotUnique(BadBehavior):
    """There is a behavior of that name already."""

    def __init__(self, experiment: Any, name: str) -> None:
        super().__init__(experiment, name, f"{experiment.name} already has {name} behavior")


class CodecError(SidecarError):
    """A value could not be turned into bytes, or bytes into a value."""


class NotEncodable(CodecError):
    """A value has no exact form; ``type_name`` and ``path`` say which and where."""

    def __init__(self, type_name: str, path: str, hint: str = "") -> None:
        super().__init__(f"no exact form for {type_name} at {path}" + (f"; {hint}" if hint else ""))
        self.type_name = type_name
        self.path = path
        self.hint = hint


class TooLarge(CodecError):
    """A value goes past a bound; ``bound`` is "bytes", "depth" or "nodes", ``limit`` its number."""

    def __init__(self, bound: str, limit: int) -> None:
        super().__init__(f"the value goes past the bound of {limit:,} {bound}")
        self.bound = bound
        self.limit = limit


class Undecodable(CodecError):
    """Bytes that are not one of our envelopes, or a damaged one."""


class UnsupportedVersion(Undecodable):
    """An envelope of a version that this release does not know; ``version`` is its number."""

    def __init__(self, version: int, known: int) -> None:
        super().__init__(
            f"envelope version {version}; this release reads up to version {known}: upgrade the worker first"
        )
        self.version = version


class UnknownDictionary(Undecodable):
    """An envelope of ours whose body was compressed with a dictionary that is not there.

    ``dictionary`` is its id, ``header`` the envelope's, and ``key_id`` that of the key that signed both.
    """

    def __init__(self, dictionary: bytes, header: bytes, key_id: bytes) -> None:
        super().__init__(
            f"its body was compressed with dictionary {dictionary.hex()}, which the journal does not hold; import "
            "an export that has it, and requeue"
        )
        self.dictionary = dictionary
        self.header = header
        self.key_id = key_id


class WrongSignature(Undecodable):
    """An envelope that nobody who holds one of our keys has made (or none of them at all)."""


class JournalError(SidecarError):
    """The journal could not do what it was asked."""


class JournalUnavailable(JournalError):
    """Redis did not answer, or cannot serve now; what was asked may or may not have happened."""


class JournalFull(JournalError):
    """The journal has reached its cap, or Redis its memory limit; nothing was written."""


class JournalMisconfigured(JournalError):
    """Redis refused in a way that trying again will not change (permissions, wrong type, wrong layout)."""


class NeverJoined(JournalMisconfigured):
    """An environment has no group: it has not joined, or somebody has deleted or flushed the journal since."""


class LeaseLost(JournalError):
    """Another worker owns the partition now; nothing was written."""


class MismatchError(BaseException):
    """Observations of an experiment differ; ``name`` is the experiment's, ``result`` the whole result.

    It derives from BaseException, as Ruby's passes a bare ``rescue``: nothing in the code under test should
    hide it. ``str()`` of it shows every observation as it was when the error was made, with cleaned values.
    """

    def __init__(self, name: str, result: Result) -> None:
        super().__init__(name, result)
        self.name = name
        self.result = result
        self._text = f"experiment '{name}' observations mismatched:\n{result.describe()}"

    def __str__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self))


class EgressRefused(BaseException):
    """The guard stopped a connection, a name resolution, a process or a library during a replay."""


class DeadlineExceeded(BaseException):
    """A replay ran out of the time that its experiment gives it."""


class BodyTooLarge(BaseException):
    """B answered more bytes, as sent or unpacked, than one replay may read."""


def _remade(error_class: type[E], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> E:
    """An error that was pickled. Not by its constructor, which would word it anew from what could travel."""
    error = error_class.__new__(error_class, *args)
    error.args = args
    vars(error).update(attributes)
    return error
