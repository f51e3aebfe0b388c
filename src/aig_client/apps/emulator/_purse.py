"""Prepaid credits of Unified Billing: one purse, for every account of the emulator."""

from __future__ import annotations

from ._costs import NANO, nano_of


class Purse:
    """Counts in nano-dollars. It can go below zero once, because an answer's cost is known when it has been given."""

    def __init__(self, dollars: float) -> None:
        self._nano = nano_of(dollars)

    @property
    def empty(self) -> bool:
        return self._nano <= 0

    @property
    def dollars(self) -> float:
        return self._nano / NANO

    def pay(self, nano: int) -> None:
        self._nano -= nano
