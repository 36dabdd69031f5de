"""From a job's names to code: what would be called on B, or which reason keeps it from being called."""

from __future__ import annotations

import pytest

from sidecar_science.journal.job import Call
from sidecar_science.worker.endings import Ended
from tests.worker.bench import A_URL, Bench


def another_way(adapter, *args):
    return "another"


def a_third_way(adapter, *args):
    return "third"


@pytest.fixture
def bench():
    """A shop with a read and a write."""
    return declared(Bench())


def declared(bench):
    sidecar = bench.sidecar

    class Shop:
        @sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item):
            return item

        @sidecar.experiment("shop.put", service="shop", effect="write")
        def put(self, item, value):
            return value

        @sidecar.experiment("mail.send", service="mail", effect="write")
        def send(self, to):
            return to

    sidecar.service("shop", A_URL, lambda base_url: Shop())
    sidecar.service("mail", "http://mail.test", lambda base_url: Shop())
    return bench


def ended(bench, job):
    """How the planning of ``job`` ends."""
    with pytest.raises(Ended) as info:
        bench.plan(job)
    return f"{info.value.outcome.value}.{info.value.reason}"


def detail(bench, job):
    with pytest.raises(Ended) as info:
        bench.plan(job)
    return info.value.detail


def test_a_job_becomes_a_call_of_its_registered_function(bench):
    """Names lead to code through the worker's own registry."""
    plan = bench.plan(bench.job("shop.get", "tea"))

    [call] = plan.calls
    assert call.behavior == "candidate"
    assert call.function is bench.sidecar.experiments["shop.get"].function
    assert (call.args, call.kwargs) == (["tea"], {})
    assert (plan.service, plan.writes, plan.repeatable) == ("shop", False, True)


def test_an_experiment_that_nobody_declared_is_skipped(bench):
    """Nothing that was not registered can be called."""
    assert ended(bench, bench.job("os.system", "true")) == "skipped.unknown_experiment"
    assert ended(bench, bench.job("os.system", calls=())) == "skipped.unknown_experiment"


def test_a_control_that_failed_before_it_sent_anything_is_skipped(bench):
    """A saw no answer, so there is none to compare."""
    job = bench.job("shop.get", "tea", error={"type": "ConnectionError"}, sent=False)

    assert ended(bench, job) == "skipped.control_not_sent"


def test_a_control_that_failed_after_sending_is_replayed(bench):
    """An error that A answered is an answer."""
    assert bench.plan(bench.job("shop.get", "tea", error={"type": "NotFound"})).calls


def test_a_generator_that_nobody_took_from_is_skipped(bench):
    """It made no call on A."""
    job = bench.job("shop.get", "tea", consumed=0, exhausted=False)

    assert ended(bench, job) == "skipped.not_consumed"


def test_an_empty_generator_is_replayed(bench):
    """Its consumer saw that there was nothing."""
    assert bench.plan(bench.job("shop.get", "tea", value=[], consumed=0, exhausted=True)).calls


def test_a_service_without_a_route_is_skipped():
    """There is nowhere to send it."""
    bench = declared(Bench(targets={"mail": "http://b-mail.test"}))

    assert ended(bench, bench.job("shop.get", "tea")) == "skipped.no_route"


def test_without_any_route_nothing_is_called(bench):
    """A function of no service needs a route as well: it would go somewhere."""
    nowhere = Bench(targets={})
    nowhere.sidecar.experiment("ping", effect="read")(another_way)

    assert ended(nowhere, nowhere.job("ping")) == "skipped.no_route"


def test_a_write_to_a_service_that_is_not_allowed_is_skipped():
    """Writes reach B only for services that the command line names."""
    bench = declared(Bench(allow_writes=()))

    assert ended(bench, bench.job("shop.put", "tea", 1)) == "skipped.write_not_allowed"
    assert bench.plan(bench.job("shop.get", "tea")).calls


def test_what_a_job_says_of_its_effect_does_not_count():
    """A forged job may call itself a read; the registry knows better."""
    bench = declared(Bench(allow_writes=()))

    assert ended(bench, bench.job("shop.put", "tea", 1, effect="read")) == "skipped.write_not_allowed"


def test_a_write_of_no_service_can_be_allowed_by_nobody(bench):
    """The detail says what to declare."""
    bench.sidecar.experiment("ping")(another_way)

    assert ended(bench, bench.job("ping")) == "skipped.write_not_allowed"
    assert "give it service=" in detail(bench, bench.job("ping"))


def test_an_allowed_write_is_neither_repeated_nor_taken_for_a_read(bench):
    """Nobody knows how an interrupted one ended."""
    plan = bench.plan(bench.job("shop.put", "tea", 1))

    assert (plan.writes, plan.repeatable) == (True, False)


def test_a_write_that_b_recognizes_may_be_repeated(bench):
    """Its experiment was declared idempotent."""
    bench.sidecar.experiment("shop.replace", service="shop", idempotent=True)(another_way)

    plan = bench.plan(bench.job("shop.replace", "tea"))

    assert (plan.writes, plan.repeatable) == (True, True)


def test_arguments_without_an_exact_form_are_not_replayable(bench):
    """The recorder's reason is passed on."""
    job = bench.job("shop.get", calls=[Call(function="shop.get", obstacle="no exact form for Socket at $[0]")])

    assert ended(bench, job) == "skipped.not_replayable"
    assert detail(bench, job) == "no exact form for Socket at $[0]"


@pytest.mark.parametrize("arguments", [b"", b"\x80\x04pickle", b"\x01", b"\x93\x01\x02\x03", b"\x92\x01\x02"])
def test_arguments_that_cannot_be_read_are_not_replayable(bench, arguments):
    """Bytes that nobody signed may be anything."""
    job = bench.job("shop.get", calls=[Call(function="shop.get", arguments=arguments)])

    assert ended(bench, job) == "skipped.not_replayable"


def test_a_job_without_calls_is_not_replayable(bench):
    """There is nothing to call."""
    assert ended(bench, bench.job("shop.get", calls=())) == "skipped.not_replayable"


def test_a_call_of_something_unregistered_is_not_replayable(bench):
    """A name that leads nowhere calls nothing."""
    for name in ("shop.unheard-of", "shop.get#unheard-of", "#", ""):
        job = bench.job("shop.get", calls=[bench.call(name)])
        assert ended(bench, job) == "skipped.not_replayable"


def test_a_declaration_without_a_function_is_not_replayable(bench):
    """Only a science block names it, and the block said what it calls."""
    bench.sidecar.experiment("shop.block", service="shop", effect="read")

    assert ended(bench, bench.job("shop.block", calls=[bench.call("shop.block")])) == "skipped.not_replayable"


def test_the_recorders_reason_is_told_for_a_control_that_was_not_registered(bench):
    """A science block over a lambda says so itself."""
    job = bench.job("shop.get", calls=[Call(function="", obstacle="the control is not registered")])

    assert detail(bench, job) == "the control is not registered"


def test_registered_candidates_stand_for_the_control(bench):
    """Each of them is called, and the control is not."""
    bench.sidecar.experiments["shop.get"].try_(another_way, name="bulk")
    bench.sidecar.experiments["shop.get"].try_(a_third_way, name="stream")

    plan = bench.plan(bench.job("shop.get", "tea"))

    assert [(call.behavior, call.candidate) for call in plan.calls] == [("bulk", another_way), ("stream", a_third_way)]


def test_no_candidate_sees_what_another_one_did_to_its_arguments(bench):
    """Adapters change what they are given: every call gets its own."""
    bench.sidecar.experiments["shop.get"].try_(another_way, name="bulk")
    bench.sidecar.experiments["shop.get"].try_(a_third_way, name="stream")

    first, second = bench.plan(bench.job("shop.get", {"item": ["tea"]})).calls
    first.args[0]["item"].append("spoiled")

    assert second.args == [{"item": ["tea"]}]


def test_a_science_block_calls_what_it_used_and_is_judged_by_its_own_name(bench):
    """One experiment's name, another one's function."""
    bench.sidecar.experiment("checkout", service="shop", effect="read")

    plan = bench.plan(bench.job("shop.get", "tea", experiment="checkout"))

    assert plan.experiment.name == "checkout"
    assert plan.calls[0].function is bench.sidecar.experiments["shop.get"].function


def test_a_science_block_under_an_undeclared_name_has_the_rules_of_what_it_used(bench):
    """The app recorded it all the same, and B knows the function."""
    plan = bench.plan(bench.job("shop.get", "tea", experiment="nobody declared this"))

    assert plan.experiment.name == "shop.get"


def test_a_read_that_uses_a_write_is_a_write(bench):
    """What a block calls itself cannot make what it calls harmless."""
    closed = declared(Bench(allow_writes=()))
    closed.sidecar.experiment("preview", service="shop", effect="read")

    assert ended(closed, closed.job("shop.put", "tea", 1, experiment="preview")) == "skipped.write_not_allowed"


def test_a_write_to_another_service_needs_that_service_allowed():
    """The block's service is allowed, and that of the function that it uses is not."""
    both = {"shop": "http://b.test", "mail": "http://b-mail.test"}
    bench = declared(Bench(targets=both, allow_writes=["shop"]))
    bench.sidecar.experiment("checkout", service="shop")

    job = bench.job("mail.send", "a@b.test", experiment="checkout")

    assert ended(bench, job) == "skipped.write_not_allowed"
    assert "'mail'" in detail(bench, job)


def test_the_adapter_is_that_of_the_function_that_is_called():
    """A block without a service of its own calls a method of a service."""
    bench = declared(Bench())
    bench.sidecar.experiment("checkout", effect="read")

    plan = bench.plan(bench.job("shop.get", "tea", experiment="checkout"))

    assert plan.calls[0].service == plan.service == "shop"


def test_a_function_of_a_service_without_a_route_is_skipped_in_a_block_too(bench):
    """The block's own service has one, and that helps nobody."""
    bench.sidecar.experiment("checkout", service="shop", effect="read")

    assert ended(bench, bench.job("mail.send", "x", experiment="checkout")) == "skipped.no_route"


def test_a_block_may_try_a_candidate_that_another_experiment_registered(bench):
    """It is found by the name of its experiment and its own."""
    bench.sidecar.experiments["shop.get"].try_(another_way, name="bulk")
    bench.sidecar.experiment("checkout", service="shop", effect="read")

    call = bench.call("shop.get#bulk", "tea", behavior="bulk")
    plan = bench.plan(bench.job("shop.get", experiment="checkout", calls=[call]))

    assert (plan.calls[0].behavior, plan.calls[0].candidate) == ("bulk", another_way)
