"""One job, made again on B: what comes of it."""

from __future__ import annotations

import contextvars

import pytest
import requests

from sidecar_science.errors import EgressRefused
from sidecar_science.journal.job import Call
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.endings import Ended
from sidecar_science.worker.replay import Ticket
from tests.story.world import Answer, Service
from tests.worker.calls import declared, ending


def test_a_match_is_told_with_its_times(bench):
    """Seconds of A, of B, and from completion on A to dispatch on B."""

    def get(item):
        bench.clock.advance(0.5)
        return item

    declared(bench, get)
    began = bench.clock.wall()

    replayed = bench.replayed(bench.job("shop.get", "tea", value="tea", at=began - 3.0))

    assert ending(replayed) == "matched"
    assert (replayed.control_seconds, replayed.candidate_seconds) == (0.25, 0.5)
    assert replayed.queue_delay == 3.0
    assert replayed.settled_at == began + 0.5
    assert replayed.experiment == "shop.get"


def test_a_mismatch_shows_both_sides_as_clean_leaves_them(bench):
    """What a person may see of values is for ``clean`` to say."""
    declared(bench, lambda: {"n": 2}).clean(lambda value: {"cleaned": value["n"]})

    replayed = bench.replayed(bench.job("shop.get", value={"n": 1}))

    assert ending(replayed) == "mismatched"
    assert [each.path for each in replayed.differences] == ["$.n"]
    assert (replayed.control, replayed.candidate) == ({"value": {"cleaned": 1}}, {"value": {"cleaned": 2}})


def test_errors_and_exchanges_are_shown_beside_values(bench):
    """A sample tells what was sent, and what came back."""
    with Service(lambda heard: Answer(500, {"no": "tea"})) as service:
        declared(bench, lambda: requests.get(f"{service.url}/tea?kind=green").raise_for_status())

        replayed = bench.replayed(bench.job("shop.get", value=None))

    assert replayed.candidate["error"]["status"] == 500
    assert replayed.candidate["exchanges"] == [
        {"method": "GET", "path": "/tea", "query": "kind=green", "status": 500, "body": None}
    ]


def test_a_skipped_job_is_told_with_its_reason_and_sends_nothing(bench):
    """It is never dispatched."""
    dispatched = []

    replayed = bench.replay().replay(Ticket(job=bench.job("unheard.of")), dispatched.append)

    assert ending(replayed) == "skipped.unknown_experiment"
    assert "unheard.of" in replayed.detail
    assert dispatched == []


def test_the_lane_may_forbid_a_dispatch(bench):
    """An earlier attempt was interrupted: nothing is called."""
    called = []
    declared(bench, lambda: called.append(1))

    def forbid(plan):
        raise Ended(Outcome.UNKNOWN, None, "who knows")

    replayed = bench.replay().replay(Ticket(job=bench.job("shop.get")), forbid)

    assert (ending(replayed), called) == ("unknown", [])


def test_a_late_job_is_run_and_not_compared(bench):
    """A later one of its key went before it: B cannot be expected to agree."""
    declared(bench, lambda: 2)

    replayed = bench.replayed(bench.job("shop.get", value=1), late=True)

    assert ending(replayed) == "incomparable.late"
    assert replayed.differences == ()
    assert replayed.candidate_seconds is not None


def test_of_several_candidates_the_worst_outcome_counts(bench):
    """One that agrees does not hide one that does not."""
    experiment = declared(bench, lambda: None)

    def same(adapter):
        return 1

    def other(adapter):
        return 2

    experiment.try_(same, name="same")
    experiment.try_(other, name="other")

    replayed = bench.replayed(bench.job("shop.get", value=1))

    assert ending(replayed) == "mismatched"
    assert replayed.candidate == {"value": 2}


def test_a_refused_connection_is_refused(bench):
    """The guard's reason is the detail."""

    def get():
        raise EgressRefused("refused a connection to a.test:80")

    declared(bench, get)

    replayed = bench.replayed(bench.job("shop.get"))

    assert (ending(replayed), replayed.detail) == ("refused", "refused a connection to a.test:80")


def test_a_refusal_that_the_adapter_swallowed_is_refused_all_the_same(bench):
    """The replay remembers it."""

    def get():
        bench.current.get().refuse("refused a connection to a.test:80")
        return "nothing happened"

    declared(bench, get)

    replayed = bench.replayed(bench.job("shop.get", value="nothing happened"))

    assert (ending(replayed), replayed.detail) == ("refused", "refused a connection to a.test:80")


def test_closing_a_replay_closes_its_loop(bench):
    """A lane that ends leaves no file descriptor."""

    async def get():
        return 1

    declared(bench, get)
    replay = bench.replay()
    replay.replay(Ticket(job=bench.job("shop.get", value=1)), lambda plan: None)
    loop = replay._caller._loop

    replay.close()

    assert loop.is_closed()


def test_a_job_with_two_calls_makes_both(bench):
    """A science block may try several."""
    calls = []
    declared(bench, calls.append)
    both = [Call(behavior=name, function="shop.get", arguments=bench.encode([[name], {}])) for name in ("one", "two")]

    replayed = bench.replayed(bench.job("shop.get", calls=both))

    assert (calls, ending(replayed)) == (["one", "two"], "matched")


def test_a_replay_knows_its_service_and_deadline(bench):
    """Rerouting and marking go by them."""
    seen = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read", timeout=3.0)
        def get(self):
            seen.append(bench.current.get())

    bench.sidecar.service("shop", "http://a.test", lambda base_url: Shop())
    began = bench.clock.monotonic()

    job = bench.job("shop.get")
    bench.replayed(job)

    [replay] = seen
    assert (replay.job, replay.environment, replay.service) == (job.id, "b-1", "shop")
    assert replay.deadline == began + 3.0


def test_what_a_call_leaves_in_context_variables_is_gone_with_it(bench):
    """One job's user is not the next one's."""
    user = contextvars.ContextVar("user", default="nobody")

    def get(name):
        before = user.get()
        user.set(name)
        return before

    declared(bench, get)
    replay = bench.replay()

    seen = [
        replay.replay(Ticket(job=bench.job("shop.get", name, value="nobody")), lambda plan: None)
        for name in ("ada", "bob")
    ]

    assert [ending(each) for each in seen] == ["matched", "matched"]


def test_a_job_whose_context_cannot_be_read_is_our_error_and_not_the_apps(bench):
    """Only forged bytes can do that; the lane makes a worker error of it. It is read where a hook asks for it."""
    declared(bench, lambda: 1).after_run(lambda result: None)
    job = bench.job("shop.get", value=1)
    object.__setattr__(job, "context", b"\xc1")

    with pytest.raises(Exception, match="not"):
        bench.replayed(job)
