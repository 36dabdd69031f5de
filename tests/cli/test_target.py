"""Finding the sidecar that a command line names."""

from __future__ import annotations

import sys

import pytest

from sidecar_science.cli.target import adopt, load
from sidecar_science.errors import DeclarationError, UsageError

HEAD = "from sidecar_science import Sidecar\nsidecar = Sidecar('shop', redis_url='redis://127.0.0.1:1/0')\n"


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Write a module in an otherwise empty current directory; its name is this test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = "shop_" + str(abs(hash(request.node.name)))

    def write(text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    sys.modules.pop(name, None)


def test_a_module_in_the_current_directory_is_found(module):
    """The current directory comes first on the import path."""
    name = module(HEAD)

    assert load(f"{name}:sidecar").namespace == "shop"


def test_an_attribute_of_an_attribute_is_found(module):
    """What stands behind the colon may have dots."""
    name = module(HEAD + "class App:\n    pass\napp = App()\napp.sidecar = sidecar\n")

    assert load(f"{name}:app.sidecar").namespace == "shop"


@pytest.mark.parametrize("target", ["publisher", ":sidecar", "publisher:", ""])
def test_a_target_without_a_colon_is_told_with_an_example(target):
    """What was expected is shown by an example."""
    with pytest.raises(UsageError, match="expected module:attribute"):
        load(target)


def test_a_missing_module_is_named(module):
    """Where it was looked for is said, and what to do."""
    module(HEAD)

    with pytest.raises(UsageError, match=r"no module 'nowhere_at_all'.*looked in"):
        load("nowhere_at_all:sidecar")


def test_a_missing_attribute_is_told_with_those_that_are_there(module):
    """The sidecars of the module are listed."""
    name = module(HEAD)

    with pytest.raises(UsageError, match=f"the sidecars in it: {name}:sidecar"):
        load(f"{name}:sidecars")


def test_what_is_no_sidecar_is_refused(module):
    """The type that was found is named."""
    name = module("sidecar = 5\n")

    with pytest.raises(UsageError, match="is a int, not a Sidecar"):
        load(f"{name}:sidecar")


def test_a_wrong_declaration_is_told_as_it_is(module):
    """An error of a declaration reaches whoever typed the command, with its module."""
    name = module(HEAD + "sidecar.experiment('a')\nsidecar.experiment('a')\n")

    with pytest.raises(UsageError, match="two experiments are named 'a'"):
        load(f"{name}:sidecar")


def test_an_adopted_sidecar_records_nothing(module):
    """The worker's calls are replays: they must not be recorded in their turn."""
    name = module(HEAD + "@sidecar.experiment('shop.count', effect='read')\ndef count():\n    return 1\n")

    sidecar = adopt(load(f"{name}:sidecar"), "redis://127.0.0.1:2/0")
    sys.modules[name].count()

    assert sidecar.stats()["called"] == 0
    assert sidecar.redis_url == "redis://127.0.0.1:2/0"


def test_an_undeclared_service_stops_the_worker(module):
    """What an app cannot be told at import, the worker is told at its start."""
    name = module(HEAD + "sidecar.experiment('a', service='shop')\n")

    with pytest.raises(DeclarationError, match=r"add sidecar.service\('shop'"):
        adopt(load(f"{name}:sidecar"), None)
