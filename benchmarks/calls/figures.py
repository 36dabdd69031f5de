"""What one run of the benchmark found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from benchmarks.calls.blocked import Blocking
from benchmarks.calls.rounds import Added

BySize = Mapping[str, Mapping[str, Added]]


@attrs.frozen(kw_only=True)
class Outage:
    """Redis hung, or down. Our own calls were measured as ever; of the others, how long they block.

    ``patience`` is how many seconds they were given.
    """

    ours: BySize
    others: Mapping[str, Blocking]
    patience: float


@attrs.frozen(kw_only=True)
class Figures:
    """Added times by size of the payload and by contender; ``idle`` are calls that are not recorded.

    ``drained`` are jobs per second, ``accounts`` what became of the calls while Redis was healthy.
    """

    rate: float
    work: float
    healthy: BySize
    idle: Mapping[str, Added]
    flat: BySize
    drained: Mapping[str, float]
    hung: Outage
    down: Outage
    accounts: Mapping[str, Any]
