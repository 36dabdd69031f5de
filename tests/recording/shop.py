"""An adapter in a module of its own, as it must be to be pickled."""

from __future__ import annotations

from typing import Any

from sidecar_science.sidecar import Sidecar

sidecar = Sidecar("shop", enabled=False)


@sidecar.experiment("shop.price", key="item")
def price(item: str, *, tax: float = 0.2) -> float:
    """What it costs."""
    return len(item) * (1 + tax)


class Shop:
    def __init__(self, stock: dict[str, int] | None = None) -> None:
        self.stock = stock or {}

    @sidecar.experiment("shop.order", key="item")
    def order(self, item: str, count: int = 1) -> str:
        return f"{item} x {count} of {self.stock.get(item)}"

    @sidecar.experiment("shop.order_later")
    async def order_later(self, item: str) -> str:
        return item

    @sidecar.experiment("shop.pages")
    def pages(self, n: int) -> Any:
        yield from range(n)

    @sidecar.experiment("shop.pages_later")
    async def pages_later(self, n: int) -> Any:
        for i in range(n):
            yield i

    @classmethod
    @sidecar.experiment("shop.opened")
    def opened(cls, town: str) -> tuple[str, str]:
        return cls.__name__, town

    @staticmethod
    @sidecar.experiment("shop.parsed")
    def parsed(text: str) -> str:
        return text.upper()
