"""Forks, at any moment: each call is shipped once, by the process that made it, and no child ever hangs."""

from __future__ import annotations

import pytest

from tests.recording.programs import PRELUDE, Journal, told_once

pytestmark = pytest.mark.realserver


@pytest.fixture
def journal(valkey_server):
    return Journal(valkey_server.url)


def test_a_child_ships_its_own_calls_and_the_parent_the_parents(journal):
    """What the parent holds when it forks is not shipped twice."""
    program = journal.run(
        """
        get("parent before")
        pid = os.fork()
        if pid == 0:
            get("child")
            say(sidecar.stats()["called"])
            sys.exit(0)
        get("parent after")
        os.waitpid(pid, 0)
        """
    )

    assert program.end() == (0, "1\n", "")
    assert sorted(journal.values) == ["child", "parent after", "parent before"]
    assert told_once(journal.jobs)
    assert sorted((producer.called, producer.ended) for producer in journal.producers) == [(1, True), (2, True)]


def test_a_preloaded_server_forks_workers(journal):
    """The parent has recorded already, as a server does that loads its application before it forks."""
    program = journal.run(
        """
        get("parent"), sidecar.flush(10.0)
        pids = []
        for worker in range(4):
            pid = os.fork()
            if pid == 0:
                for n in range(5):
                    get(f"{worker}-{n}")
                sys.exit(0)
            pids.append(pid)
        codes = [os.waitpid(pid, 0)[1] for pid in pids]
        say(codes)
        """
    )

    assert program.end() == (0, "[0, 0, 0, 0]\n", "")
    assert sorted(journal.values) == sorted(["parent", *(f"{worker}-{n}" for worker in range(4) for n in range(5))])
    assert told_once(journal.jobs)
    assert len(journal.producers) == 5


def test_nothing_is_imported_by_the_thread_that_ships(journal):
    """A fork in the middle of it would leave the child with half a module: it could not even look up a host."""
    program = journal.run(
        """
        before = set(sys.modules)
        get(1)
        say(sidecar.flush(10.0))
        say(sorted(set(sys.modules) - before))
        """
    )

    assert program.end() == (0, "True\n[]\n", "")


def test_a_grandchild_is_a_process_like_any_other(journal):
    """A fork in a fork."""
    program = journal.run(
        """
        get(0)
        for depth in range(1, 4):
            if os.fork():
                os.wait()
                break
            get(depth)
        """
    )

    assert program.end()[0] == 0
    assert sorted(journal.values) == [0, 1, 2, 3]
    assert told_once(journal.jobs)


def test_children_of_multiprocessing_record(journal):
    """They leave by ``os._exit``: what they flush is shipped, and what has had a moment's time."""
    program = journal.run(
        """
        import multiprocessing

        def work(n):
            get(n)
            if n:
                sidecar.flush(10.0)
            else:
                time.sleep(1.0)

        context = multiprocessing.get_context("fork")
        get("parent")
        workers = [context.Process(target=work, args=(n,)) for n in range(3)]
        for worker in workers: worker.start()
        for worker in workers: worker.join()
        say([worker.exitcode for worker in workers])
        """
    )

    assert program.end() == (0, "[0, 0, 0]\n", "")
    assert sorted(map(str, journal.values)) == ["0", "1", "2", "parent"]


def test_a_pool_that_is_made_inside_a_call_records(journal):
    """Its processes are forked in the middle of it, and what they do is not part of it."""
    program = journal.run(
        """
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing

        def work(n):
            get(n)
            return sidecar.flush(10.0)

        @sidecar.experiment("all", service="s", effect="read")
        def everything():
            with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
                return list(pool.map(work, range(3)))

        say(everything())
        """
    )

    assert program.end() == (0, "[True, True, True]\n", "")
    assert sorted(job.experiment for job in journal.jobs) == ["all", "get", "get", "get"]


def test_a_call_that_forks_and_returns_twice_is_recorded_once(journal):
    """The child was not called: it only came back."""
    program = journal.run(
        """
        @sidecar.experiment("fork", service="s")
        def fork():
            return os.fork()

        pid = fork()
        get("child" if pid == 0 else "parent")
        if pid:
            os.waitpid(pid, 0)
        """
    )

    assert program.end()[0] == 0
    assert sorted(job.experiment for job in journal.jobs) == ["fork", "get", "get"]
    assert told_once(journal.jobs)


def test_a_child_that_exits_inside_a_call_leaves_nothing_behind(journal):
    """A classic daemon: its SystemExit passes through the call that the parent made."""
    program = journal.run(
        """
        @sidecar.experiment("fork", service="s")
        def fork():
            pid = os.fork()
            if pid == 0:
                sys.exit(0)
            os.waitpid(pid, 0)
            return "forked"

        say(fork())
        """
    )

    assert program.end() == (0, "forked\n", "")
    assert journal.values == ["forked"]


def test_two_hundred_forks_amid_recording_threads_hang_nowhere(journal):
    """Locks are held at every one of them; each child records, ships and leaves, or its alarm would end it."""
    program = journal.run(
        """
        stop = threading.Event()

        def record(name):
            n = 0
            while not stop.is_set():
                get((name, n))
                n += 1
                time.sleep(0.0002)

        threads = [threading.Thread(target=record, args=(name,)) for name in "abc"]
        for thread in threads: thread.start()
        codes, running = [], []
        for n in range(200):
            pid = os.fork()
            if pid == 0:
                signal.alarm(40)
                get(("child", n))
                os._exit(0 if sidecar.flush(30.0) else 1)
            running.append(pid)
            if len(running) == 4:
                codes.append(os.waitpid(running.pop(0), 0)[1])
        codes += [os.waitpid(pid, 0)[1] for pid in running]
        stop.set()
        for thread in threads: thread.join()
        say(set(codes), sidecar.flush(30.0), sidecar.stats()["dropped"])
        """,
        prelude=PRELUDE.replace("partitions=4", "partitions=4, buffer_bytes=1 << 28"),
    )

    assert program.end(110) == (0, "{0} True {}\n", "")
    jobs = journal.jobs
    assert told_once(jobs)
    values = [tuple(value) for value in journal.values]
    assert sorted(n for name, n in values if name == "child") == list(range(200))
    for name in "abc":
        numbers = [n for each, n in values if each == name]
        assert sorted(numbers) == list(range(len(numbers)))
