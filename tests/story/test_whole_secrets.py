"""Secrets planted in arguments, headers, queries, results, errors and context are found nowhere afterwards."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import sys
import urllib.parse

import pytest
import redis

from sidecar_science.codec.envelope import open as open_envelope
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.secretive:sidecar"
KEY = "a signing key of sixteen characters and more"


def canaries():
    # The app's module wants to know where A is.
    source = (world.ROOT / "tests/story/apps/secretive.py").read_text()
    start = source.index("CANARIES = ")
    found = {}
    exec(source[start : source.index("}", start) + 1], found)
    return found["CANARIES"]


def answer(heard):
    return Answer(404 if "none" in heard.path else 200, {"opened": True})


def everything_in(url, namespace):
    """Every byte that the server holds for a namespace."""
    client = redis.Redis.from_url(url)
    held = []
    for name in client.keys(f"*{{{namespace}*"):
        held.append(name)
        match client.type(name):
            case b"stream":
                held += [value for _, fields in client.xrange(name) for pair in fields.items() for value in pair]
            case b"hash":
                held += [value for pair in client.hgetall(name).items() for value in pair]
            case b"string":
                held.append(client.get(name))
    return held


def opened(held, keyring):
    """The insides of every envelope among ``held``: they are compressed, which would hide what is in them."""
    for value in held:
        with contextlib.suppress(Undecodable):
            envelope = open_envelope(value, keyring)
            yield from (envelope.header, envelope.body)


def forms(secret):
    """A secret as it may be spelled."""
    raw = secret.encode()
    yield from (raw, raw.upper(), base64.b64encode(raw)[:-4], urllib.parse.quote(secret).encode(), raw.hex().encode())


@pytest.mark.realserver
@pytest.mark.parametrize("encrypted", [False, True], ids=["signed", "encrypted"])
def test_secrets_are_found_nowhere(valkey_server, encrypted):
    """Not in Redis before or after the replay, not in what app and worker print, not in any form of the report."""
    with world.services(answer, answer) as (a, b):
        more = {"SIDECAR_SIGNING_KEY": KEY} | ({"SIDECAR_ENCRYPTION_KEY": KEY[::-1]} if encrypted else {})
        env = world.environment(valkey_server.url, STORY_A_URL=a.url, **more)
        printed = [world.run_app("tests.story.apps.secretive", env=env)]
        held = everything_in(valkey_server.url, "secretive")
        insides = list(opened(held, Keyring([KEY], [KEY[::-1]], "secretive")))
        name = f"b-{encrypted}"
        worker = world.run_worker(TARGET, "--environment", name, "--route", f"vault={b.url}", env=env)
        report = world.report(TARGET, name, env=env)
        printed += [worker.stdout, worker.stderr]
        held += everything_in(valkey_server.url, "secretive")
        for style in ("text", "json", "markdown"):
            command = [sys.executable, "-m", "sidecar_science.cli", "report", TARGET, "--environment", name]
            done = subprocess.run(
                [*command, "--format", style], env=env, cwd=world.ROOT, capture_output=True, text=True
            )
            printed.append(done.stdout + done.stderr)

    everything = b"\n".join([*held, *insides, *(text.encode() for text in printed)])
    leaked = [kind for kind, secret in canaries().items() if any(form in everything for form in forms(secret))]
    assert leaked == []
    assert len(insides) == 2 * 3
    assert b"do not tell" in b"".join(insides)
    assert report["capture"]["settled"] == 3
    outcomes = {each["name"]: {o: n for o, n in each["outcomes"].items() if n} for each in report["experiments"]}
    assert outcomes["vault.fail"] == {"matched": 1}
    assert sum(outcomes["vault.open"].values()) == 2


@pytest.mark.realserver
def test_encrypted_jobs_cannot_be_read_without_the_key(valkey_server):
    """With encryption on, nothing of arguments and answers stands in Redis in the clear."""
    with world.services(answer, answer) as (a, _):
        env = world.environment(
            valkey_server.url, STORY_A_URL=a.url, SIDECAR_SIGNING_KEY=KEY, SIDECAR_ENCRYPTION_KEY=KEY[::-1]
        )
        world.run_app("tests.story.apps.secretive", env=env)
        streams = b"\n".join(everything_in(valkey_server.url, "secretive"))

    assert b"do not tell" not in streams
    assert b"opened" not in streams
