"""What a `sidecar.toml` says, who wins over it, and how it is refused."""

from __future__ import annotations

import pytest

from sidecar_science import Sidecar
from sidecar_science.errors import DeclarationError
from sidecar_science.recording.configuration import Configuration

FILE = """
namespace = "publisher"
sample = 0.25
flush_timeout = 2

[[rules]]
rule = "instant"
path = "$.updated_at"

[services.publishing-api]
base_url = "https://publishing-api.internal"

[experiments."publishing-api.get"]
timeout = 9
sample = 0.5
rules = [
    { rule = "ignore", path = "$.id" },
    { rule = "round", path = "$.price", digits = 2 },
]

[environments.b-42]
routes = { publishing-api = "http://127.0.0.1:3193" }
allow_writes = ["publishing-api"]
lanes = 4
from = "latest"

[policy]
min_jobs = 5000
"""


@pytest.fixture
def write(tmp_path):
    """Write a file; its path."""

    def write(text):
        path = tmp_path / "sidecar.toml"
        path.write_text(text)
        return path

    return write


def rules_of(experiment):
    return [rule.id for rule in experiment.rule_set.rules]


def test_a_file_sets_up_a_sidecar(write):
    """Settings, rules for all, and what it says of one service and one experiment."""
    sidecar = Sidecar.from_file(write(FILE), enabled=False)
    experiment = sidecar.experiment("publishing-api.get", service="publishing-api")
    other = sidecar.experiment("publishing-api.put")
    service = sidecar.service("publishing-api")
    sidecar.check()

    assert (sidecar.namespace, sidecar.recorder.sample) == ("publisher", 0.25)
    assert rules_of(experiment) == ["ignore $.id", "round $.price digits=2", "instant $.updated_at"]
    assert rules_of(other) == ["instant $.updated_at"]
    assert (experiment.timeout, experiment.sample, other.timeout, other.sample) == (9, 0.5, 5.0, None)
    assert service.base_urls == ("https://publishing-api.internal",)


def test_arguments_win_over_the_file_and_the_file_wins_over_defaults(write):
    """Of the sidecar, of an experiment and of a service."""
    sidecar = Sidecar.from_file(write(FILE), namespace="other", sample=0.75, enabled=False)
    experiment = sidecar.experiment("publishing-api.get", timeout=1, sample=0.1)
    service = sidecar.service("publishing-api", "https://elsewhere.test")

    assert (sidecar.namespace, sidecar.recorder.sample) == ("other", 0.75)
    assert (experiment.timeout, experiment.sample, service.base_urls) == (1, 0.1, ("https://elsewhere.test",))


def test_a_variable_names_the_file_and_other_variables_win_over_it(write):
    """SIDECAR_CONFIG in from_env, whose namespace is its argument."""
    environ = {"SIDECAR_CONFIG": str(write(FILE)), "SIDECAR_SAMPLE": "0.3", "SIDECAR_ENABLED": "0"}

    sidecar = Sidecar.from_env("mine", environ)

    assert (sidecar.namespace, sidecar.recorder.sample) == ("mine", 0.3)
    assert [rule.id for rule in sidecar.declared_rules] == ["instant $.updated_at"]
    assert Sidecar.from_env("mine", environ, sample=0.9).recorder.sample == 0.9


def test_a_file_read_later_gives_its_rules_to_what_is_declared_already(write):
    """As a worker's --config does; said twice it is one rule."""
    sidecar = Sidecar("publisher", enabled=False)
    experiment = sidecar.experiment("publishing-api.get")
    experiment.ignore("$.id")

    sidecar.configure(Configuration.read(write(FILE)))

    assert rules_of(experiment) == ["ignore $.id", "round $.price digits=2", "instant $.updated_at"]


def test_an_environment_is_read_as_run_takes_it(write):
    """What the flags of a worker say; an environment that the file does not know is empty."""
    configuration = Configuration.read(write(FILE))
    b = configuration.environment("b-42")

    assert (b.routes, b.allow_writes) == ({"publishing-api": "http://127.0.0.1:3193"}, ("publishing-api",))
    assert (b.lanes, b.start, b.rate, b.epoch) == (4, "latest", None, None)
    assert configuration.environment("b-43").routes == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = ", "is no TOML"),
        ("smaple = 1", "smaple, which nobody reads"),
        ("sample = 'much'", "expected int or float"),
        ("partitions = true", "expected int"),
        ("signing_key = 'k'", "set SIDECAR_SIGNING_KEY"),
        ("rules = 3", "is no list of rules"),
        ("[[rules]]\nrule = 'ignore'\npath = '$.a b'", "rules, rule 1: the pattern"),
        ("[[rules]]\nrule = 'ignore'\n", "needs path"),
        ("[experiments]\nx = 3", "is no table"),
        ("[experiments.x]\nsampel = 3", "sampel, which nobody reads"),
        ("[experiments.x]\nrules = [{rule = 'round', path = '$'}]", r"rules, rule 1: round"),
        ("[environments.b]\nroutes = 'x'", "expected dict"),
        ("[environments.b]\nroutes = {a = 3}", "expected texts"),
        ("[environments.b]\nallow_writes = 'x'", "expected texts"),
        ("[services.x]\nurl = 'x'", "url, which nobody reads"),
        ("sample = 0.5", "has no namespace"),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_and_place(write, text, complaint):
    """The message names the file, what was seen and what to write."""
    path = write(text)

    with pytest.raises(DeclarationError, match=complaint) as raised:
        Sidecar.from_file(path, enabled=False)
    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """As any file that cannot be read."""
    with pytest.raises(DeclarationError, match=r"missing\.toml cannot be read: No such file"):
        Sidecar.from_file(tmp_path / "missing.toml")


def test_an_experiment_that_only_the_file_knows_is_told(write):
    """A typo in a name would leave its rules unheard."""
    sidecar = Sidecar.from_file(write(FILE), enabled=False)

    with pytest.raises(DeclarationError, match=r"speaks of experiment 'publishing-api.get'"):
        sidecar.check()
