"""The A side: append, look at sizes and settings, report."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalMisconfigured, UsageError
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.memory import MemoryJournal, MemoryServer
from sidecar_science.journal.protocol import Entry
from tests.journal.steps import fill, joined, owned, texts
from tests.twins import RedisTwin, Twin


def test_entries_of_one_partition_come_out_in_the_order_in_which_they_went_in(journal_twin: Twin) -> None:
    """A partition keeps the order of appending, over several batches."""
    journal = joined(journal_twin)

    fill(journal_twin, "a", "b")
    fill(journal_twin, "c", partition=2)
    fill(journal_twin, "d")

    assert texts(journal.claim([owned(journal)], 10)) == ["a", "b", "d"]


def test_any_bytes_come_out_as_they_went_in(journal_twin: Twin) -> None:
    """Entries are bytes, and nothing reads or changes them."""
    data = bytes(range(256)) * 3
    journal = joined(journal_twin)

    journal_twin.log().append([Entry(partition=0, data=data)])

    [claimed] = journal.claim([owned(journal, partition=0)], 10)
    assert claimed.data == data


def test_an_empty_batch_appends_nothing(journal_twin: Twin) -> None:
    """Nothing to append is not an error."""
    log = journal_twin.log()

    log.append([])

    assert log.size().entries == 0


def test_the_size_counts_entries_and_estimates_bytes(journal_twin: Twin) -> None:
    """The size is what a recorder needs to hold the cap."""
    log = journal_twin.log()

    log.append([Entry(partition=n, data=b"x" * 500) for n in (0, 1, 2, 1)])

    assert (log.size().entries, log.size().bytes) == (4, 2000)


def test_settings_are_read_as_they_were_configured(journal_twin: Twin) -> None:
    """The run-time settings go from the B side to the A side, and can be unset."""
    journal = journal_twin.journal()

    journal.configure("enabled", "0")
    journal.configure("sample|shop.pay", "0.25")
    journal.configure("sample", "1")
    journal.configure("sample", None)

    assert journal_twin.log().settings() == {"enabled": "0", "sample|shop.pay": "0.25"} == journal.settings()


@pytest.mark.realserver
@pytest.mark.parametrize("late", [1, 2, 3])
def test_what_a_producer_said_earlier_takes_nothing_back_that_it_said_since(real_journal: RedisTwin, late: int) -> None:
    """An older connection may bring it after all: the newest counts, and a goodbye above all."""
    log, link = real_journal.log(), real_journal.link
    key, said = Keys(real_journal.namespace).producers, []
    for n in (1, 2, 3):
        log.report("p1", {"called": n, "recorded": n})
        said.append(link.command("HGETALL", key)[f"p1|{n % 2}".encode()])

    link.command("HSET", key, "p1|0", said[1])
    assert [each.recorded for each in real_journal.journal().producers()] == [3]
    log.report("p1", {"called": 9, "recorded": 9}, ended=True)
    link.command("HSET", key, f"p1|{late % 2}", said[late - 1])

    [producer] = real_journal.journal().producers()
    assert (producer.recorded, producer.ended) == (9, True)


def test_notes_are_kept_by_environment(journal_twin: Twin) -> None:
    """What people note is read back, replaced and taken back, survives a reset, and is nobody else's."""
    journal = journal_twin.journal()
    journal.join()

    journal.note("group|a", "known since Monday")
    journal.note("group|a", "known since Sunday: é")
    journal.note("group|b", "x")
    journal.note("group|b", None)
    journal.note("group|c", None)
    journal.reset()

    assert journal.notes() == {"group|a": "known since Sunday: é"}
    assert journal_twin.journal("other").notes() == {}


def test_a_producer_is_known_by_its_last_report(journal_twin: Twin) -> None:
    """A report replaces the earlier one, and the goodbye is a report too."""
    log = journal_twin.log()
    log.report("p1", {"called": 3, "recorded": 3, "sampled_out": 0, "dropped": {}})

    log.report("p1", {"called": 9, "recorded": 5, "sampled_out": 2, "dropped": {"buffer_full": 2}}, ended=True)

    [producer] = journal_twin.journal().producers()
    assert (producer.id, producer.called, producer.recorded, producer.sampled_out) == ("p1", 9, 5, 2)
    assert (producer.dropped, producer.ended) == ({"buffer_full": 2}, True)


def test_the_number_of_partitions_is_fixed_by_the_first_use(journal_twin: Twin) -> None:
    """Another number of partitions is refused on both sides, and the error says which number would do."""
    journal_twin.log().ensure()
    journal_twin.log().ensure()

    with pytest.raises(JournalMisconfigured, match="partitions=3"):
        journal_twin.log(partitions=5).ensure()
    with pytest.raises(JournalMisconfigured, match="has 3 partitions, and 5 were declared"):
        journal_twin.journal(partitions=5).join()


def test_a_log_can_be_used_again_after_it_was_closed(journal_twin: Twin) -> None:
    """Closing drops connections and nothing else."""
    log = journal_twin.log()
    log.close()

    log.append([Entry(partition=0, data=b"x")])

    assert log.size().entries == 1


@pytest.mark.parametrize("name", ["", "a b", "a{b}", "a:b", "é", "x" * 65])
def test_a_name_that_cannot_be_part_of_a_key_is_refused(name: str) -> None:
    """Namespaces and environments are plain words, so that keys cannot be forged out of them."""
    server = MemoryServer()

    with pytest.raises(UsageError, match="1 to 64 characters"):
        Keys(name)
    with pytest.raises(UsageError, match="namespace"):
        MemoryServer(name)
    with pytest.raises(UsageError, match="environment"):
        MemoryJournal(server, name)
