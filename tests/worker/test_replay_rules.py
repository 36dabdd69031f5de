"""The experiment's own rules and hooks, on the B side: they have their time, and nothing to send."""

from __future__ import annotations

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.replay import Ticket
from tests.worker.bench import Bench
from tests.worker.calls import declared, ending


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
