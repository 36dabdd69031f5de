"""What surrounds a call is recorded beside it, and never in its way."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar

import pytest

from sidecar_science.errors import DeclarationError
from sidecar_science.journal.job import AMBIENT

USER = ContextVar("user", default="nobody")


def surroundings(desk):
    """What was recorded as surrounding each job."""
    decode = desk.sidecar.codec.decode
    return [decode(job.context).get(AMBIENT) if job.context else None for job in desk.jobs]


def test_what_surrounds_a_call_is_recorded_as_it_was_before_it(desk):
    """In the caller's thread and context; what is changed later is not seen."""
    request = {"id": "r-1"}
    desk.sidecar.ambient("user", capture=USER.get, restore=contextlib.nullcontext)
    desk.sidecar.ambient("request", capture=lambda: request, restore=contextlib.nullcontext)

    @desk.experiment("x")
    def call():
        request["id"] = "r-2"

    token = USER.set("ada")
    call()
    USER.reset(token)

    assert surroundings(desk) == [{"user": "ada", "request": {"id": "r-1"}}]


def test_it_stands_beside_the_context_of_an_experiment_and_of_a_block(desk):
    """Neither takes the other's place."""
    desk.sidecar.ambient("user", capture=USER.get, restore=contextlib.nullcontext)

    @desk.experiment("x")
    def call():
        return 1

    desk.sidecar.experiments["x"].context(team="a")
    with desk.sidecar.science("x") as e:
        e.context(page=3)
        e.use(call)

    [job] = desk.jobs
    assert desk.sidecar.codec.decode(job.context) == {"team": "a", "page": 3, AMBIENT: {"user": "nobody"}}


def test_without_a_provider_nothing_is_recorded(desk):
    """It costs nothing."""
    desk.experiment("x")(lambda: 1)()

    assert [job.context for job in desk.jobs] == [None]


@pytest.mark.parametrize("trouble", [ValueError("no request"), SystemExit(1), RecursionError()])
def test_a_provider_that_raises_is_left_out_and_told(desk, trouble):
    """The caller gets its value, and the other providers are asked."""

    def capture():
        raise trouble

    desk.sidecar.ambient("request", capture=capture, restore=contextlib.nullcontext)
    desk.sidecar.ambient("user", capture=USER.get, restore=contextlib.nullcontext)

    assert desk.experiment("x")(lambda: 5)() == 5

    assert surroundings(desk) == [{"user": "nobody"}]
    assert desk.sidecar.stats()["errors"]["ambient"] == 1


def test_what_is_too_large_is_left_out_and_told(desk):
    """A provider is for a few words."""
    desk.sidecar.ambient("page", capture=lambda: "x" * 20_000, restore=contextlib.nullcontext)

    assert desk.experiment("x")(lambda: 5)() == 5

    assert surroundings(desk) == [None]
    assert desk.sidecar.stats()["errors"]["ambient"] == 1


def test_a_provider_that_calls_something_recorded_is_not_asked_again(desk):
    """What our own hooks call is not recorded, and is counted."""
    whoami = desk.experiment("whoami")(lambda: "ada")
    desk.sidecar.ambient("user", capture=whoami, restore=contextlib.nullcontext)

    assert desk.experiment("x")(lambda: 5)() == 5

    assert surroundings(desk) == [{"user": "ada"}]
    assert desk.sidecar.stats()["dropped"] == {"reentrant": 1}


def test_secrets_in_it_are_taken_out(desk):
    """As they are everywhere."""
    desk.sidecar.ambient("request", capture=lambda: {"token": "tok-123456"}, restore=contextlib.nullcontext)
    desk.experiment("x")(lambda: 5)()

    assert "tok-123456" not in str(surroundings(desk))


def test_wrong_declarations_are_refused(desk):
    """Where they are written."""
    desk.sidecar.ambient("user", capture=USER.get, restore=contextlib.nullcontext)

    for name, given, told in [
        ("user", {}, "declared twice"),
        ("", {}, "needs a name"),
        ("time", {"capture": 5}, "capture=5 cannot be called"),
        ("time", {"restore": None}, "restore=None cannot be called"),
    ]:
        with pytest.raises(DeclarationError, match=told):
            desk.sidecar.ambient(name, **{"capture": USER.get, "restore": contextlib.nullcontext, **given})
