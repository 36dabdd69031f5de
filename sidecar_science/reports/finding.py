"""How one demand of a policy is met."""

from __future__ import annotations

import enum

import attrs


class Standing(enum.StrEnum):
    """How something stands."""

    PASS = "pass"  # noqa: S105 - the word of a verdict
    FAIL = "fail"
    NOT_ENOUGH_DATA = "not_enough_data"


@attrs.frozen(kw_only=True)
class Finding:
    """How one demand (``rule``) is met by one experiment, or (None) by all together, in a sentence."""

    rule: str
    experiment: str | None
    standing: Standing
    sentence: str

    @property
    def full(self) -> str:
        """The sentence, with the experiment that it is about."""
        return self.sentence if self.experiment is None else f"{self.experiment}: {self.sentence}"


def found(rule: str, experiment: str | None, standing: Standing, sentence: str) -> Finding:
    """A finding, in the order in which it is told."""
    return Finding(rule=rule, experiment=experiment, standing=standing, sentence=sentence)


def percent(rate: float) -> str:
    """A rate with the three digits that a limit is given in."""
    return f"{100 * rate:.3g} %"
