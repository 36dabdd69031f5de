"""What ``publish`` and ``after_run`` are given: Scientist's own result, of the recorded control and B's candidates."""

from __future__ import annotations


def published(bench, function, job, **rules):
    """The result that ``publish`` is given."""
    bench.sidecar.experiment("shop.get", effect="read")(function)
    experiment = bench.sidecar.experiments["shop.get"]
    for verb, rule in rules.items():
        getattr(experiment, verb)(rule)
    results = []
    experiment.publish(results.append)
    bench.replayed(job)
    [result] = results
    return result


def test_a_match_is_told_as_scientist_tells_it(bench):
    """Control and candidate with their values and times, and the context that was recorded."""

    def get():
        bench.clock.advance(0.5)
        return 1

    result = published(bench, get, bench.job("shop.get", value=1, context={"user": "ada"}))

    assert (result.is_matched, result.experiment_name, result.context) == (True, "shop.get", {"user": "ada"})
    assert [(each.name, each.value) for each in result.observations] == [("control", 1), ("candidate", 1)]
    assert (result.control.duration, result.candidates[0].duration) == (0.25, 0.5)


def test_a_mismatch_names_the_candidate_that_differs(bench):
    """And is neither matched nor ignored."""
    result = published(bench, lambda: 2, bench.job("shop.get", value=1))

    assert (result.is_matched, result.is_mismatched, result.is_ignored) == (False, True, False)
    assert [each.name for each in result.mismatched] == ["candidate"]


def test_what_an_ignore_explains_is_ignored(bench):
    """Never counted as matched."""
    result = published(bench, lambda: 2, bench.job("shop.get", value=1), ignore="$")

    assert (result.is_matched, result.is_mismatched, result.is_ignored) == (False, False, True)


def test_values_are_cleaned_as_the_experiment_says(bench):
    """What is published is for ``clean`` to say."""
    result = published(bench, lambda: 2, bench.job("shop.get", value=1), clean=lambda value: value * 100)

    assert [each.cleaned_value for each in result.observations] == [100, 200]


def test_errors_are_told_as_they_were_recorded(bench):
    """Type, status and body stand beside the message: the exception itself is in another process."""

    def get():
        raise ValueError("no coffee")

    error = {"type": "ValueError", "message": "no tea", "status": 404, "body": {"code": 7}}
    result = published(bench, get, bench.job("shop.get", error=error))

    control, candidate = result.observations
    assert (control.raised, str(control.exception)) == (True, "no tea")
    assert (control.exception.type, control.exception.status, control.exception.body) == (
        "ValueError",
        404,
        {"code": 7},
    )
    assert str(candidate.exception) == "no coffee"
