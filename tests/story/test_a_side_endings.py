"""However a process ends, and whatever Redis does meanwhile: it ends in time, and loses nothing unsaid."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.recording.programs import PRELUDE, Journal, Program, told_once
from tests.servers import start_valkey

pytestmark = pytest.mark.realserver

# A client with its usual retries takes 59 seconds to give up a hung Redis; ours takes one.
LONG = 20.0

ENDINGS = {
    "return": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an exception": ("raise ValueError('why')", 1, "ValueError: why"),
    "Ctrl-C": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(10)", -2, "KeyboardInterrupt"),
    "a thread": ("threading.Thread(target=lambda: [time.sleep(0.1), get(8)]).start()", 0, ""),
}

WAITING = """
say(get(0), sidecar.flush(10.0))
sys.stdin.readline()
say(get(1), get(2))
"""


@pytest.fixture
def journal(valkey_server):
    return Journal(valkey_server.url)


def start_all(url, endings=ENDINGS):
    """One program for each ending; each waits, after it has recorded its first call."""
    programs = {}
    for name in endings:
        journal = Journal(url)
        programs[name] = (journal, journal.run(WAITING + endings[name][0]))
    for _, program in programs.values():
        assert program.hear() == "0 True"
    return programs


def unwarned(err):
    """What was said to standard error, but for the one line that the logging of no set-up writes of Redis's trouble."""
    lines = err.splitlines(keepends=True)
    warnings = [line for line in lines if line.startswith("journal.trouble state='JournalUnavailable'")]
    assert len(warnings) <= 1
    return "".join(line for line in lines if line not in warnings)


def end_all(programs):
    """Let them all go on, and hold each to its end."""
    for _, program in programs.values():
        program.tell()
    for name, (_, program) in programs.items():
        code, out, err = program.end()
        took = time.monotonic() - program.told_at
        assert took < LONG, name
        assert (name, code, out) == (name, ENDINGS[name][1], "1 2\n")
        own = unwarned(err)
        assert ENDINGS[name][2] in own if ENDINGS[name][2] else own == "", name
        assert "sidecar" not in own


def test_a_process_that_ends_ships_what_it_has(valkey_server):
    """By returning, by sys.exit, by an exception, by Ctrl-C; also what its last thread called. And it says goodbye."""
    programs = start_all(valkey_server.url)

    end_all(programs)

    for name, (journal, _) in programs.items():
        assert (name, sorted(journal.values)) == (name, [0, 1, 2, 8] if name == "a thread" else [0, 1, 2])
        [producer] = journal.producers
        assert (name, producer.ended, producer.called) == (name, True, len(journal.values))


def test_a_process_ends_in_time_though_redis_hangs():
    """Stopped in the middle of its work: the programs notice nothing, and print nothing."""
    with start_valkey() as server:
        programs = start_all(server.url)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            end_all(programs)
        finally:
            os.kill(server.pid, signal.SIGCONT)

        for name, (journal, _) in programs.items():
            # What was on its way when the process left may have arrived all the same.
            assert (name, 0 in journal.values) == (name, True)
            assert told_once(journal.jobs) or len(journal.jobs) <= 6


def test_a_process_ends_in_time_though_redis_is_gone():
    """Refused at once, and tried again until the time is over."""
    with start_valkey() as server:
        programs = start_all(server.url)
        server.stop()
        end_all(programs)


def test_a_process_ends_in_time_though_redis_never_answered():
    """It hangs from the very beginning: connecting works, and nothing else does."""
    with start_valkey() as server:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            programs = [
                Program("say(get(1)); sys.exit(0)", "never", server.url),
                Program("say(get(1)); sidecar.close(0.0)", "never", server.url),
                Program("say(get(1)); say(sidecar.flush(0.2))", "never", server.url),
            ]
            ended = [(code, out, unwarned(err)) for code, out, err in (program.end() for program in programs)]
        finally:
            os.kill(server.pid, signal.SIGCONT)

    assert ended == [(0, "1\n", ""), (0, "1\n", ""), (0, "1\nFalse\n", "")]


def test_no_time_to_flush_is_no_time(valkey_server):
    """``flush_timeout=0``: the process does not wait at all, and what it lost is what it had."""
    journal = Journal(valkey_server.url)
    program = journal.run(
        "say(get(1)); sidecar.close(); say(sum(sidecar.stats()['dropped'].values()) + sidecar.stats()['recorded'])",
        prelude=PRELUDE.replace("partitions=4", "partitions=4, flush_timeout=0.0"),
    )

    assert program.end() == (0, "1\n1\n", "")
    assert len(journal.jobs) <= 1


def test_a_process_that_leaves_by_os_exit_ships_what_it_flushes(journal):
    """Nothing is run at such an end; a twentieth of a second before, the thread has shipped by itself."""
    program = journal.run("get(1); sidecar.flush(10.0); get(2); time.sleep(1.0); get(3); os._exit(0)")

    assert program.end()[0] == 0
    assert journal.values[:2] == [1, 2]
    [producer] = journal.producers
    assert producer.ended is False


def test_a_killed_process_loses_no_more_than_its_last_moment(journal):
    """Of calls made one after the other, what is there is a beginning without a hole; nobody heard a goodbye."""
    program = journal.run("for n in range(100_000): get(n); time.sleep(0.002); say(n)")
    while int(program.hear()) < 200:
        pass
    program.process.kill()
    program.end()

    values = journal.values
    assert values == list(range(len(values)))
    assert len(values) > 100
    assert [producer.ended for producer in journal.producers] == [False]


def test_a_program_of_one_call_is_recorded(journal):
    """It ends before the thread has made its first round."""
    programs = [journal.run(f"say(get({n}))") for n in range(3)]

    assert [program.end() for program in programs] == [(0, f"{n}\n", "") for n in range(3)]
    assert sorted(journal.values) == [0, 1, 2]


def test_nothing_is_printed_where_logging_is_not_set_up(tmp_path):
    """Not to standard output, which may be somebody's data; a warning goes to standard error, once."""
    program = Program("say(get(1)); time.sleep(1.0); say(get(2))", "nowhere", f"unix://{tmp_path}/nobody.sock")

    code, out, err = program.end()

    assert (code, out) == (0, "1\n2\n")
    assert err.count("\n") == 1
    assert err.startswith("journal.trouble state='JournalUnavailable'")


def test_importing_declares_and_connects_to_nothing(journal):
    """A module with declarations is imported by tools, tests and workers."""
    program = Program(
        "say(len(threading.enumerate()), sidecar.stats()['called'])", journal.namespace, "redis://127.0.0.1:1/0"
    )

    assert program.end() == (0, "1 0\n", "")
