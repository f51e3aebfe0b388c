"""Where the emulator's state is kept between runs: nowhere, or in a file. Memory is what it works on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class JournalError(Exception):
    """The state cannot be kept where it was asked for. One sentence says why, and what to do."""


class Journal(Protocol):
    """Follows every change of the state. `kind` names a collection, `key` an element of it."""

    def load(self, kind: str) -> Iterable[tuple[str, bytes, bytes]]:
        """Key, value and blob of every element, in the order in which they were first put.

        The journal may be changed while the answer is read.
        """
        ...

    def put(self, kind: str, key: str, value: bytes, blob: bytes = b"") -> None:
        """Add or replace an element. `value` is JSON, `blob` any bytes. Never raises, for requests wait on it.

        A replaced element keeps its place in the order; one that was dropped in between does not.
        """
        ...

    def drop(self, kind: str, key: str) -> None:
        """Remove an element, if it is there. Never raises."""
        ...

    def commit(self) -> None:
        """Make what was put and dropped last. A shell calls it often; a crash loses what came after the last call.

        Raises `JournalError` once, when state cannot be kept any longer. Memory goes on without it.
        """
        ...

    def close(self) -> None:
        """Commit, and let go. Raises as `commit` does. A closed journal takes no notice of further calls."""
        ...


class NoJournal:
    """State that ends with the process."""

    def load(self, kind: str) -> Iterable[tuple[str, bytes, bytes]]:  # noqa: ARG002
        return ()

    def put(self, kind: str, key: str, value: bytes, blob: bytes = b"") -> None: ...

    def drop(self, kind: str, key: str) -> None: ...

    def commit(self) -> None: ...

    def close(self) -> None: ...
