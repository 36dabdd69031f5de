"""The application that the commands are tried on."""

from __future__ import annotations

import sys
import uuid

import pytest

from tests.cli.apps import APP


@pytest.fixture
def app(tmp_path, monkeypatch, valkey_server):
    """An application's module, with a namespace of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    name = f"app_{uuid.uuid4().hex}"
    monkeypatch.setenv("APP_NAMESPACE", name)
    monkeypatch.setenv("APP_REDIS", valkey_server.url)

    def write(text=APP, key="'a key of sixteen characters'"):
        (tmp_path / f"{name}.py").write_text(text.format(key=key))
        return f"{name}:sidecar"

    yield write
    sys.modules.pop(name, None)
