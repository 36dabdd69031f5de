"""The one object that an application makes."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import attrs
import pytest

import sidecar_science
from sidecar_science import DeclarationError, Sidecar
from sidecar_science.journal.memory import MemoryLog
from tests.desk import Desk, desk

__all__ = ["desk"]


def test_it_is_set_up_by_variables():
    """Those of its own prefix; arguments win over them."""
    environ = {
        "SIDECAR_REDIS_URL": "redis://redis:6379/3",
        "SIDECAR_SIGNING_KEY": f"{'n' * 32}, {'k' * 32}",
        "SIDECAR_ENCRYPTION_KEY": "e" * 32,
        "SIDECAR_ENABLED": "Off",
        "SIDECAR_SAMPLE": " 0.25 ",
        "SIDECAR_BUFFER_BYTES": "1000",
        "SIDECAR_FLUSH_TIMEOUT": "0",
        "REDIS_URL": "redis://other",
    }

    made = Sidecar.from_env("desk", environ, sample=0.5)

    recorder = made.recorder
    assert (made.namespace, made.redis_url) == ("desk", "redis://redis:6379/3")
    assert (recorder.enabled, recorder.sample, recorder.buffer.capacity, recorder.flush_timeout) == (
        False,
        0.5,
        1000,
        0,
    )
    assert made.keyring.verify(*Sidecar("desk", signing_key="k" * 32).keyring.sign(b"x"), b"x")
    assert made.keyring.encrypts


def test_without_variables_it_is_as_if_made_by_hand(monkeypatch):
    """Blank ones count as none; those of the process are looked at where none are given."""
    monkeypatch.setenv("SIDECAR_SAMPLE", "0.125")

    assert Sidecar.from_env("desk", {"SIDECAR_SAMPLE": " "}).recorder.sample == 1.0
    assert Sidecar.from_env("desk").recorder.sample == 0.125


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("SIDECAR_ENABLED", "perhaps", "expected 1 or 0, true or false"),
        ("SIDECAR_SAMPLE", "10%", "expected a number"),
        ("SIDECAR_BUFFER_BYTES", "8MB", "expected a whole number"),
        ("SIDECAR_FLUSH_TIMEOUT", "soon", "expected a number"),
        ("SIDECAR_SAMPLE", "2", "is no share"),
        ("SIDECAR_REDIS_URL", "redis", "write redis://host:6379/0"),
        ("SIDECAR_SIGNING_KEY", "short", "needs at least 16"),
    ],
)
def test_a_variable_that_cannot_be_read_is_refused(variable, text, expected):
    """When the module is imported, and with what was expected."""
    with pytest.raises(DeclarationError, match=expected):
        Sidecar.from_env("desk", {variable: text})


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_it_is_switched_on_by_several_words(text):
    """And off by others."""
    assert Sidecar.from_env("desk", {"SIDECAR_ENABLED": text}).recorder.enabled is True


def test_registered_classes_may_stand_in_arguments(desk):
    """As a decorator, and with a word on what is missing where it was forgotten."""

    @desk.sidecar.register
    @attrs.frozen
    class Money:
        amount: int

    @attrs.frozen
    class Forgotten:
        amount: int

    pay = desk.experiment("pay")(lambda money: money.amount)

    assert (pay(Money(5)), pay(Forgotten(6))) == (5, 6)
    known, unknown = desk.jobs
    assert desk.arguments(known) == [[Money(5)], {}]
    assert "declare it with sidecar.register(" in unknown.calls[0].obstacle


@pytest.mark.realserver
def test_its_journal_is_opened_by_its_url(valkey_server):
    """When the first call is shipped, and not before."""
    made = Sidecar("by-url", redis_url=valkey_server.url, partitions=4)
    made.experiment("get")(lambda: 1)()

    assert made.flush(10.0)
    assert made.stats()["recorded"] == 1
    made.close()


def test_several_sidecars_live_side_by_side():
    """Each has its own experiments, journal and numbers; a call inside another one is part of it, whoever records."""
    one, other = Desk(), Desk()
    inner = other.experiment("inner")(lambda: 1)
    outer = one.experiment("outer")(inner)

    outer()
    inner()

    assert [job.experiment for job in one.jobs] == ["outer"]
    assert [job.experiment for job in other.jobs] == ["inner"]
    one.sidecar.close()
    other.sidecar.close()


def test_a_sidecar_that_nobody_holds_goes_away():
    """Neither its thread nor the end of the process keeps it, once it is closed."""
    desk = Desk()
    desk.experiment("get")(lambda: 1)()
    desk.sidecar.close()
    desk.sidecar.recorder._thread.join(10)
    reference = weakref.ref(desk.sidecar.recorder)

    del desk
    gc.collect()

    assert reference() is None


def test_importing_it_loads_no_framework():
    """And no client of anything: applications pay for what they use."""
    program = """
import sys
import sidecar_science
print([name for name in ("redis", "flask", "django", "fastapi", "httpx", "gevent") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "[]\n"


def test_a_disabled_one_does_not_even_load_the_client():
    """It will never need it."""
    program = """
import sys
from sidecar_science import Sidecar
Sidecar("x", enabled=False)
print("redis" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "False\n"


def test_the_public_names_are_there():
    """In the package's own list."""
    assert all(hasattr(sidecar_science, name) for name in sidecar_science.__all__)
    assert isinstance(Desk().log(), MemoryLog)
