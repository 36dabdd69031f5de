"""What one behavior answered and sent, as plain data.

The A side records one of these with every job; the B side makes another one of the same shape by calling the
candidate. Plain data means: ``None``, ``bool``, ``int``, ``float``, ``str``, ``bytes``, lists, and dicts with string
keys, plus the markers that `sidecar_science.codec` defines (`Secret`, `Oversize`, `Opaque`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Observed:
    """What one behavior answered and sent.

    ``error`` is ``None`` or a mapping with ``type``, ``message``, ``status`` (int or None) and ``body`` (plain data or
    None). ``exchanges`` are mappings with ``method``, ``origin``, ``path``, ``query``, ``status``, ``body``,
    ``duration`` (seconds) and ``sent``, in the order in which they left. ``consumed`` is the number of items taken,
    where the behavior gave a generator, and ``exhausted`` whether it came to its end.
    """

    value: Any = None
    error: Mapping[str, Any] | None = None
    exchanges: tuple[Mapping[str, Any], ...] = ()
    duration: float = 0.0
    cpu_time: float = 0.0
    consumed: int | None = None
    exhausted: bool = True
