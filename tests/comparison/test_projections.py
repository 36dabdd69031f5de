"""The registry: which rule brings a foreign object one step nearer to plain data."""

from __future__ import annotations

import io
import tempfile

import pytest

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.projection import project
from sidecar_science.comparison.projections import Projections
from sidecar_science.errors import DeclarationError
from tests.comparison.foreign import (
    FileStorage,
    GithubObject,
    JiraResource,
    RestObject,
    SendgridResponse,
    SlackResponse,
    holding,
    named,
)


class Money:
    def __init__(self, pence):
        self.pence = pence


class Price(Money):
    pass


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (holding(RestObject, id=3), {"id": 3}),
        (holding(GithubObject, _rawData={"number": 4}), {"number": 4}),
        (holding(JiraResource, raw={"key": "A-1"}), {"key": "A-1"}),
        (holding(SlackResponse, data={"ok": True}), {"ok": True}),
        (holding(SendgridResponse, status_code=202, body=b""), {"status": 202, "body": b""}),
        (holding(FileStorage, stream=io.BytesIO(b"upload")), b"upload"),
    ],
)
def test_results_of_known_clients_give_their_data(value, plain):
    """They are known by name, so nothing is imported; and nothing is fetched to complete them."""
    assert project([value]) == [plain]


def test_objects_that_call_themselves_equal_are_compared_by_their_content():
    """Some clients compare ids alone: their objects are equal though the content changed."""
    equal = named("gitlab.base.RESTObject", __eq__=lambda self, other: True, __hash__=None)
    control, candidate = holding(equal, attributes={"t": "a"}), holding(equal, attributes={"t": "b"})

    assert control == candidate
    assert [d.path for d in diff(project(control), project(candidate))] == ["$.t"]


def test_a_rule_holds_for_subclasses_too():
    """A known client's own subclasses need no rule of their own."""
    project_class = type("Project", (RestObject,), {})

    assert project(holding(project_class, id=9)) == {"id": 9}


def test_a_class_can_be_registered():
    """What the rule gives is projected in its turn."""
    registry = Projections()

    registry.register(Money, lambda money: {"pence": (money.pence,)})

    assert project({"m": Price(5)}, registry=registry) == {"m": {"pence": [5]}}
    assert type(project(Price(5))) is Opaque


def test_a_class_can_be_registered_by_name():
    """The name is enough: nothing is imported for it."""
    registry = Projections()

    registry.register(f"{__name__}.Money", lambda money: money.pence)

    assert project([Price(5)], registry=registry) == [5]


def test_a_registered_rule_comes_before_a_built_in_one():
    """Subclasses of dict and of known clients can be projected otherwise."""
    registry = Projections()
    lazy = type("Lazy", (dict,), {})
    registry.register(RestObject, lambda found: found.id)
    registry.register(lazy, lambda found: {"only": found["a"]})

    assert project([holding(RestObject, id=3), lazy(a=1, b=2)], registry=registry) == [3, {"only": 1}]


def test_a_rule_counts_from_its_registration_on():
    """A class that was met without a rule is looked up again."""
    registry = Projections()
    assert type(project(Money(1), registry=registry)) is Opaque

    registry.register(Money, lambda money: money.pence)

    assert project(Money(1), registry=registry) == 1


def test_a_rule_that_raises_leaves_the_object_opaque():
    """The rest of the result is kept."""
    registry = Projections()
    registry.register(Money, lambda money: money.nothing)

    assert project([1, Money(1)], registry=registry) == [1, Opaque(f"{__name__}.Money")]


def test_classes_that_are_made_in_a_loop_do_not_stay_alive():
    """What is remembered of classes is bounded."""
    registry = Projections()

    for _ in range(1_500):
        registry.rule_for(type("Made", (), {})())

    assert len(registry._known) <= 1_000


@pytest.mark.parametrize("kind", ["Money", 3, None])
def test_only_a_class_or_its_full_name_can_be_registered(kind):
    """A bare name would never be found: the error says how a name looks."""
    with pytest.raises(DeclarationError, match=r"shop\.models\.Money"):
        Projections().register(kind, str)


def test_only_something_that_can_be_called_is_a_rule():
    """The error shows what was given."""
    with pytest.raises(DeclarationError, match="'raw'"):
        Projections().register(Money, "raw")


def test_a_temporary_file_gives_its_content():
    """The wrapper that the standard library puts around it is looked through."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"content")

        assert project({"file": file}) == {"file": b"content"}
        assert file.tell() == 7


@pytest.mark.parametrize("library", ["lxml.etree", "xml.etree.ElementTree"])
def test_xml_becomes_its_elements(library):
    """Two trees are compared by their content; the parser's own objects are equal to nothing."""
    etree = pytest.importorskip(library)
    made = project(etree.fromstring('<a x="1">one<b/>two<!-- three --></a>'))
    again = project(etree.ElementTree(etree.fromstring('<a x="1">one<b y="2"/>two<!-- three --></a>')))

    assert (made["tag"], made["attributes"], made["text"]) == ("a", {"x": "1"}, "one")
    assert made["children"][0] == {"tag": "b", "attributes": {}, "text": "", "children": [], "tail": "two"}
    assert [(one.kind, one.path) for one in diff(made, again)] == [("extra", "$.children[0].attributes.y")]
