"""`journal export` and `import` on a real server: traffic that goes from one place to another."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
import uuid

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.journal.redis import connect, open_journal
from tests.cli.apps import joined, outside, recorded

pytestmark = pytest.mark.realserver


@pytest.fixture
def target(app):
    return app()


@pytest.fixture
def elsewhere(monkeypatch):
    """From the next process on, the app's namespace is another one, which nobody has used."""

    def go():
        name = f"other_{uuid.uuid4().hex}"
        monkeypatch.setenv("APP_NAMESPACE", name)
        return name

    return go


def held(sidecar, namespace):
    return sorted(entry.data for entry in open_journal(sidecar.redis_url, namespace, "look").peek(100))


@pytest.mark.parametrize("name", ["traffic.jsonl", "traffic.jsonl.gz"])
def test_what_was_exported_is_imported_elsewhere(target, tmp_path, elsewhere, name):
    """The same bytes, and books that balance, in a namespace that nobody had used."""
    sidecar = recorded(target, 5)

    assert outside("journal", "export", target, name) == f"5 entries exported to {name}\n"
    there = elsewhere()
    assert outside("journal", "import", target, name) == "5 entries imported\n"

    assert held(sidecar, there) == held(sidecar, sidecar.namespace)
    journal = open_journal(sidecar.redis_url, there, "b-1")
    journal.join()
    accounts = journal.accounts()
    assert (accounts.called, accounts.recorded, accounts.pending) == (5, 5, 5)
    assert connect(sidecar.redis_url).command("HGET", f"sidecar:{{{there}}}:meta", "partitions") == b"64"
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert (name.endswith(".gz")) == (tmp_path / name).read_bytes().startswith(b"\x1f\x8b")


def test_an_export_goes_through_a_pipe(target, capfdbinary, monkeypatch):
    """Without a file it is standard output alone; without one, compressed or not, it is read from standard input."""
    sidecar = recorded(target, 3)
    main(["journal", "export", target])
    piped = capfdbinary.readouterr()

    assert len(piped.out.splitlines()) == 4
    assert json.loads(piped.out.splitlines()[0]) == {"sidecar": 1, "partitions": 64}
    assert piped.err == b""
    for data in (piped.out, gzip.compress(piped.out)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert main(["journal", "import", target]) == Exit.OK
        assert capfdbinary.readouterr().out == b"3 entries imported\n"
    assert len(held(sidecar, sidecar.namespace)) == 9


def test_only_what_lies_between_two_instants_is_exported(target, capsys):
    """By when it was appended."""
    recorded(target, 2)
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat()

    for arguments, lines in ((["--from", later], 1), (["--until", later], 3), (["--until", "2026-01-01T00:00Z"], 1)):
        assert main(["journal", "export", target, *arguments]) == Exit.OK
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_the_file_may_stand_after_the_options(target, tmp_path):
    """As anywhere else."""
    recorded(target, 2)

    assert main(["journal", "export", target, "--from", "2026-01-01T00:00Z", "traffic.jsonl"]) == Exit.OK

    assert len((tmp_path / "traffic.jsonl").read_bytes().splitlines()) == 3


def test_a_damaged_export_imports_nothing(target, capsys, tmp_path):
    """It is read to its end first: nobody has to find out which half has arrived."""
    sidecar = recorded(target, 3)
    file = tmp_path / "traffic.jsonl"
    main(["journal", "export", target, str(file)])
    whole = file.read_bytes()
    damaged = {
        "line 4 is none of an export": whole[:-20],
        "line 1 does not begin an export": b'{"a": 1}\n',
        "the export has 8 partitions, and this journal 64": whole.replace(b'"partitions":64', b'"partitions":8'),
        "it is damaged, or not whole": gzip.compress(whole)[:-12],
    }

    for told, data in damaged.items():
        file.write_bytes(data)
        assert main(["journal", "import", target, str(file)]) == Exit.USAGE
        assert told in capsys.readouterr().err
    assert len(held(sidecar, sidecar.namespace)) == 3


def test_a_half_written_file_is_never_there(target, capsys, tmp_path, monkeypatch):
    """What was there before stays, and nothing is left behind."""
    recorded(target, 3)
    file = tmp_path / "traffic.jsonl"
    file.write_text("what was there before")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("sidecar_science.journal.export.line", lambda entry: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        main(["journal", "export", target, str(file)])

    assert file.read_text() == "what was there before"
    assert sorted(tmp_path.iterdir()) == before


def test_places_that_cannot_be_used_are_told(target, capsys):
    """What was seen, and what is expected."""
    recorded(target, 1)

    assert main(["journal", "export", target, "no/such/folder/traffic.jsonl"]) == Exit.USAGE
    assert "no/such/folder/traffic.jsonl cannot be written: No such file or directory" in capsys.readouterr().err
    assert main(["journal", "import", target, "nothing.jsonl"]) == Exit.USAGE
    assert "nothing.jsonl cannot be read: No such file or directory" in capsys.readouterr().err


def test_without_a_library_for_it_zst_is_refused(target, capsys, tmp_path, monkeypatch):
    """With what else would do."""
    recorded(target, 1)
    monkeypatch.setattr("sidecar_science.cli.archives._ZSTD_MODULES", ("no.such.library",))

    assert main(["journal", "export", target, str(tmp_path / "traffic.jsonl.zst")]) == Exit.USAGE

    assert "end the name in .gz, or install zstandard" in capsys.readouterr().err
    assert not list(tmp_path.glob("*zst*"))


def test_zst_is_written_and_read_where_a_library_gives_it(target, capsys, tmp_path):
    """The standard one from Python 3.14 on, or one that is installed."""
    pytest.importorskip("zstandard")
    sidecar = recorded(target, 2)
    file = str(tmp_path / "traffic.jsonl.zst")

    assert main(["journal", "export", target, file]) == Exit.OK
    assert main(["journal", "import", target, file]) == Exit.OK
    assert len(held(sidecar, sidecar.namespace)) == 4


def test_other_partitions_than_the_journals_are_refused(target, capsys, tmp_path, monkeypatch):
    """What is signed for one partition is of no use in another."""
    sidecar = recorded(target, 1)
    joined(sidecar)
    file = tmp_path / "traffic.jsonl"
    main(["journal", "export", target, str(file)])
    monkeypatch.setattr(sidecar, "partitions", 8)

    assert main(["journal", "import", target, str(file)]) == Exit.USAGE

    assert "has 64 partitions, and 8 were declared" in capsys.readouterr().err
