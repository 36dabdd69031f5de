"""Wrong declarations fail where they are written, and say what to write instead."""

from __future__ import annotations

import functools

import pytest

from sidecar_science.errors import DeclarationError
from sidecar_science.sidecar import Sidecar


class Api:
    def get(self, content_id):
        return content_id


def refused(declare) -> str:
    """What a declaration that cannot work is told."""
    with pytest.raises(DeclarationError) as caught:
        declare()
    return str(caught.value)


def test_a_key_that_is_no_parameter_is_refused_with_those_that_are(desk):
    """A misspelled key would scatter the calls of one entity over all partitions."""
    message = refused(lambda: desk.experiment("api.put", key="contentid")(lambda content_id, payload: None))

    assert "key='contentid' is no parameter" in message
    assert "its parameters: content_id, payload" in message
    assert "write the name of one of them" in message


def test_a_key_that_goes_into_any_keyword_is_let_pass(desk):
    """A function that takes any keyword may be given the key by one."""

    @desk.experiment("api.put", key="content_id")
    def put(**fields):
        return fields

    put(content_id="c-1")

    assert desk.job.key is not None


def test_a_failed_declaration_leaves_no_function_behind(desk):
    """After a refusal the experiment can still be given its function."""
    experiment = desk.experiment("api.put", key="content_id")
    refused(lambda: experiment(lambda other: other))

    put = experiment(lambda content_id: content_id)

    assert put("c-1") == "c-1"


def test_two_experiments_of_one_name_are_refused(desk):
    """A job finds its code by that name."""
    desk.experiment("api.put")

    message = refused(lambda: desk.experiment("api.put"))

    assert "two experiments are named 'api.put'" in message
    assert "give each its own" in message


def test_a_second_function_of_one_experiment_is_refused(desk):
    """The message names both functions."""
    experiment = desk.experiment("api.put")

    @experiment
    def first():
        pass

    def second():
        pass

    message = refused(lambda: experiment(second))

    assert "first already" in message
    assert "second an experiment of its own name" in message


def test_a_lambda_cannot_be_a_registered_candidate(desk):
    """Reports and workers know candidates by name."""
    message = refused(lambda: desk.experiment("api.put").try_(lambda adapter: None))

    assert "a lambda cannot be a registered candidate" in message
    assert "def new_way(adapter" in message


@pytest.mark.parametrize("name", ["bulk", "control", 7])
def test_a_candidate_needs_a_name_of_its_own(desk, name):
    """``control`` is taken from the beginning; names are told apart as text."""
    experiment = desk.experiment("api.put")

    def new_way(adapter):
        pass

    if name != "control":
        experiment.try_(new_way, name=name)

    assert f"already has {name} behavior" in refused(lambda: experiment.try_(new_way, name=str(name)))


def test_try_is_a_decorator_with_and_without_a_name(desk):
    """Both forms register the function, and give it back as it is."""
    experiment = desk.experiment("api.put")

    @experiment.try_(name="bulk")
    def in_bulk(adapter):
        return "bulk"

    @experiment.try_
    def otherwise(adapter):
        return "otherwise"

    assert experiment.candidates == {"bulk": in_bulk, "candidate": otherwise}
    assert in_bulk(None) == "bulk"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"effect": "writes"}, "effect='writes' is unknown; write 'read' or 'write'"),
        ({"sample": "10%"}, "sample='10%' is no share; give a number from 0 (nothing) to 1 (everything)"),
        ({"sample": 1.5}, "sample=1.5 is no share"),
        ({"sample": float("nan")}, "sample=nan is no share"),
        ({"sample": True}, "sample=True is no share"),
        ({"timeout": 0}, "timeout=0 cannot be used; give seconds above 0"),
        ({"timeout": float("inf")}, "timeout=inf cannot be used"),
        ({"timeout": "5"}, "timeout='5' cannot be used"),
        ({"secrets": "password"}, "secrets takes several names; write secrets=('password',)"),
        ({"secrets": (1,)}, "secrets=(1,) are no names; write secrets=('password', '$.user.pin')"),
        ({"secrets": None}, "secrets=None are no names"),
        ({"secrets": ("$.a[",)}, "'$.a[' is no path of a secret"),
        ({"secrets": ("",)}, "'' cannot be a secret's name"),
        ({"key": 5}, "key=5 is neither a parameter's name nor a function"),
        ({"service": 5}, "service=5 is no name"),
        ({"project": "json"}, "project='json' cannot be called; give a function of a result"),
        ({"reconcile": "ask"}, "reconcile='ask' cannot be used; give a write a function (adapter, *args, **kwargs)"),
        ({"reconcile": print, "effect": "read"}, "give a write a function"),
    ],
)
def test_an_option_that_cannot_work_is_refused(desk, options, says):
    """The message names the experiment, what was given, and what to write; nothing is declared."""
    message = refused(lambda: desk.experiment("api.put", **options))

    assert says in message
    assert "api.put" in message or "secret" in message
    assert "api.put" not in desk.sidecar.experiments


@pytest.mark.parametrize("name", ["", None, 7])
def test_an_experiment_needs_a_name(desk, name):
    """The name is how a job finds its code."""
    assert "an experiment needs a name" in refused(lambda: desk.experiment(name))


@pytest.mark.parametrize("what", [7, "text", None, property(lambda self: 1), functools.partialmethod(print)])
def test_only_what_can_be_called_can_be_recorded(desk, what):
    """A property or a value below the decorator is told so."""
    message = refused(lambda: desk.experiment("api.put")(what))

    assert "apply it to a function, a method, a classmethod or a staticmethod" in message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("publishing", "publishing.internal"), "is no base URL; write it as http[s]://host[:port][/path]"),
        (("publishing", "ftp://publishing"), "is no base URL"),
        (("publishing", ["https://a", b"https://b"]), "is no URL; write one, or a list of them"),
        (("publishing", 8080), "base_url=8080 is no URL; write one, or a list of them"),
        (("publishing", []), "has no base URL; give the one that production calls"),
        (("publishing", "https://a", "build"), "build takes a function of a base URL, and was given 'build'"),
        (("", "https://a"), "a service needs a name"),
        ((None, "https://a"), "a service needs a name"),
    ],
)
def test_a_service_that_cannot_work_is_refused(desk, arguments, says):
    """The message names the service and what to write; nothing is declared."""
    message = refused(lambda: desk.sidecar.service(*arguments))

    assert says in message
    assert not desk.sidecar.services


def test_a_service_is_declared_once(desk):
    """Two services under one name could not be routed."""
    desk.sidecar.service("publishing", "https://a")

    assert "is declared twice" in refused(lambda: desk.sidecar.service("publishing", "https://b"))


def test_a_service_may_have_several_base_urls(desk):
    """A's origins: one URL or several."""
    service = desk.sidecar.service("publishing", ["https://a", "https://b/api"], build=Api)

    assert service.base_urls == ("https://a", "https://b/api")
    assert desk.sidecar.services == {"publishing": service}


def test_check_names_a_service_that_nobody_declared(desk):
    """Services may be declared after their experiments, so only the end knows; the worker and doctor ask."""
    desk.experiment("api.put", service="publishing")
    desk.sidecar.service("search", "https://search")

    message = refused(desk.sidecar.check)

    assert "'api.put' belongs to service 'publishing', which is not declared (declared: search)" in message
    assert "add sidecar.service('publishing', base_url=..., build=...)" in message


def test_check_is_content_when_every_service_is_declared(desk):
    """An experiment without a service belongs to none."""
    desk.experiment("api.put", service="publishing")
    desk.experiment("local")
    desk.sidecar.service("publishing", "https://a")

    assert desk.sidecar.check() is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"namespace": "a namespace"}, "namespace 'a namespace' cannot be used; expected 1 to 64 characters"),
        ({"signing_key": "short"}, "signing key 1 has 5 characters and needs at least 16"),
        ({"encryption_key": ["short"]}, "encryption key 1 has 5 characters"),
        ({"sample": 2}, "sample=2 is no share"),
        ({"partitions": 0}, "partitions=0 cannot be used; give a whole number above 0"),
        ({"buffer_bytes": 1.5}, "buffer_bytes=1.5 cannot be used"),
        ({"max_job_bytes": True}, "max_job_bytes=True cannot be used"),
        ({"cap_entries": -1}, "cap_entries=-1 cannot be used"),
        ({"cap_bytes": "1GB"}, "cap_bytes='1GB' cannot be used"),
        ({"flush_timeout": -1}, "flush_timeout=-1 cannot be used; give seconds, 0 or more"),
        ({"flush_timeout": float("inf")}, "flush_timeout=inf cannot be used"),
        ({"redis_url": "localhost:6379"}, "redis_url is no Redis URL; write redis://host:6379/0"),
        ({"redis_url": None}, None),
    ],
)
def test_a_sidecar_that_cannot_work_is_refused(options, says):
    """Settings fail when the module is imported, and not at the first call."""
    arguments = {"namespace": "desk", "redis_url": "redis://127.0.0.1/0", **options}
    if says is None:
        arguments["redis_url"] = 6379
        says = "redis_url is no Redis URL"

    assert says in refused(lambda: Sidecar(**arguments))


@pytest.mark.parametrize("place", ["redis+cluster://one:7000,two:7000", "rediss+sentinel://one:26379/main/0"])
def test_several_servers_are_declared_like_one(place):
    """Whatever the journal can be reached by, an app can name."""
    assert Sidecar("desk", redis_url=place).redis_url == place


def test_a_wrong_redis_url_is_not_quoted():
    """It may hold a password."""
    message = refused(lambda: Sidecar("desk", redis_url="http://user:hunter22@redis/0"))

    assert "hunter22" not in message


def test_keys_are_given_as_one_text_or_several():
    """The first of several signs, and any verifies."""
    one = Sidecar("desk", signing_key="k" * 32)
    several = Sidecar("desk", signing_key=["n" * 32, "k" * 32], encryption_key="e" * 32)

    key_id, mac = one.keyring.sign(b"job")

    assert several.keyring.verify(key_id, mac, b"job")
    assert several.keyring.encrypts


def test_uneven_rates_of_one_services_writes_are_warned_of(desk):
    """B would miss some of an entity's history."""
    desk.experiment("api.put", service="publishing", sample=0.5)
    desk.experiment("api.get", service="publishing", sample=0.1, effect="read")
    desk.experiment("other.put", service="other", sample=0.1)
    assert desk.lines.events == []

    desk.experiment("api.publish", service="publishing", sample=0.1)

    assert desk.lines.events == ["declaration.uneven_sampling"]
    assert desk.lines.told[0][1]["experiments"] == ["api.put", "api.publish"]


def test_an_experiment_shows_what_it_is(desk):
    """Its representation is for debuggers and logs."""
    assert repr(desk.experiment("api.put", service="p")) == "<SidecarExperiment 'api.put' service='p' effect='write'>"


# -- ids -------------------------------------------------------------------------------------------------------------


def test_ids_are_declared_where_they_stand(desk):
    """Places in the result, and parameters of the function; both sides import them."""
    experiment = desk.experiment(
        "shop.get", service="shop", ids={"$.id": "item", "item_id": "item", "more.owner": "person"}, drop=("version",)
    )
    experiment(lambda item_id, version=None, more=None: None)

    assert experiment.ids.kinds == {"item", "person"}
    assert experiment.ids.parameters == ("item_id", "more", "version")


def test_an_id_of_no_parameter_is_refused(desk):
    """Where the function is declared: with its parameters."""
    message = refused(lambda: desk.experiment("shop.get", ids={"itm_id": "item"})(lambda item_id: None))

    assert "'itm_id', which ids or drop name, is no parameter" in message
    assert "its parameters: item_id" in message
