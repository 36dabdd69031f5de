"""From the buffer to the journal: in order, once and for all, and again as long as it takes."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalFull, JournalMisconfigured, JournalUnavailable, TooLarge, UsageError
from sidecar_science.journal.job import unseal
from sidecar_science.journal.memory import MemoryLog
from sidecar_science.journal.partitions import key_digest
from sidecar_science.recording.gaps import _MAX_GAPS, Gaps
from sidecar_science.recording.sealing import Sealing
from sidecar_science.recording.shipping import Shipper
from sidecar_science.testing import FakeClock
from tests.desk import PARTITIONS, Desk


class Road:
    """A journal that keeps every batch it was given, and does with it what it is told to."""

    def __init__(self, server):
        self.batches = []
        self.asked = []
        self.arrive_and_fail = 0
        self._log = MemoryLog(server)

    def append(self, entries):
        self.batches.append([(entry.partition, entry.data) for entry in entries])
        self._log.append(entries)
        if self.arrive_and_fail:
            self.arrive_and_fail -= 1
            raise JournalUnavailable("the reply was lost")

    def __getattr__(self, name):
        self.asked.append(name)
        return getattr(self._log, name)


class Yard:
    """A shipper without a thread: it ships when it is told to."""

    def __init__(self, **options):
        self.clock = FakeClock()
        self.desk = Desk(clock=self.clock, **options)
        recorder = self.desk.sidecar.recorder
        recorder.wake = lambda: None
        self.buffer = recorder.buffer
        self.road = Road(self.desk.server)
        self.made = 0
        self.shipper = Shipper(
            producer=recorder.producer,
            sealing=Sealing(
                namespace="desk", partitions=PARTITIONS, keyring=self.desk.sidecar.keyring, codec=recorder.codec
            ),
            buffer=self.buffer,
            log=self.make,
            clock=self.clock,
            shield=self.desk.sidecar.shield,
            cap_entries=options.get("cap_entries", 1000),
            cap_bytes=options.get("cap_bytes", 1_000_000),
            jitter=lambda: 1.0,
        )
        self.put = self.desk.experiment("put", service="s", key="key")(self._put)
        self.get = self.desk.experiment("get", service="s", key="key", effect="read")(lambda key: key)

    def _put(self, key, payload=None):
        self.clock.advance(0.001)
        return key

    def make(self):
        self.made += 1
        return self.road

    def ship(self, **how):
        """All that there is, as the thread does."""
        while self.shipper.ship(**how):
            pass

    def trouble(self, error):
        self.desk.server.trouble = error

    @property
    def jobs(self):
        return [job for job, _ in self.desk.arrived]

    @property
    def pause(self):
        """How long it rests now."""
        return round(self.shipper._retry_at - self.clock.monotonic(), 6)


@pytest.fixture
def yard():
    return Yard()


def digest(key):
    return key_digest("desk", "s", key)


def test_a_job_says_what_was_called_and_what_came_of_it(yard):
    """Everything that B needs, and nothing that names code."""
    yard.put("c-1", payload={"a": 1})
    yard.ship()

    [(job, stamp)] = yard.desk.arrived
    assert (job.experiment, job.service, job.effect, job.key) == ("put", "s", "write", digest("c-1"))
    assert (job.duration, job.completed_at) == (pytest.approx(0.001), yard.clock.wall())
    assert (job.sent, job.consumed, job.exhausted, job.gaps) == (False, None, True, ())
    assert (stamp.producer, stamp.sequence) == (job.id[:16], 1)
    assert yard.desk.arguments(job) == [["c-1"], {"payload": {"a": 1}}]


def test_all_of_one_key_land_in_one_partition_in_the_order_of_completion(yard):
    """Sequences count for each partition by itself, and without a hole."""
    for n in range(40):
        yard.put(f"c-{n % 5}")
    yard.ship()

    by_partition = {}
    for job, stamp in yard.desk.arrived:
        by_partition.setdefault(stamp.partition, []).append((stamp.sequence, job.completed_at, job.key))
    partitions_of = {}
    for partition, entries in by_partition.items():
        assert [sequence for sequence, _, _ in entries] == list(range(1, len(entries) + 1))
        assert entries == sorted(entries, key=lambda entry: entry[1])
        for _, _, key in entries:
            partitions_of.setdefault(key, set()).add(partition)
    assert len(partitions_of) == 5
    assert all(len(partitions) == 1 for partitions in partitions_of.values())


def test_a_batch_is_in_the_order_of_completion(yard):
    """Threads reach the buffer in nearly that order; a wall clock that is set back changes nothing."""
    yard.put("c-1", payload="first")
    yard.put("c-1", payload="second")
    yard.buffer._waiting.reverse()
    yard.clock._wall -= 3600
    yard.put("c-1", payload="third")
    yard.ship()

    [batch] = yard.road.batches
    jobs = [unseal(data, yard.desk.sidecar.keyring, partition)[0] for partition, data in batch]
    assert [yard.desk.arguments(job)[1]["payload"] for job in jobs] == ["first", "second", "third"]


def test_the_connection_is_made_when_there_is_something_to_ship(yard):
    """And once; its layout is checked before anything else."""
    yard.ship()
    none = yard.made

    yard.put("c-1")
    yard.ship()
    yard.put("c-1")
    yard.ship()

    assert (none, yard.made) == (0, 1)
    assert yard.road.asked[0] == "ensure"
    assert yard.road.asked.count("ensure") == 1


def test_the_layout_is_checked_again_when_it_could_not_be(yard):
    """Redis was down at the first try: the namespace would be used without ever being laid out."""
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")
    yard.ship()
    yard.trouble(None)
    yard.ship(hurry=True)

    assert yard.road.asked.count("ensure") == 2
    assert len(yard.jobs) == 1


def test_another_layout_is_never_written_to():
    """The namespace has other partitions than we were told."""
    yard = Yard()
    yard.desk.server.partitions.append(yard.desk.server.partitions[0])
    yard.put("c-1")

    yard.ship(hurry=True)
    yard.ship(hurry=True)

    assert yard.road.batches == []
    assert yard.desk.lines.events == ["journal.trouble"]
    assert yard.desk.accounts == (1, 0, {}, 1)


def test_a_batch_that_may_have_arrived_is_sent_again_byte_for_byte(yard):
    """The reader recognizes producer, partition and sequence; nothing may overtake it."""
    yard.road.arrive_and_fail = 2
    yard.put("c-1")
    yard.put("c-2")
    yard.ship()
    yard.put("c-1")
    yard.ship(hurry=True)
    yard.ship(hurry=True)

    first, again, once_more, later = yard.road.batches
    assert first == again == once_more
    assert (len(first), len(later)) == (2, 1)
    assert yard.desk.accounts == (3, 3, {}, 0)


def test_a_resting_journal_is_left_alone(yard):
    """Pauses double, from a tenth of a second to two; somebody in a hurry does not wait."""
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")
    pauses = []
    for _ in range(7):
        yard.ship()
        pauses.append(yard.pause)
        asked = len(yard.road.asked)
        yard.ship()
        assert yard.shipper.call(lambda log: log.settings()) is None
        assert len(yard.road.asked) == asked
        yard.clock.advance(yard.pause)
    yard.ship()
    yard.trouble(None)
    yard.ship(hurry=True)

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert yard.desk.accounts == (1, 1, {}, 0)


def test_pauses_differ_from_process_to_process(yard):
    """A thousand of them must not come back at once: a pause is cut by up to its half."""
    yard.shipper._jitter = lambda: 0.0
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")

    yard.ship()

    assert yard.pause == 0.05


def test_what_trying_again_will_not_change_is_tried_more_rarely(yard):
    """A wrong access list, a key of another type: every try may put the rest of the batch there once more."""
    yard.trouble(JournalMisconfigured("NOPERM"))
    yard.put("c-1")

    for _ in range(10):
        yard.ship(hurry=True)

    assert yard.pause == 30.0


def test_recovery_starts_from_the_beginning(yard):
    """The next trouble begins with a short pause."""
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")
    for _ in range(5):
        yard.ship(hurry=True)
    yard.trouble(None)
    yard.ship(hurry=True)
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")
    yard.ship()

    assert yard.pause == 0.1


def test_trouble_is_logged_once_for_each_change_of_state(yard):
    """Not for each try."""
    yard.put("c-1")
    for error in (JournalUnavailable("down"), JournalUnavailable("down"), JournalFull("full"), None):
        yard.trouble(error)
        yard.ship(hurry=True)

    assert [(event, told.get("state") or told.get("after")) for event, told in yard.desk.lines.told] == [
        ("journal.trouble", "JournalUnavailable"),
        ("journal.trouble", "JournalFull"),
        ("journal.recovered", "JournalFull"),
    ]
    assert yard.desk.lines.told[0][1]["detail"] == "down"


def test_an_error_that_nobody_expected_is_no_end(yard):
    """It is counted, its text is not logged, and after a pause it is tried again."""
    yard.put("c-1")
    make, yard.shipper._make_log = yard.shipper._make_log, lambda: 1 / 0
    yard.ship()
    assert yard.pause == 0.1
    assert yard.shipper.call(lambda log: log.settings()) is None
    yard.clock.advance(1.0)
    assert yard.shipper.call(lambda log: log.settings()) is None
    yard.shipper._make_log = make
    yard.ship(hurry=True)

    assert yard.desk.accounts == (1, 1, {}, 0)
    assert yard.desk.stats["errors"] == {"drain": 2}
    [trouble] = [told for event, told in yard.desk.lines.told if event == "journal.trouble"]
    assert (trouble["state"], trouble["detail"]) == ("ZeroDivisionError", "")


def test_a_wrong_url_rests_as_any_other_trouble(yard):
    """It is found when the connection is made, and tells what is wrong with it."""

    def refuse():
        raise UsageError("the Redis URL cannot be used")

    yard.put("c-1")
    yard.shipper._make_log = refuse
    yard.ship()

    assert yard.pause == 0.1
    assert yard.desk.lines.told[-1][1]["detail"] == "the Redis URL cannot be used"


def test_a_full_journal_fills_the_buffer_which_then_says_so():
    """And when there is room again it all goes out."""
    yard = Yard(buffer_bytes=3000)
    yard.trouble(JournalFull("OOM"))
    for _ in range(2):
        yard.put("c-1", payload="x" * 700)
    yard.ship()
    for _ in range(3):
        yard.put("c-1", payload="x" * 700)
    full = yard.desk.accounts
    yard.trouble(None)
    yard.ship(hurry=True)
    yard.put("c-1")
    yard.ship()

    assert full == (5, 0, {"journal_full": 3}, 2)
    assert yard.desk.accounts == (6, 3, {"journal_full": 3}, 0)


@pytest.mark.parametrize("cap", [{"cap_entries": 2}, {"cap_bytes": 300}])
def test_a_journal_at_its_cap_takes_no_more(cap):
    """Nobody reads it, and it would fill the server."""
    yard = Yard(**cap)
    for _ in range(2):
        yard.put("c-1")
        yard.ship()
    yard.clock.advance(1.0)
    yard.put("c-1")
    yard.ship()

    assert yard.desk.accounts == (3, 2, {}, 1)
    assert "start a worker, or remove an environment" in yard.desk.lines.told[0][1]["detail"]
    for partition in yard.desk.server.partitions:
        partition.entries.clear()
    yard.clock.advance(1.0)
    yard.ship()
    assert yard.desk.accounts == (3, 3, {}, 0)


def test_the_size_is_looked_at_once_a_second(yard):
    """And not for every batch."""
    for _ in range(3):
        yard.put("c-1")
        yard.ship()
    yard.clock.advance(1.0)
    yard.put("c-1")
    yard.ship()

    assert yard.road.asked.count("size") == 2


def test_a_thousand_calls_go_in_one_batch(yard):
    """And no more, so that the settings are looked at in between."""
    for _ in range(1001):
        yard.buffer.put(captured(yard))

    assert yard.shipper.ship() is True
    yard.ship()

    assert [len(batch) for batch in yard.road.batches] == [1000, 1]


def captured(yard):
    capture = yard.desk.sidecar.experiments["put"].begin(("c-1",), {})
    capture.value = yard.desk.sidecar.codec.encode(None)
    return capture


def test_a_lost_write_is_told_by_the_next_job_of_its_partition(yard):
    """With the digest of its key, and only once."""
    yard.put("c-1", payload="x" * 2_000_000)
    yard.get("c-2")
    for _ in range(2):
        for n in range(20):
            yard.put(f"c-{n}")
    yard.ship()

    told = [job for job in yard.jobs if job.gaps]
    assert [job.gaps for job in told] == [(digest("c-1"),)]
    first_of_partition = min(
        (job for job, stamp in yard.desk.arrived if stamp.partition == partition_of(yard, told[0])),
        key=lambda job: job.completed_at,
    )
    assert told[0].id == first_of_partition.id


def partition_of(yard, wanted):
    return next(stamp.partition for job, stamp in yard.desk.arrived if job.id == wanted.id)


def test_lost_reads_and_calls_without_a_key_leave_no_gap(yard):
    """They change nothing that a later call could miss."""
    keyless = yard.desk.experiment("keyless", service="s")(lambda payload: 1)
    get = yard.desk.experiment("big", service="s", key="key", effect="read")(lambda key, payload: 1)
    keyless("x" * 2_000_000)
    get("c-1", "x" * 2_000_000)
    for n in range(20):
        yard.put(f"c-{n}")
    yard.ship()

    assert yard.desk.accounts == (22, 20, {"too_large": 2}, 0)
    assert [job.gaps for job in yard.jobs if job.gaps] == []


def test_a_call_that_cannot_be_sealed_leaves_a_gap_for_the_very_next(yard, monkeypatch):
    """Jobs of the same key may follow in the same batch."""
    redactor = yard.desk.sidecar.experiments["put"].redactor
    might_hold = redactor.might_hold
    monkeypatch.setattr(redactor, "might_hold", lambda data: 1 / 0 if b"poison" in data else might_hold(data))
    yard.put("c-1", payload="poison")
    yard.put("c-1", payload="good")
    yard.put("c-1", payload="good")
    yard.ship()

    [stamped] = [[(stamp.sequence, job.gaps) for job, stamp in yard.desk.arrived]]
    assert stamped == [(1, (digest("c-1"),)), (2, ())]
    assert yard.desk.accounts == (3, 2, {"hook_failed": 1}, 0)


def test_a_job_that_is_too_large_when_it_is_sealed_is_dropped_as_such(yard, monkeypatch):
    """Redaction may make it larger than it was."""
    redactor = yard.desk.sidecar.experiments["put"].redactor

    def too_large(data):
        raise TooLarge("bytes", 1)

    monkeypatch.setattr(redactor, "might_hold", too_large)
    yard.put("c-1")
    yard.ship()

    assert yard.desk.accounts == (1, 0, {"too_large": 1}, 0)


def test_a_batch_of_which_nothing_is_left_is_no_batch(yard, monkeypatch):
    """Then nothing is appended, and nothing has recovered."""
    monkeypatch.setattr(yard.desk.sidecar.experiments["put"].redactor, "might_hold", lambda data: 1 / 0)
    yard.put("c-1")
    yard.ship()

    assert yard.road.batches == []
    assert yard.desk.accounts == (1, 0, {"hook_failed": 1}, 0)


def test_when_nobody_knows_what_was_lost_every_partition_is_told(yard):
    """Any key of it may have a gap."""
    yard.put("c-1", payload="x" * 2_000_000)
    yard.buffer.lose_track()
    for n in range(20):
        yard.put(f"c-{n}")
    yard.ship()

    told = [stamp.partition for job, stamp in yard.desk.arrived if job.gaps == ("*",)]
    assert sorted(told) == sorted({stamp.partition for _, stamp in yard.desk.arrived})


def test_gaps_are_bounded():
    """A thousand keys are named, and beyond that any key of the partition is meant."""
    gaps = Gaps(2)
    for n in range(_MAX_GAPS):
        gaps.note(0, str(n))
        gaps.note(0, str(n))
    named = gaps.of(0)
    gaps.note(0, "one more")
    gaps.note(0, "and another")
    gaps.note(1, "other")

    assert (len(named), gaps.of(0), gaps.of(1)) == (_MAX_GAPS, ("*",), ("other",))
    gaps.carried(0)
    gaps.carried(0)
    assert gaps.of(0) == ()


def test_a_gap_is_told_with_the_batch_that_is_sent_again(yard):
    """The bytes are the same, so the news is neither lost nor told twice."""
    yard.put("c-1", payload="x" * 2_000_000)
    yard.road.arrive_and_fail = 1
    yard.put("c-1")
    yard.ship()
    yard.put("c-1")
    yard.ship(hurry=True)

    first, again, _later = yard.road.batches
    assert first == again
    sequences = {stamp.sequence: job.gaps for job, stamp in yard.desk.arrived}
    assert sequences == {1: (digest("c-1"),), 2: ()}


def test_giving_up_counts_what_was_under_way(yard):
    """And closing needs no connection."""
    yard.shipper.close()
    yard.shipper.give_up()
    yard.trouble(JournalUnavailable("down"))
    yard.put("c-1")
    yard.ship()

    yard.shipper.give_up()
    yard.shipper.give_up()
    yard.shipper.close()

    assert yard.desk.accounts == (1, 0, {"gave_up": 1}, 0)


def test_signed_jobs_are_signed():
    """With the sidecar's key."""
    desk = Desk(signing_key="k" * 32)
    desk.experiment("get")(lambda: 1)()

    [(_, stamp)] = desk.stamped
    assert stamp.key_id != b""
    desk.sidecar.close()
