"""The ``with`` block: the control runs once, here, and is recorded under the name of the block."""

from __future__ import annotations

import asyncio
from unittest.mock import MagicMock

import pytest

from sidecar_science.errors import BehaviorMissing, BehaviorNotUnique
from sidecar_science.journal.partitions import key_digest
from tests.desk import Desk


class Api:
    """Bound to a desk by `api`."""


@pytest.fixture
def api(desk):
    class Api:
        calls = 0

        @desk.experiment("api.get", service="publishing", key="content_id")
        def get(self, content_id, locale="en"):
            type(self).calls += 1
            return {"id": content_id, "locale": locale}

        @desk.experiment("api.bulk", service="publishing")
        def bulk(self, ids):
            return ids

        def raw(self, content_id, password=None):
            return content_id

    return Api()


def test_the_control_runs_once_and_its_value_is_given(desk, api):
    """``run()`` gives it, and ``value`` keeps it."""
    desk.experiment("publish", service="publishing", key="content_id")
    with desk.sidecar.science("publish") as e:
        e.context({"user": 7}, app="publisher")
        assert e.use(api.get, "c-1", locale="cy") == api.get
        value = e.run()

    assert value is e.value
    assert value == {"id": "c-1", "locale": "cy"}
    assert api.calls == 1
    job = desk.job
    assert (job.experiment, job.calls[0].function, job.calls[0].behavior) == ("publish", "api.get", "candidate")
    assert desk.arguments(job) == [["c-1"], {"locale": "cy"}]
    assert desk.decode(job.context) == {"user": 7, "app": "publisher"}


def test_leaving_the_block_runs_it(desk, api):
    """If nobody did."""
    with desk.sidecar.science("api.get") as e:
        e.use(api.get, "c-1")

    assert e.value == {"id": "c-1", "locale": "en"}
    assert len(desk.jobs) == 1


def test_leaving_the_block_by_an_error_runs_nothing(desk, api):
    """The error is the caller's own."""
    with pytest.raises(ZeroDivisionError), desk.sidecar.science("api.get") as e:
        e.use(api.get, "c-1")
        raise ZeroDivisionError

    assert api.calls == 0
    assert desk.accounts == (0, 0, {}, 0)


def test_the_controls_error_is_the_same_object(desk):
    """Whether it is run by name or by leaving."""
    error = ValueError()

    def fail():
        raise error

    desk.experiment("x")
    for run in (True, False):
        with pytest.raises(ValueError) as caught, desk.sidecar.science("x") as e:
            e.use(fail)
            if run:
                e.run()
        assert caught.value is error


def test_a_block_without_a_control_is_told_so(desk):
    """A mistake of the caller's, and found at the first try."""
    desk.experiment("x")

    with pytest.raises(BehaviorMissing, match="x missing control behavior"), desk.sidecar.science("x"):
        pass
    with pytest.raises(BehaviorMissing), desk.sidecar.science("x") as e:
        asyncio.run(e.run_async())


def test_a_block_has_one_control_and_one_candidate_of_each_name(desk, api):
    """As in Scientist."""
    with pytest.raises(BehaviorNotUnique, match="already has control"), desk.sidecar.science("api.get") as e:
        e.use(api.get, 1)
        e.use(api.get, 2)
    with pytest.raises(BehaviorNotUnique, match="already has candidate"), desk.sidecar.science("api.get") as e:
        e.try_(api.get, 1)
        e.try_(api.get, 2)


def test_the_default_candidate_is_the_same_call_on_b(desk, api):
    """Of the function that was used, or of the block's own."""
    desk.experiment("publish")
    with desk.sidecar.science("publish") as e:
        e.use(api.get, 1)
    with desk.sidecar.science("api.get") as e:
        e.use(api.raw, 2)

    assert [job.calls[0].function for job in desk.jobs] == ["api.get", "api.get"]


def test_candidates_name_what_is_registered(desk, api):
    """Each with arguments of its own."""
    experiment = desk.experiment("publish")

    @experiment.try_(name="bulk")
    def in_bulk(adapter, ids):
        return ids

    with desk.sidecar.science("publish") as e:
        e.use(api.get, "c-1")
        e.try_(api.bulk, ["c-1"])
        e.try_(in_bulk, ["c-1"], name="other")

    first, second = desk.job.calls
    assert (first.behavior, first.function, desk.decode(first.arguments)) == ("candidate", "api.bulk", [[["c-1"]], {}])
    assert (second.behavior, second.function) == ("other", "publish#bulk")


def test_both_are_decorators(desk):
    """As in Scientist: bare, or with a name."""
    desk.experiment("publish")
    with desk.sidecar.science("publish") as e:

        @e.use
        def control():
            return 1

        @e.try_
        def candidate():
            return 2

        @e.try_(name="third")
        def third():
            return 3

    assert (e.value, control(), candidate(), third()) == (1, 1, 2, 3)
    assert [call.behavior for call in desk.job.calls] == ["candidate", "third"]


@pytest.mark.parametrize("unknown", [lambda content_id: 1, MagicMock(return_value=1)])
def test_what_is_not_registered_is_not_replayable(desk, api, unknown):
    """B could not find it; the job says so, and order is kept all the same."""
    desk.experiment("publish", key="content_id")
    with desk.sidecar.science("publish") as e:
        e.use(api.get, "c-1")
        e.try_(unknown, "c-1")
    with desk.sidecar.science("publish") as e:
        e.use(unknown, "c-2")

    tried, used = desk.jobs
    assert "the candidate 'candidate' of 'publish' is not registered, so B cannot find it" in tried.calls[0].obstacle
    assert "the control of 'publish' is not registered" in used.calls[0].obstacle
    assert tried.calls[0].arguments is used.calls[0].arguments is None


def test_a_candidates_arguments_may_be_an_obstacle(desk, api):
    """They have no exact form, though those of the control have one."""
    desk.experiment("publish")
    with desk.sidecar.science("publish") as e:
        e.use(api.get, 1)
        e.try_(api.bulk, object())

    assert "no exact form for builtins.object at $[0][0]" in desk.job.calls[0].obstacle


def test_a_candidates_arguments_may_be_too_large(desk, api):
    """Then the call is dropped, and the control has run."""
    desk.experiment("publish")
    with desk.sidecar.science("publish") as e:
        e.use(api.get, 1)
        e.try_(api.bulk, "x" * 2_000_000)

    assert e.value["id"] == 1
    assert desk.accounts == (1, 0, {"too_large": 1}, 0)


def test_the_key_is_looked_up_where_the_control_has_it(desk, api):
    """The parameter may stand in another place than in the block's own function."""
    publish = desk.experiment("publish", service="publishing", key="content_id")
    publish(lambda locale, content_id: None)
    digest = key_digest("desk", "publishing", "c-1")

    for control, args in ((api.get, ("c-1", "en")), (api.raw, ("c-1",)), (lambda x, content_id: x, ("en", "c-1"))):
        with desk.sidecar.science("publish") as e:
            e.use(control, *args)

    assert [job.key for job in desk.jobs] == [digest] * 3


def test_a_key_that_the_control_does_not_have_is_told(desk, api):
    """The call is recorded without one."""
    desk.experiment("publish", key="content_id")
    with desk.sidecar.science("publish") as e:
        e.use(api.bulk, ["c-1"])

    assert desk.job.key is None
    assert desk.stats["errors"] == {"key": 1}


def test_a_key_function_is_asked_with_the_controls_arguments(desk, api):
    """Without any function of the experiment's own."""
    desk.experiment("publish", key=lambda content_id, locale: (content_id, locale))
    with desk.sidecar.science("publish") as e:
        e.use(api.get, "c-1", locale="cy")

    assert desk.job.key == key_digest("desk", "", "(3:c-12:cy)")


def test_the_blocks_own_function_keeps_its_key(desk, api):
    """The usual case: the block is named after the method that it uses."""
    with desk.sidecar.science("api.get") as e:
        e.use(api.get, content_id="c-1")

    assert desk.job.key == key_digest("desk", "publishing", "c-1")


def test_a_name_that_nobody_declared_is_recorded_and_told(desk, api):
    """No error of ours may surface there; B will say that it does not know the name."""
    with desk.sidecar.science("nobody") as e:
        e.use(api.get, "c-1")
        value = e.run()

    assert value == {"id": "c-1", "locale": "en"}
    assert (desk.job.experiment, desk.job.effect) == ("nobody", "write")
    assert desk.stats["errors"] == {"unknown_experiment": 1}


def test_a_coroutine_is_awaited(desk):
    """With ``run_async``, or wherever the value is awaited."""

    @desk.experiment("fetch")
    async def fetch(content_id):
        await asyncio.sleep(0)
        return content_id

    async def main():
        with desk.sidecar.science("fetch") as e:
            e.use(fetch, "c-1")
            first = await e.run_async()
        with desk.sidecar.science("fetch") as e:
            e.use(fetch, "c-2")
        return first, e.value and await e.value

    assert asyncio.run(main()) == ("c-1", "c-2")
    assert [desk.decode(job.value) for job in desk.jobs] == ["c-1", "c-2"]


def test_a_generator_is_recorded_as_it_is_read(desk):
    """As with the decorator."""
    desk.experiment("pages")
    with desk.sidecar.science("pages") as e:
        e.use(lambda: (n for n in range(2)))

    assert list(e.value) == [0, 1]
    assert (desk.job.consumed, desk.job.exhausted) == (2, True)


def test_a_disabled_sidecar_runs_the_control_and_nothing_else():
    """The block is still a block."""
    desk = Desk(enabled=False)
    desk.experiment("x")
    with desk.sidecar.science("x") as e:
        e.use(lambda: 5)

    assert e.value == 5
    assert desk.stats["called"] == 0


def test_the_context_of_a_block_adds_to_that_of_its_experiment(desk):
    """And both come back where they are asked for."""
    experiment = desk.experiment("x")
    assert experiment.context(app="publisher") == {"app": "publisher"}
    with desk.sidecar.science("x") as e:
        assert e.context(user=1) == {"app": "publisher", "user": 1}
        e.use(lambda: 5)
    with desk.sidecar.science("x") as e:
        e.use(lambda: 6)

    first, second = desk.jobs
    assert desk.decode(first.context) == {"app": "publisher", "user": 1}
    assert desk.decode(second.context) == {"app": "publisher"}


def test_what_goes_wrong_in_a_block_is_kept_away(desk, api, monkeypatch):
    """Even a defect of ours."""
    experiment = desk.experiment("publish")
    monkeypatch.setattr(experiment, "registered_name", lambda function: 1 / 0)
    with desk.sidecar.science("publish") as e:
        e.use(api.get, 1)
        e.try_(api.bulk, [1])

    assert e.value["id"] == 1
    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)
    assert desk.stats["errors"] == {"science": 1}


def test_a_block_has_no_other_attributes(desk):
    """It hands on to its experiment what recording asks for, and nothing else."""
    desk.experiment("x")

    with pytest.raises(AttributeError):
        desk.sidecar.science("x").ignore
