"""What differs between the control and a candidate: in the value, the error and the HTTP exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.difference import Difference, Where
from sidecar_science.comparison.equality import certainly_same
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.paths import ROOT
from sidecar_science.comparison.sieve import RuleSet, Sieve, Told

_NO_RULES = RuleSet()
Comparator = Callable[[Any, Any], Any]


class Compared(tuple[Difference, ...]):
    """The differences that no rule explains.

    ``explained`` says how many differences each rule explained, by its text; ``truncated`` that there may be more
    differences than these.
    """

    explained: Mapping[str, int]
    truncated: bool

    def __new__(
        cls, found: Iterable[Difference] = (), *, explained: Mapping[str, int] | None = None, truncated: bool = False
    ) -> Compared:
        made = super().__new__(cls, found)
        made.explained, made.truncated = explained or {}, truncated
        return made


def compare(
    control: Observed,
    candidate: Observed,
    *,
    origins: Origins | None = None,
    compare: Comparator | None = None,
    compare_errors: Comparator | None = None,
    told: Told | None = None,
    rules: RuleSet | None = None,
) -> Compared:
    """The differences between two observations; none when the candidate behaved like the control.

    ``compare`` judges the two values and ``compare_errors`` the two errors (one of them may be None): true means the
    same, false means different even if no difference can be shown. One that raises is told to ``told`` with its
    operation and counts as false. Exchanges are always compared. Where ``origins`` maps base URLs of A and B, they
    stand for each other everywhere; comparators see the observations as they are. Differences that one of ``rules``
    explains are counted in ``explained`` and not told.
    """
    side_by_side = _Comparison(origins or Origins(), told, (rules or _NO_RULES).sieve(told))
    found = (
        *side_by_side.values(control, candidate, compare),
        *side_by_side.errors(control, candidate, compare_errors),
        *side_by_side.exchanges(control, candidate),
    )
    return Compared(found, explained=side_by_side.explained, truncated=side_by_side.truncated)


class _Comparison:
    def __init__(self, origins: Origins, told: Told | None, sieve: Sieve) -> None:
        self._origins = origins
        self._told = told
        self._sieve = sieve
        self.truncated = False

    @property
    def explained(self) -> Mapping[str, int]:
        return self._sieve.explained

    def values(self, control: Observed, candidate: Observed, judge: Comparator | None) -> Sequence[Difference]:
        raised = control.error is not None or candidate.error is not None
        if raised and (control.consumed is None or candidate.consumed is None):
            return ()
        if judge is not None and self._judged(judge, "compare", control.value, candidate.value):
            return ()
        found = list(self._uneven(control, candidate))
        for difference in self._diff(control.value, candidate.value, "value"):
            if (difference.path, difference.kind) != (ROOT, "length") or not found:
                found.append(difference)
        if judge is not None and not found:
            found += self._kept(Difference("value", ROOT, "changed", control.value, candidate.value))
        return found

    def errors(self, control: Observed, candidate: Observed, judge: Comparator | None) -> Sequence[Difference]:
        ours, theirs = control.error, candidate.error
        if ours is None and theirs is None:
            return ()
        if judge is not None and self._judged(judge, "compare_errors", ours, theirs):
            return ()
        if ours is None or theirs is None:
            return self._kept(Difference("error", ROOT, "missing" if theirs is None else "extra", ours, theirs))
        found = self._diff(dict(ours), dict(theirs), "error")
        if judge is not None and not found:
            return self._kept(Difference("error", ROOT, "changed", ours, theirs))
        return found

    def exchanges(self, control: Observed, candidate: Observed) -> Sequence[Difference]:
        ours = [self._exchange(exchange) for exchange in control.exchanges]
        theirs = [self._exchange(exchange) for exchange in candidate.exchanges]
        for mine, its in zip(ours, theirs, strict=False):
            if mine["body"] is None or its["body"] is None:
                mine["body"] = its["body"] = None
        return self._diff(ours, theirs, "exchange")

    def _exchange(self, exchange: Mapping[str, Any]) -> dict[str, Any]:
        origin, path = exchange.get("origin"), exchange.get("path")
        return {
            "method": exchange.get("method"),
            "path": self._origins.relative(origin, path) if origin and path else path,
            "query": query_of(exchange.get("query")),
            "status": exchange.get("status"),
            "body": exchange.get("body"),
        }

    def _diff(self, control: Any, candidate: Any, where: Where) -> Sequence[Difference]:
        if certainly_same(control, candidate):
            return ()
        normalize = self._origins.normalize_error if where == "error" else self._origins.normalize
        in_place = where == "exchange"  # the second request is the second, whatever came of it
        found = diff(normalize(control), normalize(candidate), where=where, in_place=in_place, sieve=self._sieve)
        self.truncated = self.truncated or found.truncated
        return found

    def _kept(self, difference: Difference) -> Sequence[Difference]:
        return self._sieve.kept([difference])

    def _judged(self, judge: Comparator, operation: str, control: Any, candidate: Any) -> bool:
        try:
            return bool(judge(control, candidate))
        except Exception as error:  # noqa: BLE001 - a comparator that raises is a mismatch, and its owner is told
            if self._told is not None:
                self._told(operation, error)
            return False

    def _uneven(self, control: Observed, candidate: Observed) -> Sequence[Difference]:
        """Of two generators, one gave more: other counts, or the candidate went on where the control had ended."""
        if control.consumed is None or candidate.consumed is None:
            return ()
        if control.consumed == candidate.consumed and (candidate.exhausted or not control.exhausted):
            return ()
        return self._kept(Difference("value", ROOT, "length", control.value, candidate.value))


def query_of(query: Any) -> Any:
    """A query as a mapping, so that the order of its keys does not matter; the values of one key keep theirs."""
    if not isinstance(query, str):
        return query or {}
    found: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}
