"""Somebody else's class, recorded as it is, and given back as it was."""

from __future__ import annotations

import sys
import types

import pytest

from sidecar_science.errors import DeclarationError


def make_classes():
    """A class of somebody else's, and one that inherits from it."""

    class Client:
        def send(self, address, body=None):
            return f"sent {address}"

        @classmethod
        def make(cls, name):
            return (cls.__name__, name)

        @staticmethod
        def parse(text):
            return text.upper()

        @property
        def size(self):
            return 1

        answer = 42

    class Sub(Client):
        pass

    return Client, Sub


def refused(declare) -> str:
    with pytest.raises(DeclarationError) as caught:
        declare()
    return str(caught.value)


@pytest.mark.parametrize(
    ("method", "args", "value"),
    [("send", ("a@b",), "sent a@b"), ("make", ("x",), ("Client", "x")), ("parse", ("x",), "X")],
)
def test_any_method_is_recorded_and_restored(desk, method, args, value):
    """The very object that stood in the class comes back."""
    client, _ = make_classes()
    original = vars(client)[method]

    instrumented = desk.sidecar.instrument(client, method, name="client.call")
    recorded = getattr(client(), method)(*args)
    instrumented.undo()

    assert recorded == value == getattr(client(), method)(*args)
    assert vars(client)[method] is original
    assert desk.arguments(desk.job) == [list(args), {}]


def test_an_inherited_method_is_recorded_in_the_subclass_alone(desk):
    """And afterwards the subclass inherits it again."""
    client, sub = make_classes()

    instrumented = desk.sidecar.instrument(sub, "send", name="sub.send", key="address")
    client().send("a@b")
    sub().send("c@d")
    instrumented.undo()
    sub().send("e@f")

    assert desk.arguments(desk.job) == [["c@d"], {}]
    assert "send" not in vars(sub)


def test_options_are_those_of_an_experiment(desk):
    """A wrong key is refused, and leaves neither a patch nor a name behind."""
    client, _ = make_classes()
    original = client.send

    message = refused(lambda: desk.sidecar.instrument(client, "send", name="client.send", key="adress"))

    assert "key='adress' is no parameter" in message
    assert client.send is original
    assert "client.send" not in desk.sidecar.experiments


@pytest.mark.parametrize("missing", ["sendd", "__nowhere__"])
def test_a_method_that_is_missing_is_refused(desk, missing):
    """The name is misspelled, or the client has another version."""
    client, _ = make_classes()

    assert f"Client.{missing} does not exist" in refused(
        lambda: desk.sidecar.instrument(client, missing, name="client.send")
    )


@pytest.mark.parametrize("attribute", ["size", "answer"])
def test_what_is_no_method_is_refused(desk, attribute):
    """A property or a value."""
    client, _ = make_classes()

    message = refused(lambda: desk.sidecar.instrument(client, attribute, name="client.send"))

    assert "apply it to a function, a method, a classmethod or a staticmethod" in message
    assert not desk.sidecar.experiments


def test_a_method_is_recorded_once(desk):
    """Also when a subclass would inherit the recorded one."""
    client, sub = make_classes()
    desk.sidecar.instrument(client, "send", name="client.send")

    for cls in (client, sub):
        assert "is recorded already; undo() that first" in refused(
            lambda cls=cls: desk.sidecar.instrument(cls, "send", name="again")
        )


@pytest.mark.parametrize("target", [sys, types.SimpleNamespace(send=print), "Client"])
def test_only_classes_are_instrumented(desk, target):
    """A module or an object is told so."""
    assert "instrument() takes a class" in refused(lambda: desk.sidecar.instrument(target, "send", name="x"))


def test_a_class_that_cannot_be_changed_is_refused(desk):
    """Built-in types cannot: a subclass can."""
    message = refused(lambda: desk.sidecar.instrument(dict, "get", name="dict.get"))

    assert "dict.get cannot be replaced" in message
    assert "subclass it" in message
    assert not desk.sidecar.experiments


def test_undo_can_be_called_twice_and_frees_the_name(desk):
    """A test that instruments in its set-up does so before every test."""
    client, _ = make_classes()
    original = client.send

    for _ in range(2):
        instrumented = desk.sidecar.instrument(client, "send", name="client.send")
        client().send("a@b")
        instrumented.undo()
        instrumented.undo()

    assert client.send is original
    assert len(desk.jobs) == 2
    assert not desk.sidecar.experiments


def test_undo_leaves_what_somebody_else_has_put_above(desk):
    """Ours below it calls straight through, now and when it comes to light again."""
    client, _ = make_classes()
    instrumented = desk.sidecar.instrument(client, "send", name="client.send")
    ours = vars(client)["send"]

    def theirs(self, address):
        return "theirs " + ours.__get__(self)(address)

    client.send = theirs
    instrumented.undo()
    with_theirs = client().send("a@b")
    client.send = ours
    without = client().send("a@b")

    assert (with_theirs, without) == ("theirs sent a@b", "sent a@b")
    assert desk.accounts == (0, 0, {}, 0)


def test_undo_does_not_withdraw_a_namesake(desk):
    """Whoever has the name by then keeps it."""
    client, _ = make_classes()
    instrumented = desk.sidecar.instrument(client, "send", name="client.send")
    del desk.sidecar._experiments["client.send"]
    namesake = desk.experiment("client.send")

    instrumented.undo()

    assert desk.sidecar.experiments == {"client.send": namesake}


def test_rules_are_given_to_its_experiment(desk):
    """As to any other."""
    client, _ = make_classes()

    instrumented = desk.sidecar.instrument(client, "send", name="client.send")

    assert instrumented.experiment.ignore("$.id") == "$.id"
    assert desk.sidecar.experiments["client.send"] is instrumented.experiment


def test_a_class_with_slots_is_instrumented(desk):
    """The method is the class's, not the object's."""

    class Client:
        __slots__ = ("token",)

        def send(self, address):
            return address

    instrumented = desk.sidecar.instrument(Client, "send", name="client.send")
    assert Client().send("a@b") == "a@b"
    instrumented.undo()

    assert desk.arguments(desk.job) == [["a@b"], {}]
