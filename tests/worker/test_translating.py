"""Ids that B makes under other numbers: jobs that name them, and answers that tell of them."""

from __future__ import annotations

import pytest
import requests

from sidecar_science.comparison.observed import Observed
from sidecar_science.errors import JournalUnavailable
from sidecar_science.reports.outcome import Outcome
from sidecar_science.translation import Id, Pair
from sidecar_science.worker.preconditions import failed_precondition
from tests.story.world import Answer, Service
from tests.worker.bench import Bench


class Numbering:
    """What B knows: things under numbers of its own, made by calls."""

    def __init__(self, first=100):
        self.things = {}
        self.asked = []
        self.next = first

    def create(self, name):
        self.things[self.next] = {"id": self.next, "name": name, "href": f"/things/{self.next}"}
        self.next += 1
        return dict(self.things[self.next - 1])

    def get(self, thing_id):
        self.asked.append(thing_id)
        if thing_id not in self.things:
            raise LookupError(f"no thing {thing_id}")
        return dict(self.things[thing_id])


def shop(b=None, **more):
    """A bench with a service that numbers things, and its B."""
    bench, b = Bench(), b or Numbering()
    sidecar = bench.sidecar

    class Shop:
        @sidecar.experiment("shop.create", service="shop", effect="write", ids={"$.id": "thing"})
        def create(self, name):
            return b.create(name)

        @sidecar.experiment(
            "shop.get", service="shop", effect="read", ids={"$.id": "thing", "thing_id": "thing"}, **more
        )
        def get(self, thing_id):
            return b.get(thing_id)

    sidecar.service("shop", "http://a.test", lambda base_url: Shop())
    return bench, b


def thing(id, name="one"):
    return {"id": id, "name": name, "href": f"/things/{id}"}


def ended(bench, *jobs):
    replayed = [bench.replayed(job) for job in jobs]
    return [each.full_reason or each.outcome.value for each in replayed]


def test_what_a_created_is_found_under_the_number_that_b_gave_it():
    """In the value, in links inside of it, and in the arguments of what follows."""
    bench, b = shop()
    jobs = [bench.job("shop.create", "one", value=thing(5)), bench.job("shop.get", 5, value=thing(5))]

    assert ended(bench, *jobs) == ["matched", "matched"]
    assert b.asked == [100]


def test_the_same_error_about_another_number_is_the_same():
    """An error names the id that it was asked for."""
    bench, b = shop()
    made = bench.job("shop.create", "one", value=thing(5))
    error = {"type": "LookupError", "message": "no thing 5", "status": None, "body": None}
    assert ended(bench, made) == ["matched"]
    b.things.clear()

    assert ended(bench, bench.job("shop.get", 5, error=error)) == ["matched"]
    assert b.asked == [100]


def test_a_real_difference_is_one_under_any_number():
    """B may not hide behind its numbers."""
    bench, b = shop()
    made, got = bench.job("shop.create", "one", value=thing(5)), bench.job("shop.get", 5, value=thing(5))
    assert ended(bench, made) == ["matched"]
    b.things[100]["name"] = "another"

    replayed = bench.replayed(got)

    assert replayed.outcome is Outcome.MISMATCHED
    assert [(each.path, each.kind) for each in replayed.differences] == [("$.name", "changed")]


def test_an_answer_about_another_thing_is_a_mismatch_and_counted():
    """A's 5 is B's 100: one who answers about 101 contradicts that."""
    bench, b = shop()
    jobs = [bench.job("shop.create", "one", value=thing(5)), bench.job("shop.create", "two", value=thing(6, "two"))]
    assert ended(bench, *jobs) == ["matched", "matched"]
    b.things[100] = {**b.things[100], "id": 102}

    replayed = bench.replayed(bench.job("shop.get", 5, value=thing(5)))

    assert replayed.outcome is Outcome.MISMATCHED
    assert [each.path for each in replayed.differences] == ["$.id"]
    assert replayed.id_conflicts == {"thing": 1}


def test_an_id_that_nobody_knows_is_the_reason_where_b_differs():
    """It was made before this environment began, or its creation was lost."""
    bench, _ = shop()

    replayed = bench.replayed(bench.job("shop.get", 5, value=thing(5)))

    assert replayed.full_reason == "incomparable.unmapped_id"
    assert "nobody knows" in replayed.detail
    assert replayed.differences == ()


def test_shared_data_matches_under_its_own_number():
    """What both sides have had from the beginning needs no pair; and has one from then on."""
    bench, b = shop(Numbering(first=5))
    b.create("one")
    got = bench.job("shop.get", 5, value=thing(5))

    assert ended(bench, got) == ["matched"]
    b.things[5]["name"] = "another"
    assert ended(bench, got) == ["mismatched"]


def test_anothers_five_is_no_evidence():
    """B has a thing of that number, which is not A's."""
    bench, b = shop(Numbering(first=5))
    b.create("somebody else's")

    assert ended(bench, bench.job("shop.get", 5, value=thing(5))) == ["incomparable.unmapped_id"]
    assert ended(bench, bench.job("shop.get", 5, value=thing(5))) == ["incomparable.unmapped_id"]


def test_without_translation_every_difference_is_put_down_to_ids():
    """The creation, which tells of another number, and what follows. A real difference is still one."""
    bench, b = shop()
    bench.ids = None
    made, got = bench.job("shop.create", "one", value=thing(5)), bench.job("shop.get", 5, value=thing(5))

    assert ended(bench, made, got) == ["incomparable.unmapped_id", "incomparable.unmapped_id"]
    assert b.asked == [5]
    assert ended(bench, bench.job("shop.create", "two", value=thing(6, "three"))) == ["mismatched"]


def test_what_a_comparison_of_the_users_own_calls_different_is_different():
    """It sees B's number in A's answer at the declared place, and has the last word."""
    bench, b = shop()
    seen = []

    @bench.sidecar.experiments["shop.get"].compare
    def never(control, candidate):
        seen.append((control["id"], candidate["id"]))
        return False

    assert ended(bench, bench.job("shop.create", "one", value=thing(5))) == ["matched"]

    assert ended(bench, bench.job("shop.get", 5, value=thing(5))) == ["mismatched"]
    assert seen == [(100, 100)]


def test_versions_are_paired_within_their_key_and_told_under_their_kind():
    """A contradiction of one of them is not told with a digest."""
    bench = Bench()
    kinds = {"$.version": "version per key", "previous_version": "version per key"}
    versions = iter([17, 18, 19])

    @bench.sidecar.experiment("shop.put", effect="read", ids=kinds)
    def put(item, previous_version):
        return {"version": next(versions), "after": previous_version}

    first = bench.job("shop.put", "tea", None, value={"version": 3, "after": None}, key="k")
    second = bench.job("shop.put", "tea", 3, value={"version": 4, "after": 17}, key="k")
    again = bench.job("shop.put", "tea", 3, value={"version": 4, "after": 17}, key="k")

    assert ended(bench, first, second) == ["matched", "matched"]
    assert bench.replayed(again).id_conflicts == {"version per key": 1}


def test_people_are_shown_what_a_answered():
    """With A's own number."""
    bench, b = shop()
    bench.replayed(bench.job("shop.create", "one", value=thing(5)))
    b.things[100]["name"] = "another"

    replayed = bench.replayed(bench.job("shop.get", 5, value=thing(5)))

    assert replayed.control["value"]["id"] == 5
    assert replayed.candidate["value"]["id"] == 100


def test_a_pair_is_kept_before_its_job_is_settled():
    """The next job of its key may be another worker's."""
    bench, b = shop()
    known = []
    settle = bench.journal.settle

    def watched(lease, settlements):
        known.append(dict(bench.ids.lookup([Id("thing", "5")])))
        return settle(lease, settlements)

    bench.journal.settle = watched
    bench.append(
        bench.job("shop.create", "one", value=thing(5), effect="write", at=1.0),
        bench.job("shop.get", 5, value=thing(5), at=2.0),
    )

    bench.worker().run(burst=True)

    assert bench.outcomes == ["matched", "matched"]
    assert known[0] == {Id("thing", "5"): "100"}


def test_a_pair_is_kept_in_spite_of_a_journal_that_is_away_for_a_moment():
    """B was asked, and cannot be asked again."""
    bench, b = shop()
    bench.ids = Away(bench.ids, 2)

    assert ended(bench, bench.job("shop.create", "one", value=thing(5))) == ["matched"]
    assert ended(bench, bench.job("shop.get", 5, value=thing(5))) == ["matched"]
    assert b.asked == [100]


def test_nothing_is_sent_while_nobody_can_be_asked_for_ids():
    """The journal is away: the job waits for it, as for its mark."""
    bench, b = shop()
    bench.ids = Away(bench.ids, 0)
    bench.ids.lookup = Away.unavailable

    with pytest.raises(JournalUnavailable):
        bench.replayed(bench.job("shop.get", 5, value=thing(5)))

    assert b.asked == []


class Away:
    """An id map that does not answer a number of times when it is to learn."""

    def __init__(self, ids, times):
        self.lookup, self.counts = ids.lookup, ids.counts
        self._ids, self._times = ids, times

    @staticmethod
    def unavailable(*_):
        raise JournalUnavailable("away")

    def learn(self, pairs):
        self._times -= 1
        return self.unavailable() if self._times >= 0 else self._ids.learn(pairs)


def test_an_experiment_without_ids_asks_nobody():
    """It costs nothing."""
    bench = Bench()
    bench.sidecar.experiment("shop.get", effect="read")(lambda item: item)
    bench.ids = Untouchable()

    assert ended(bench, bench.job("shop.get", 5, value=5)) == ["matched"]
    assert ended(bench, bench.job("shop.get", 5, value=6)) == ["mismatched"]


class Untouchable:
    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked for")


def test_ids_in_requests_stand_for_each_other():
    """In paths, queries and bodies of what left; and what is not sent to B is not missed there."""
    bench = Bench()

    with Service(lambda heard: Answer(json={"ok": True})) as b:

        @bench.sidecar.experiment(
            "shop.put", service="shop", effect="write",
            ids={"thing_id": "thing", "$.id": "thing"}, drop=("previous_version",),
        )  # fmt: skip
        def put(thing_id, count, previous_version):
            body = {"id": thing_id, "count": count}
            if previous_version is not None:
                body["previous_version"] = previous_version
            return requests.put(f"{b.url}/things/{thing_id}?of={thing_id}", json=body, timeout=5).json()

        bench.sidecar.service("shop", "http://a.test", lambda base_url: None)
        bench.targets = {"shop": b.url}
        bench.ids.learn([*_pairs(("thing", "5", "100"))])
        sent = {
            "method": "PUT", "origin": "http://a.test:80", "path": "/things/5", "query": "of=5", "status": 200,
            "body": {"id": 5, "count": 3, "previous_version": 2}, "duration": 0.1, "sent": True,
        }  # fmt: skip
        job = bench.job("shop.put", 5, 3, 2, value={"ok": True}, exchanges=[sent], effect="write")

        assert ended(bench, job) == ["matched"]
        assert [heard.path for heard in b.heard] == ["/things/100?of=100"]
        other = bench.job("shop.put", 5, 4, 2, value={"ok": True}, exchanges=[sent], effect="write")
        assert ended(bench, other) == ["mismatched"]


def _pairs(*pairs):
    return [Pair(*pair) for pair in pairs]


def test_a_version_that_b_refuses_is_no_mismatch():
    """Of a call that names the version it has seen, at any depth; unless A was refused as well."""
    refused, done = Observed(exchanges=({"status": 409},)), Observed(exchanges=({"status": 200},))
    error = Observed(error={"type": "HTTPError", "status": 412})

    assert failed_precondition([{"payload": {"previous_version": 3}}], done, refused, ())
    assert failed_precondition([{"headers": {"If-Match": "x"}}], done, error, ())
    assert not failed_precondition([{"payload": {"previous_version": None}}], done, refused, ())
    assert not failed_precondition([{"payload": {"version": 3}}], done, refused, ())
    assert not failed_precondition([{"previous_version": 3}], refused, refused, ())
    assert not failed_precondition([{"previous_version": 3}], done, done, ())
    assert not failed_precondition([{"previous_version": 3}], done, refused, {"previous_version"})


def test_a_refused_version_is_told_as_such():
    """Also of an experiment that declares no ids."""
    bench = Bench()

    class Conflict(Exception):
        status_code = 409

    @bench.sidecar.experiment("shop.patch", effect="read")
    def patch(item, previous_version=None):
        raise Conflict("stale")

    assert ended(bench, bench.job("shop.patch", 5, 3, value="done")) == ["incomparable.precondition"]
    assert ended(bench, bench.job("shop.patch", 5, value="done")) == ["mismatched"]
