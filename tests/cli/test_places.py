"""The operator's commands where Redis is not one open server: as its shipped users, and in a cluster."""

from __future__ import annotations

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from tests.cli.apps import buried, recorded
from tests.servers import user_url

pytestmark = pytest.mark.realserver

LOOKING = (
    ("report",),
    ("journal", "lag"),
    ("journal", "peek"),
    ("journal", "dead"),
)
NAMED = ("--environment", "b-1")


@pytest.fixture
def place(request, app, monkeypatch):
    """The app's journal in another place, as the user who looks and as the one who works: target, looker, worker."""
    if request.param == "users":
        server = request.getfixturevalue("server_with_users")
        urls = server.url, user_url(server, "reader"), user_url(server, "worker")
    else:
        urls = (request.getfixturevalue("redis_cluster").url,) * 3
    monkeypatch.setenv("APP_REDIS", urls[0])
    target = app()
    sidecar = recorded(target, 3)
    buried(sidecar, b"one", b"two")
    return target, *(("--redis-url", url) for url in urls[1:])


@pytest.mark.parametrize("place", ["users", "cluster"], indirect=True)
def test_who_only_looks_can_look_at_everything(place, capsys):
    """The reader needs no right to write, and a cluster is asked as a whole."""
    target, looker, _ = place

    for command in LOOKING:
        assert main([*command, target, *looker, *NAMED]) == Exit.OK, capsys.readouterr().err
    assert main(["environment", "list", target, *looker]) == Exit.OK
    assert main(["settings", target, *looker]) == Exit.OK
    assert main(["doctor", target, *looker, *NAMED]) == Exit.OK, capsys.readouterr().out
    capsys.readouterr()
    assert main(["journal", "export", target, *looker]) == Exit.OK
    assert len(capsys.readouterr().out.splitlines()) >= 4


@pytest.mark.parametrize("place", ["users", "cluster"], indirect=True)
def test_who_works_can_do_everything(place, capsys, tmp_path):
    """What changes the journal is done as the worker's user."""
    target, _, worker = place
    file = str(tmp_path / "traffic.jsonl.gz")

    for command, told in (
        (["journal", "export", target, file], "exported"),
        (["journal", "import", target, file], "imported"),
        (["journal", "requeue", target, *NAMED, "--all"], "2 dead letters requeued"),
        (["journal", "drop", target, *NAMED, "--all"], "0 dead letters dropped"),
        (["settings", target, "retention=60", "enabled=off"], "off"),
        (["environment", "reset", target, *NAMED, "--from", "latest"], "b-1 begins at latest: 0 jobs wait"),
    ):
        assert main([*command, *worker]) == Exit.OK, capsys.readouterr().err
        assert told in capsys.readouterr().out


@pytest.mark.parametrize("place", ["users"], indirect=True)
def test_who_only_looks_cannot_change_anything(place, capsys):
    """And is told so in one sentence."""
    target, looker, _ = place

    assert main(["settings", target, "enabled=off", *looker]) == Exit.USAGE
    assert main(["environment", "reset", target, *NAMED, "--from", "latest", *looker]) == Exit.USAGE

    told = capsys.readouterr().err
    assert told.count("sidecar-worker: ") == 2
    assert "Traceback" not in told
