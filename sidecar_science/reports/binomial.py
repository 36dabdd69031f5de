"""What a count says about the rate behind it: bounds and probabilities of the binomial distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_TINY: Final = 1e-300
_CLOSE: Final = 1e-14
_STEPS: Final = 200_000
_MOST: Final = 10**12


def upper_bound(found: int, of: int, confidence: float = 0.95) -> float:
    """The rate that lies above the true one with this confidence, when ``found`` were seen among ``of``.

    One-sided and exact: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26(4), 1934. Of nothing it is 1.
    """
    if found >= of:
        return 1.0
    if not found:
        return -math.expm1(math.log1p(-confidence) / of)
    return _bisected(lambda rate: at_most(found, of, rate) <= 1 - confidence)


def needed(found: int, of: int, limit: float, confidence: float = 0.95) -> int:
    """How many it takes until the upper bound is within ``limit``, if ``found`` of ``of`` goes on like that.

    0 where no number would do: the rate is at the limit or above it.
    """
    rate = found / of if of else 0.0
    if rate >= limit:
        return 0
    low, high = max(of, 1), max(of, 1)
    while upper_bound(round(rate * high), high, confidence) > limit:
        low, high = high, high * 2
        if high > _MOST:
            return 0
    while low < high:
        middle = (low + high) // 2
        within = upper_bound(round(rate * middle), middle, confidence) <= limit
        low, high = (low, middle) if within else (middle + 1, high)
    return high


def at_most(k: int, n: int, rate: float) -> float:
    """The probability of ``k`` or fewer among ``n``, each of which has the probability ``rate``."""
    if k >= n:
        return 1.0
    return incomplete_beta(n - k, k + 1, 1.0 - rate)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function.

    By its continued fraction, NIST Digital Library of Mathematical Functions 8.17.22 (https://dlmf.nist.gov/8.17),
    evaluated from the front by Lentz's method; on the far side of the mean by its reflection, 8.17.4.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / a * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1.0 / _off_zero(1.0 + term * d), _off_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def _off_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY


def _bisected(above: Callable[[float], bool]) -> float:
    """The least number from 0 to 1 for which ``above`` holds, as near as floats come to it."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high) and high - low > 1e-15 * high:
        low, high = (low, middle) if above(middle) else (middle, high)
    return high
