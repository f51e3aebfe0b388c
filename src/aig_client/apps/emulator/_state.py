"""Keeps the emulator's state in a journal: loads what it holds, then tells it of every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ._cache import Entry, ResponseCache
from ._journal import Journal, NoJournal
from ._log import LogBook, LogEntry
from ._registry import GatewayRecord, Gateways
from ._state_codec import read_answer, read_gateway, read_log, write_answer, write_gateway, write_log

_GATEWAY, _LOG, _CACHE = "gateway", "log", "cache"
_DELETED = b"null"
"""Stands for a gateway that was deleted, although configuration would have it."""

T = TypeVar("T")


def keep_state(journal: Journal, gateways: Gateways, book: LogBook, cache: ResponseCache) -> int:
    """Fill the three collections from the journal, and have it follow them. Call it once, before they are used.

    Gives the number of elements that could not be read. They leave the journal, as does what no longer fits. Where
    nothing is kept nothing is hooked, so that requests pay nothing for it.
    """
    if isinstance(journal, NoJournal):
        return 0
    return _keep_gateways(journal, gateways) + _keep_log(journal, book) + _keep_cache(journal, cache)


def _keep_gateways(journal: Journal, gateways: Gateways) -> int:
    """A gateway that the API made or changed is as the API left it, whatever configuration says now."""
    deleted: list[tuple[str, str]] = []
    malformed = 0
    for key, value, _ in journal.load(_GATEWAY):
        account, _, gateway = key.partition("\n")
        record = read_gateway(value)
        if value == _DELETED:
            # It is put again, if configuration of this run would have it.
            deleted.append((account, gateway))
            journal.drop(_GATEWAY, key)
        elif record is None or (record.account, record.id) != (account, gateway):
            malformed += 1
            journal.drop(_GATEWAY, key)
        elif not gateways.offer(record):
            journal.drop(_GATEWAY, key)

    def put(account: str, gateway: str, record: GatewayRecord | None) -> None:
        key = f"{account}\n{gateway}"
        if record is None:
            journal.put(_GATEWAY, key, _DELETED)
        else:
            _put(journal, _GATEWAY, key, record, write_gateway)

    gateways.on_put = put
    gateways.on_drop = lambda account, gateway: journal.drop(_GATEWAY, f"{account}\n{gateway}")
    for account, gateway in deleted:
        gateways.drop(account, gateway)
    return malformed


def _keep_log(journal: Journal, book: LogBook) -> int:
    malformed = 0

    def put(entry: LogEntry) -> None:
        _put(journal, _LOG, entry.log_id, entry, write_log)

    book.on_drop = lambda log_id: journal.drop(_LOG, log_id)
    for key, value, _ in journal.load(_LOG):
        entry = read_log(value)
        if entry is None or entry.log_id != key:
            malformed += 1
            journal.drop(_LOG, key)
        else:
            book.put(entry)
    book.on_put = put
    return malformed


def _keep_cache(journal: Journal, cache: ResponseCache) -> int:
    malformed = 0

    def put(key: str, entry: Entry) -> None:
        _put(journal, _CACHE, key, entry, write_answer, entry.body)

    cache.on_drop = lambda key: journal.drop(_CACHE, key)
    for key, value, body in journal.load(_CACHE):
        entry = read_answer(value, body)
        if entry is None:
            malformed += 1
        else:
            cache.put(key, entry)
        if cache.get(key, 0.0) is None:
            journal.drop(_CACHE, key)
    cache.on_put = put
    return malformed


def _put(  # noqa: PLR0917 (an element has this many parts)
    journal: Journal, kind: str, key: str, element: T, write: Callable[[T], bytes], blob: bytes = b""
) -> None:
    try:
        value = write(element)
    except (ValueError, RecursionError):
        # JSON cannot say it: it lives in memory only. What the journal held under its name is no longer so.
        journal.drop(kind, key)
    else:
        journal.put(kind, key, value, blob)
