"""What is demanded of B, in flags and in a file."""

from __future__ import annotations

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.recording.configuration import Configuration
from sidecar_science.reports.policy import Policy

FILE = """
[services.shop]
base_url = "https://shop.internal"

[policy]
min_jobs = 5000
max_mismatch_rate = 0.001
max_slowdown = 1.2
allowed = ["63a975ef2a1aca3b"]
optional = ["shop.rare"]

[policy.min_status_jobs]
4xx = 20
"""


@pytest.fixture
def policy_of(tmp_path):
    def read(text):
        path = tmp_path / "sidecar.toml"
        path.write_text(text)
        return Policy.from_table(Configuration.read(path).policy, "[policy]")

    return read


def test_a_file_says_what_flags_say(policy_of):
    """The table [policy] is a policy; other tables are not its affair."""
    assert policy_of(FILE) == Policy(
        min_jobs=5000,
        min_status_jobs={"4xx": 20},
        max_mismatch_rate=0.001,
        max_slowdown=1.2,
        allowed=frozenset({"63a975ef2a1aca3b"}),
        optional=frozenset({"shop.rare"}),
    )


def test_a_file_without_a_policy_demands_what_is_usual(policy_of):
    """Nothing said, the defaults."""
    assert policy_of("") == Policy()


def test_flags_win_over_the_file():
    """What is given replaces; known groups and names are added."""
    policy = Policy(min_jobs=5, max_slowdown=2.0, allowed=frozenset({"a"}), min_status_jobs={"4xx": 1, "5xx": 1})

    given = policy.with_(min_jobs=0, max_slowdown=None, allowed={"b"}, min_status_jobs={"4xx": 9})

    assert (given.min_jobs, given.max_slowdown) == (0, 2.0)
    assert given.allowed == {"a", "b"}
    assert given.min_status_jobs == {"4xx": 9, "5xx": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[policy]\nmin_job = 1", r"\[policy\] has 'min_job'; it knows min_jobs"),
        ("[policy]\nmin_jobs = -1", "min_jobs is -1; expected a whole number"),
        ("[policy]\nmin_jobs = true", "min_jobs is True"),
        ("[policy]\nmax_mismatch_rate = 0", "no number of jobs shows a rate of 0"),
        ("[policy]\nmax_mismatch_rate = 1.5", "max_mismatch_rate is 1.5"),
        ("[policy]\nmax_mismatch_rate = nan", "max_mismatch_rate is nan"),
        ("[policy]\nmax_slowdown = 0", "max_slowdown is 0"),
        ("[policy]\nmax_failed_rate = '1'", "max_failed_rate is '1'"),
        ("[policy]\nallowed = 'abc'", "allowed is 'abc'; expected fingerprints"),
        ("[policy]\nmin_status_jobs = {404 = 1}", "min_status_jobs is"),
    ],
)
def test_nonsense_is_refused_with_what_is_expected(policy_of, text, expected):
    """Whoever wrote the file knows which line to mend."""
    with pytest.raises(UsageError, match=expected):
        policy_of(text)
