"""One job, made again on B: what comes of it, and what is the lane's to decide."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
import urllib.request

import httpx
import pytest
import requests

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.journal.job import Call
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.endings import Broken, Ended, NotSent
from sidecar_science.worker.replay import Ticket
from tests.story.world import Answer, RefusedPort, Service, reset
from tests.worker.bench import Bench


@pytest.fixture
def bench():
    return Bench()


def declared(bench, function, **options):
    bench.sidecar.experiment("shop.get", effect="read", **options)(function)
    return bench.sidecar.experiments["shop.get"]


def ending(replayed):
    return replayed.full_reason or replayed.outcome.value


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


# -- refusals --------------------------------------------------------------------------------------------------------


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


# -- time ------------------------------------------------------------------------------------------------------------


def test_a_call_that_runs_out_of_time_is_a_timeout(bench):
    """Whoever told it to end: a bound request, or the deadline's own thread."""

    def get():
        raise DeadlineExceeded

    declared(bench, get, timeout=2.5)

    replayed = bench.replayed(bench.job("shop.get"))

    assert (ending(replayed), replayed.detail) == ("failed.timeout", "B did not answer within 2.5 s")


def test_a_deadline_that_passed_is_a_timeout_whatever_the_adapter_made_of_it(bench):
    """It caught everything and gave a value: B was not observed in time."""

    def get():
        bench.clock.advance(5.0)
        return 1

    declared(bench, get, timeout=5.0)

    assert ending(bench.replayed(bench.job("shop.get", value=1))) == "failed.timeout"


def test_the_deadlines_thread_ends_a_call(bench):
    """A loop that heeds nothing is ended, and a bare except does not save it."""
    bench = Bench(clock=SYSTEM_CLOCK)
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()

    def get():
        try:
            while True:
                sum(range(100))
        except BaseException:
            return "swallowed"

    declared(bench, get, timeout=0.1)

    replayed = bench.replay(deadlines).replay(Ticket(job=bench.job("shop.get")), lambda plan: None)
    deadlines.stop()

    assert ending(replayed) == "failed.timeout"


def test_a_coroutine_that_waits_for_ever_is_ended():
    """Its loop sleeps in the kernel, wakes often enough to be told, and lets it clean up after itself."""
    bench = Bench(clock=SYSTEM_CLOCK)
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()
    cleaned = []

    async def get():
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("cleaned")

    declared(bench, get, timeout=0.1)
    replay = bench.replay(deadlines)

    replayed = [replay.replay(Ticket(job=bench.job("shop.get")), lambda plan: None) for _ in range(2)]
    deadlines.stop()

    assert [ending(each) for each in replayed] == ["failed.timeout"] * 2
    assert cleaned == ["cleaned"] * 2
    assert deadlines.stuck() == []


def test_after_a_timeout_the_lane_has_a_new_adapter(bench):
    """The old one was left in the middle of a call."""
    made = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read", timeout=1.0)
        def get(self):
            bench.clock.advance(1.0)

    bench.sidecar.service("shop", "http://a.test", lambda base_url: made.append(1) or Shop())
    replay = bench.replay()

    for _ in range(2):
        replay.replay(Ticket(job=bench.job("shop.get")), lambda plan: None)

    assert len(made) == 2


# -- connections -----------------------------------------------------------------------------------------------------


def swallowing(url):
    """An adapter that makes nothing of errors."""

    def get():
        try:
            return requests.get(url).json()
        except requests.ConnectionError:
            return None

    return get


def test_a_refused_connection_to_b_has_sent_nothing(bench):
    """That is the lane's to try again, though the adapter swallowed it."""
    refused = RefusedPort()
    declared(bench, swallowing(refused.url))

    with pytest.raises(NotSent):
        bench.replayed(bench.job("shop.get"))
    refused.close()


def test_a_connection_that_broke_may_have_done_something(bench):
    """That is the lane's to judge, by what the call does to B."""
    with Service(lambda heard: reset) as service:
        declared(bench, swallowing(service.url))

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))


def test_a_request_that_was_answered_before_another_was_refused_was_sent(bench):
    """Half of the call has happened."""
    refused = RefusedPort()
    with Service(lambda heard: Answer()) as service:

        def get():
            requests.post(service.url)
            return swallowing(refused.url)()

        declared(bench, get)

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))
    refused.close()


def test_an_attempt_that_comes_to_nothing_on_both_sides_is_how_the_adapter_works(bench):
    """It tells a metrics server that runs nowhere: that keeps no job from being compared."""
    nowhere = RefusedPort()
    with Service(lambda heard: Answer(200, {"n": 1})) as service:

        def get():
            found = requests.get(f"{service.url}/tea").json()
            swallowing(nowhere.url)()
            return found

        declared(bench, get)
        one = {"method": "GET", "origin": service.url, "path": "/tea", "query": "", "status": 200, "body": None}
        other = {"method": "GET", "origin": nowhere.url, "path": "/", "query": "", "status": None, "body": None}

        both = bench.job("shop.get", value={"n": 1}, exchanges=[{**one, "sent": True}, {**other, "sent": False}])
        first = bench.job("shop.get", value={"n": 1}, exchanges=[{**one, "sent": True}])
        as_on_a = bench.replayed(both)
        with pytest.raises(Broken):
            bench.replayed(first)
    nowhere.close()

    assert ending(as_on_a) == "matched"


class TestUnobserved:
    """Clients that do not use urllib3: of their connections only their errors tell."""

    def clients(self, url):
        def by_urllib():
            return urllib.request.urlopen(url).read()

        def by_httpx():
            return httpx.get(url).json()

        async def by_async_httpx():
            async with httpx.AsyncClient() as client:
                return (await client.get(url)).json()

        return by_urllib, by_httpx, by_async_httpx

    @pytest.mark.parametrize("which", range(3))
    def test_a_refused_connection_has_sent_nothing(self, bench, which):
        """B is down, and the lane waits for it."""
        refused = RefusedPort()
        declared(bench, self.clients(refused.url)[which])

        with pytest.raises(NotSent):
            bench.replayed(bench.job("shop.get"))
        refused.close()

    @pytest.mark.parametrize("which", range(3))
    def test_a_connection_that_broke_may_have_done_something(self, bench, which):
        """The lane judges it by what the call does to B."""
        with Service(lambda heard: reset) as service:
            declared(bench, self.clients(service.url)[which])

            with pytest.raises(Broken):
                bench.replayed(bench.job("shop.get"))

    def test_a_refused_connection_after_another_request_is_no_proof(self, bench):
        """What the first request did, nobody knows."""
        refused = RefusedPort()

        def twice():
            bench.current.get().headers("POST", "/orders")
            bench.current.get().headers("POST", "/orders")
            urllib.request.urlopen(refused.url)

        declared(bench, twice)

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))
        refused.close()

    def test_another_error_is_an_answer(self, bench):
        """It has nothing to do with the connection."""

        def get():
            raise ValueError("no tea")

        declared(bench, get)

        assert ending(bench.replayed(bench.job("shop.get", value=1))) == "mismatched"


def test_an_adapter_that_tries_again_and_is_answered_is_compared(bench):
    """Its own retries are part of what it is."""
    broken = iter([reset])
    with Service(lambda heard: next(broken, Answer(200, {"n": 1}))) as service:

        def get():
            return swallowing(service.url)() or requests.get(service.url).json()

        declared(bench, get)

        replayed = bench.replayed(bench.job("shop.get", value={"n": 1}))

    assert ending(replayed) == "mismatched"
    assert [each["status"] for each in replayed.candidate["exchanges"]] == [None, 200]


# -- rules and hooks -------------------------------------------------------------------------------------------------


def test_hooks_are_called_around_the_replay(bench):
    """before_run, the call, after_run, publish; the last two with Scientist's result."""
    order = []
    experiment = declared(bench, lambda: order.append("call") or 1)
    experiment.before_run(lambda: order.append("before"))
    experiment.after_run(lambda result: order.append("after"))
    results = []
    experiment.publish(results.append)

    bench.replayed(bench.job("shop.get", value=1, context={"user": "ada"}))

    assert order == ["before", "call", "after"]
    [result] = results
    assert (result.is_matched, result.context, result.control.value) == (True, {"user": "ada"}, 1)


@pytest.mark.parametrize("raised", [RuntimeError("no"), EgressRefused("no"), DeadlineExceeded("no")])
def test_a_publish_that_raises_is_told_and_changes_nothing(bench, raised):
    """The comparison stands: telling others about it is another matter."""
    experiment = declared(bench, lambda: 1)
    told = []
    experiment.raised(lambda operation, error: told.append(error))

    @experiment.publish
    def publish(result):
        raise raised

    assert ending(bench.replayed(bench.job("shop.get", value=1))) == "matched"
    assert told == [raised]


def test_a_rule_that_tries_to_connect_is_refused_and_no_other_lane_is(bench):
    """What hooks try is refused like everything else, and put down with nobody else's replay."""
    other_lane = []

    def compare(control, candidate):
        # As the guard does it.
        replay = bench.current.get()
        other_lane.append([one for one in bench.current.running() if one is not replay])
        replay.refuse("refused")
        raise EgressRefused("refused a connection to statsd.test:8125")

    declared(bench, lambda: 1).compare(compare)

    replayed = bench.replayed(bench.job("shop.get", value=1))

    assert ending(replayed) == "refused"
    assert "in a rule or hook" in replayed.detail
    assert other_lane == [[]]


def test_rules_belong_to_a_replay_that_may_send_nothing(bench):
    """Rerouted to B, a hook's request would be a write that nobody recorded."""
    seen = {}

    def note(name):
        replay = bench.current.get()
        seen[name] = replay.remaining(bench.clock) <= 0

    experiment = declared(bench, lambda: note("call"))
    experiment.before_run(lambda: note("before"))
    experiment.compare(lambda control, candidate: note("compare") or True)
    experiment.publish(lambda result: note("publish"))

    bench.replayed(bench.job("shop.get"))

    assert seen == {"before": True, "call": False, "compare": True, "publish": True}
    assert bench.current.running() == ()


def test_a_rule_that_does_not_end_is_a_worker_error(bench, monkeypatch):
    """A comparator that runs in circles holds up one job, not a partition."""
    monkeypatch.setattr("sidecar_science.worker.replay.RULES_SECONDS", 0.1)
    bench = Bench(clock=SYSTEM_CLOCK)
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()

    def compare(control, candidate):
        while True:
            sum(range(100))

    declared(bench, lambda: 1).compare(compare)

    replayed = bench.replay(deadlines).replay(Ticket(job=bench.job("shop.get", value=1)), lambda plan: None)
    deadlines.stop()

    assert ending(replayed) == "failed.worker_error"
    assert "did not end within" in replayed.detail


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


def test_a_job_whose_context_cannot_be_read_is_our_error_and_not_the_apps(bench):
    """Only forged bytes can do that; the lane makes a worker error of it."""
    declared(bench, lambda: 1)
    job = bench.job("shop.get", value=1)
    object.__setattr__(job, "context", b"\xc1")

    with pytest.raises(Exception, match="not"):
        bench.replayed(job)


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


def test_no_call_means_no_exchange_and_no_verdict_on_the_connection(bench):
    """An adapter that connects by itself is judged by its answer alone."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()

    def get():
        with socket.create_connection(server.getsockname()) as connection:
            return connection.recv(1)

    declared(bench, get)

    assert ending(bench.replayed(bench.job("shop.get", value=b""))) == "matched"
    server.close()


def test_a_job_with_two_calls_makes_both(bench):
    """A science block may try several."""
    calls = []
    declared(bench, calls.append)
    both = [Call(behavior=name, function="shop.get", arguments=bench.encode([[name], {}])) for name in ("one", "two")]

    replayed = bench.replayed(bench.job("shop.get", calls=both))

    assert (calls, ending(replayed)) == (["one", "two"], "matched")
