"""What surrounded a call on A surrounds it again on B."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar

from sidecar_science.codec.markers import Secret
from sidecar_science.journal.job import AMBIENT
from sidecar_science.worker.endings import NotSent
from tests.worker.bench import Bench

USER = ContextVar("user", default="nobody")


@contextlib.contextmanager
def as_user(name):
    token = USER.set(name)
    try:
        yield
    finally:
        USER.reset(token)


def surrounded(restore=as_user, function=lambda: USER.get(), **declared):
    """A bench with one ambient and an experiment that tells of it."""
    bench = Bench()
    bench.sidecar.ambient("user", capture=USER.get, restore=restore)
    bench.sidecar.experiment("shop.get", effect="read", **declared)(function)
    return bench


def job(bench, value="ada", user="ada"):
    return bench.job("shop.get", value=value, context={AMBIENT: {"user": user}, "page": 1})


def ended(bench, job):
    replayed = bench.replayed(job)
    return replayed.full_reason or replayed.outcome.value


def test_a_call_is_made_by_whom_it_was_made():
    """Around the call alone."""
    bench = surrounded()

    assert ended(bench, job(bench)) == "matched"
    assert ended(bench, job(bench, user="bob")) == "mismatched"
    assert USER.get() == "nobody"


def test_coroutines_are_surrounded_too():
    """Their task has the context of the call."""

    async def function():
        return USER.get()

    bench = surrounded(function=function)

    assert ended(bench, job(bench)) == "matched"


def test_a_job_without_it_is_called_without():
    """It was recorded before the provider was declared."""
    bench = surrounded()

    assert ended(bench, bench.job("shop.get", value="nobody")) == "matched"
    assert ended(bench, bench.job("shop.get", value="nobody", context={"page": 1})) == "matched"


def test_a_provider_that_fails_on_b_says_so():
    """That is no answer of B's."""

    @contextlib.contextmanager
    def failing_at_the_end(name):
        yield
        raise ValueError(name)

    for restore in (lambda name: 1 / 0, failing_at_the_end):
        bench = surrounded(restore=restore)
        replayed = bench.replayed(job(bench))
        assert replayed.full_reason == "failed.worker_error"
        assert "the ambient 'user' could not be put around the call" in replayed.detail


def test_what_was_not_kept_is_not_put_back():
    """A fingerprint is no token."""
    bench = surrounded()

    assert ended(bench, job(bench, user=Secret("abc"))) == "skipped.not_replayable"


def test_endings_of_the_call_itself_pass_through():
    """B was not reached: that is for the lane to know."""
    bench = surrounded()
    surrounding = bench.replay()._surrounding

    try:
        with surrounding.restored(job(bench)):
            raise NotSent("refused")
    except NotSent:
        return
    raise AssertionError("it was swallowed")


def test_hooks_are_shown_the_context_without_it():
    """It is ours, not the experiment's."""
    bench, seen = surrounded(), []
    bench.sidecar.experiments["shop.get"].publish(lambda result: seen.append(dict(result.context)))

    ended(bench, job(bench))

    assert seen == [{"page": 1}]
