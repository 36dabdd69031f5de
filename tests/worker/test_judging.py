"""From what A recorded and what B did to an outcome: matched, ignored, mismatched."""

from __future__ import annotations

import requests

from sidecar_science.reports.outcome import Outcome
from tests.story.world import Answer, Service
from tests.worker.bench import KEY, Bench


def declared(bench, function, **options):
    """An experiment over a plain function."""
    return (
        bench.sidecar.experiment("shop.get", effect="read", **options)(function)
        and bench.sidecar.experiments["shop.get"]
    )


def judged(bench, job, key_id=b""):
    plan = bench.plan(job)
    answer = bench.caller().call(plan, plan.calls[0])
    return bench.judging().judge(plan, answer, key_id)


def found(judgement):
    """Where and how the two differ."""
    return [(one.where, one.path, one.kind) for one in judgement.differences]


def exchange(method="GET", path="/", status=200, body=None, query=""):
    """An exchange as A recorded it."""
    return {
        "method": method, "origin": "http://127.0.0.1:1", "path": path, "query": query, "status": status,
        "body": body, "duration": 0.1, "sent": True,
    }  # fmt: skip


def test_the_same_bytes_are_still_judged_by_the_experiments_own_comparison(bench):
    """Nobody need look into equal bytes, unless somebody said how to compare them."""
    declared(bench, lambda: {"n": 1}).compare(lambda control, candidate: False)

    judgement = judged(bench, bench.job("shop.get", value={"n": 1}))

    assert judgement.outcome is Outcome.MISMATCHED


def test_what_nobody_could_look_into_is_not_equal_because_its_bytes_are(bench):
    """The mark of an object that has no plain form stands for any such object."""
    experiment = declared(bench, object)
    job = bench.job("shop.get", value=None)
    object.__setattr__(job, "value", experiment.encode_value(object()))

    judgement = judged(bench, job)

    assert judgement.outcome is Outcome.MISMATCHED


def test_both_sides_of_a_match_can_be_had(bench):
    """Hooks are given them, though nobody had to look into the values to compare them."""
    declared(bench, lambda: {"n": 1})

    judgement = judged(bench, bench.job("shop.get", value={"n": 1}))

    assert judgement.control.value == judgement.candidate.value == {"n": 1}


def test_the_same_answer_is_a_match(bench):
    """Nothing differs."""
    declared(bench, lambda: {"a": 1})

    judgement = judged(bench, bench.job("shop.get", value={"a": 1}))

    assert judgement.outcome is Outcome.MATCHED
    assert found(judgement) == []


def test_another_answer_is_a_mismatch_with_its_path(bench):
    """What differs is told where it differs."""
    declared(bench, lambda: {"a": 2})

    judgement = judged(bench, bench.job("shop.get", value={"a": 1}))

    assert judgement.outcome is Outcome.MISMATCHED
    assert found(judgement) == [("value", "$.a", "changed")]


def test_the_same_error_is_a_match(bench):
    """Errors are answers: type, message, status and body."""

    def get():
        raise ValueError("no tea")

    declared(bench, get)
    error = {"type": "ValueError", "message": "no tea", "status": None, "body": None}

    assert judged(bench, bench.job("shop.get", error=error)).outcome is Outcome.MATCHED


def test_a_swallowed_error_is_seen_in_the_exchanges(bench):
    """Both return False; A had been told 404 and B 500."""
    with Service(lambda heard: Answer(500)) as service:
        declared(bench, lambda: requests.get(f"{service.url}/tea").ok)
        job = bench.job("shop.get", value=False, exchanges=[exchange(path="/tea", status=404)])

        judgement = judged(bench, job)

    assert judgement.outcome is Outcome.MISMATCHED
    assert found(judgement) == [("exchange", "$[0].status", "changed")]


def test_a_second_request_on_b_is_a_mismatch(bench):
    """One POST on A, two on B, and the same answer."""

    def post_twice():
        for _ in range(2):
            requests.post(f"{service.url}/orders", json={"n": 1})
        return "ordered"

    with Service(lambda heard: Answer(201)) as service:
        declared(bench, post_twice)
        once = exchange("POST", "/orders", 201, {"n": 1})

        judgement = judged(bench, bench.job("shop.get", value="ordered", exchanges=[once]))

    assert judgement.outcome is Outcome.MISMATCHED
    assert ("exchange", "$", "length") in found(judgement)


def test_exchanges_on_a_and_none_on_b_are_a_mismatch(bench):
    """A cache answered, or the call never left: B was not asked."""
    declared(bench, lambda: {"a": 1})

    judgement = judged(bench, bench.job("shop.get", value={"a": 1}, exchanges=[exchange()]))

    assert judgement.outcome is Outcome.MISMATCHED


def test_an_ignored_path_explains_what_differs_there(bench):
    """Every difference below it is explained; one beside it is not."""
    declared(bench, lambda: {"id": 2, "a": 2}).ignore("$.id")

    explained = judged(bench, bench.job("shop.get", value={"id": 1, "a": 2}))
    beside = judged(bench, bench.job("shop.get", value={"id": 1, "a": 1}))

    assert explained.outcome is Outcome.IGNORED
    assert (beside.outcome, found(beside)) == (Outcome.MISMATCHED, [("value", "$.a", "changed")])


def test_a_path_for_values_only_keeps_presence_compared(bench):
    """B may have another id, and must have one."""
    declared(bench, dict).ignore("$.id", values_only=True)

    assert judged(bench, bench.job("shop.get", value={"id": 1})).outcome is Outcome.MISMATCHED


def test_a_callable_may_ignore_what_it_can_explain(bench):
    """It is given both values."""
    declared(bench, lambda: 11).ignore(lambda control, candidate: abs(control - candidate) == 1)

    assert judged(bench, bench.job("shop.get", value=10)).outcome is Outcome.IGNORED
    assert judged(bench, bench.job("shop.get", value=9)).outcome is Outcome.MISMATCHED


def test_an_ignore_that_raises_ignores_nothing(bench):
    """And whoever asked to be told is told."""
    experiment = declared(bench, lambda: 2)
    told = []
    experiment.raised(lambda operation, error: told.append((operation, type(error).__name__)))
    experiment.ignore(lambda control, candidate: 1 / 0)

    assert judged(bench, bench.job("shop.get", value=1)).outcome is Outcome.MISMATCHED
    assert told == [("ignore", "ZeroDivisionError")]


def test_a_comparator_decides_in_place_of_the_diff(bench):
    """What it calls the same is the same."""
    declared(bench, lambda: "TEA").compare(lambda control, candidate: control.lower() == candidate.lower())

    assert judged(bench, bench.job("shop.get", value="tea")).outcome is Outcome.MATCHED


def test_a_comparator_that_raises_is_a_mismatch(bench):
    """And whoever asked to be told is told."""
    experiment = declared(bench, lambda: 1)
    told = []
    experiment.raised(lambda operation, error: told.append((operation, type(error).__name__)))
    experiment.compare(lambda control, candidate: control["x"])

    judgement = judged(bench, bench.job("shop.get", value=1))

    assert judgement.outcome is Outcome.MISMATCHED
    assert told == [("compare", "TypeError")]


def test_errors_have_a_comparator_of_their_own(bench):
    """B may word its errors in another way."""

    def get():
        raise ValueError("tea: none")

    declared(bench, get).compare_errors(lambda control, candidate: control["type"] == candidate["type"])

    error = {"type": "ValueError", "message": "no tea", "status": None, "body": None}
    assert judged(bench, bench.job("shop.get", error=error)).outcome is Outcome.MATCHED


def test_a_generator_that_goes_on_where_a_ended_is_a_mismatch(bench):
    """A's caller saw the end; B has one more."""

    def rows():
        yield from range(3)

    declared(bench, rows)

    judgement = judged(bench, bench.job("shop.get", value=[0, 1], consumed=2, exhausted=True))

    assert found(judgement)[0] == ("value", "$", "length")


class TestSecrets:
    def job(self, bench, fingerprint, **fields):
        from sidecar_science.codec.markers import Secret

        return bench.job("shop.get", value={"token": Secret(fingerprint), "name": "ada"}, **fields)

    def test_equal_secrets_are_equal_by_their_fingerprints(self):
        """A kept a fingerprint only; B's value is fingerprinted with the same key."""
        bench = Bench(signing_key=KEY)
        declared(bench, lambda: {"token": "s3cret-token", "name": "ada"})
        of_a = bench.sidecar.keyring.fingerprint(bench.encode("s3cret-token"))

        judgement = judged(bench, self.job(bench, of_a), bench.sidecar.keyring.sign(b"")[0])

        assert judgement.outcome is Outcome.MATCHED
        assert "s3cret-token" not in repr(judgement.candidate)

    def test_another_secret_differs_and_is_not_shown(self):
        """What differs is told by its path alone."""
        bench = Bench(signing_key=KEY)
        declared(bench, lambda: {"token": "another-token", "name": "ada"})
        of_a = bench.sidecar.keyring.fingerprint(bench.encode("s3cret-token"))

        judgement = judged(bench, self.job(bench, of_a), bench.sidecar.keyring.sign(b"")[0])

        assert found(judgement) == [("value", "$.token", "changed")]
        assert "another-token" not in repr([judgement.differences, judgement.candidate])

    def test_a_job_of_an_older_key_is_compared_with_that_keys_fingerprints(self):
        """Keys are changed while jobs are under way."""
        old, new = KEY, "a newer key of the bench, long too"
        before = Bench(signing_key=old)
        bench = Bench(signing_key=(new, old))
        declared(bench, lambda: {"token": "s3cret-token", "name": "ada"})
        of_a = before.sidecar.keyring.fingerprint(bench.encode("s3cret-token"))
        older, newer = (each.sidecar.keyring.sign(b"")[0] for each in (before, bench))

        assert judged(bench, self.job(bench, of_a), older).outcome is Outcome.MATCHED
        assert judged(bench, self.job(bench, of_a), newer).outcome is Outcome.MISMATCHED

    def test_a_supplied_secret_is_scrubbed_from_what_b_answers(self):
        """B echoes its password in a message that nobody declared secret."""
        from sidecar_science.codec.markers import Secret

        bench = Bench()

        def log_in(user, password):
            return {"message": f"welcome {user}, your word is {password}"}

        declared(bench, log_in).supply(lambda: {"password": "b-password"})
        job = bench.job("shop.get", "ada", Secret("00"), value={"message": "welcome ada, your word is <secret>"})

        judgement = judged(bench, job)

        assert judgement.outcome is Outcome.MATCHED
        assert "b-password" not in repr(judgement.candidate)
