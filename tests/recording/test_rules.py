"""Scientist's verbs in module scope: what an experiment is told, both sides find."""

from __future__ import annotations

import pytest

from sidecar_science.errors import DeclarationError


def test_a_path_or_a_function_says_what_to_ignore(desk):
    """Each is given back as it is, and may be repeated."""
    experiment = desk.experiment("get")

    @experiment.ignore
    def rounding(control, candidate):
        return round(control) == round(candidate)

    assert experiment.ignore("$.updated_at") == "$.updated_at"
    experiment.ignore("$.items[*].id", values_only=True)

    assert experiment.rules.ignores == [rounding]
    assert [rule.id for rule in experiment.rule_set.rules] == [
        "ignore $.items[*].id values_only",
        "ignore $.updated_at",
    ]
    with pytest.raises(DeclarationError):
        experiment.ignore("updated_at[")


@pytest.mark.parametrize("verb", ["compare", "compare_errors", "clean", "run_if", "before_run", "after_run"])
def test_scientists_verbs_are_decorators(desk, verb):
    """And take nothing that cannot be called."""
    experiment = desk.experiment("get")

    def rule(*values):
        return True

    assert getattr(experiment, verb)(rule) is rule
    with pytest.raises(TypeError, match=f"{verb} was given a value of type"):
        getattr(experiment, verb)("rule")


@pytest.mark.parametrize(
    ("verb", "attribute"), [("publish", "publisher"), ("raised", "_raised"), ("supply", "supplier")]
)
def test_so_are_those_for_a_second_environment(desk, verb, attribute):
    """Found again under the experiment."""
    experiment = desk.experiment("get")

    def rule(*values):
        return {}

    assert getattr(experiment, verb)(rule) is rule
    assert getattr(experiment, attribute) is rule
    with pytest.raises(TypeError):
        getattr(experiment, verb)(None)


def test_hooks_around_a_replay_are_guarded(desk):
    """One that raises is told to ``raised``, and the others still run."""
    experiment = desk.experiment("get")
    told, seen = [], []
    experiment.before()
    experiment.after("nothing was declared")
    experiment.raised(lambda operation, error: told.append((operation, type(error))))
    experiment.before_run(lambda: 1 / 0)
    experiment.after_run(lambda result: 1 / 0)
    experiment.publish(seen.append)

    experiment.before()
    experiment.after("result")

    assert told == [("before_run", ZeroDivisionError), ("after_run", ZeroDivisionError)]
    assert seen == ["result"]


def test_the_places_of_secret_parameters_are_found_by_the_functions_name(desk):
    """Those of another experiment's function by its own signature; of a name that nobody declared there are none."""
    experiment = desk.experiment("login", secrets=["nino"])
    experiment(lambda user, password, nino: None)
    desk.experiment("other")(lambda token: None)

    @experiment.try_(name="bulk")
    def in_bulk(adapter, password, users):
        pass

    assert experiment.secret_places("login") == ((1, "password"), (2, "nino"))
    assert experiment.secret_places("other") == ((0, "token"),)
    assert experiment.secret_places("nobody") == ()
    assert experiment.secret_places("login#bulk") == ((0, "password"),)
    assert experiment.secret_places("login#nobody") == experiment.secret_places("nobody#bulk") == ()


def test_whatever_it_is_registered_as_is_found_by_what_it_is(desk):
    """A recorded function, bound or not, and a candidate; nothing else has a name."""
    experiment = desk.experiment("get")

    class Api:
        @desk.experiment("api.get")
        def get(self):
            return 1

    @experiment.try_
    def new_way(adapter):
        return 2

    names = [experiment.registered_name(each) for each in (Api.get, Api().get, vars(Api)["get"], new_way, print)]

    assert names == ["api.get", "api.get", "api.get", "get#candidate", None]


def test_rules_of_comparison_are_the_experiments_and_its_sidecars(desk):
    """What the sidecar has for all holds in every experiment, whichever was declared first."""
    experiment, other = desk.experiment("get"), desk.experiment("list")

    experiment.round("$.price", 2)
    desk.sidecar.instant("$.at")
    desk.sidecar.instant("$.at")

    assert [rule.id for rule in experiment.rule_set.rules] == ["round $.price digits=2", "instant $.at"]
    assert [rule.id for rule in other.rule_set.rules] == ["instant $.at"]
