"""How a mismatch reads on a terminal. Nothing here raises: it is read when something went wrong already."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sidecar_science.scientist.rules import WITHHELD, guarded

if TYPE_CHECKING:
    from sidecar_science.scientist.observation import Observation


def describe(observations: Sequence[Observation]) -> str:
    """Each observation as its name and an indented account: its cleaned value, or error and traceback."""
    return "".join(f"{each.name}:\n{_account(each)}\n" for each in observations)


def shown_value(observation: Observation) -> object:
    """The cleaned value; the placeholder also where ``raised`` raised again what ``clean`` raised."""
    return guarded("clean", _nobody, WITHHELD, lambda: observation.cleaned_value)


def class_name(value: object) -> str:
    """The name of a value's class as tracebacks give it: bare for builtins, otherwise with its module."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """``str(error)``, or a remark when that raises."""
    return _text(str, error)


def _account(observation: Observation) -> str:
    if observation.exception is None:
        return f"  {_text(repr, shown_value(observation))}"
    error = observation.exception
    return "\n".join([f"  #<{class_name(error)}: {message_of(error)}>", *_frames(error)])


def _frames(error: BaseException) -> list[str]:
    """The traceback's lines, without the frame in which the behavior was called: that one is always ours."""
    behavior = error.__traceback__.tb_next if error.__traceback__ else None
    return [textwrap.indent(frame.rstrip("\n"), "  ") for frame in traceback.format_tb(behavior)]


def _text(form: Callable[[object], str], value: object) -> str:
    return guarded("text", _nobody, f"<{class_name(value)}, whose {form.__name__} raised>", form, value)


def _nobody(operation: str, error: Exception) -> None:
    """Stands in where there is nobody left to tell."""
