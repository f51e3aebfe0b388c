"""Notices a test that would leave this machine: by a socket, or by the connection pools of httpx and httpx2.

The pools are guarded beside the sockets, for they know the host where a socket does not: behind a proxy on this
machine, on a connection that an earlier test left open, under an event loop that opens sockets by itself (uvloop).
"""

from __future__ import annotations

import socket
from asyncio.proactor_events import BaseProactorEventLoop
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial, wraps
from importlib import import_module
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol, TypeAlias

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_POOLS = {"httpcore": "httpx", "httpcore2": "httpx2"}


class LiveCallError(Exception):
    """A test reached for a real host. The message names host and port, and nothing else of the call.

    Code under test may catch it; the test fails nevertheless. (One that it could not catch, as pytest's own outcomes,
    would break the task groups and event loops that it passes through.)
    """


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call that was stopped. port: as it was asked for; `None` if it was not."""

    host: str
    port: int | str | None
    through: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}{'' if self.port is None else f':{self.port}'} ({self.through})"


class LiveGuard:
    """Stops calls to real hosts while it is on, in all threads, and remembers each attempt."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        # A machine's own name stands for itself.
        self._allowed = frozenset(host.lower() for host in (*allowed, socket.gethostname()))
        self._resolved: set[str] = set()
        self._attempts: list[Attempt] = []
        self._told = 0
        self._on = False
        self._undo: list[Callable[[], None]] = []

    @property
    def on(self) -> bool:
        return self._on

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls that were stopped, oldest first."""
        return tuple(self._attempts)

    def start(self) -> None:
        """Begin to watch; no effect if it does already."""
        if self._on:
            return
        self._on = True
        for owner, name, wrapper in _watched():
            self._undo.append(_replace(owner, name, wrapper(self)))

    def stop(self) -> None:
        """Leave everything as it was."""
        self._on = False
        while self._undo:
            self._undo.pop()()

    def untold(self) -> str:
        """The attempts since this was last asked, in a sentence; empty if there were none."""
        told, self._told = self._told, len(self._attempts)
        return _sentence(self._attempts[told : self._told])

    def check(self, host: str, port: int | str | None, through: str) -> None:
        """Raise `LiveCallError` for a host that is not on this machine."""
        if not self._on or self._is_fine(host):
            return
        attempt = Attempt(host, port, through)
        self._attempts.append(attempt)
        raise LiveCallError(_sentence([attempt]))

    def check_name(self, host: str, port: int | str | None, through: str) -> None:
        """The same for a name that is to be resolved. An address asks nobody, so it is left to its connection."""
        if _address(host) is None:
            self.check(host, port, through)

    def learn(self, name: str, addresses: Collection[str]) -> None:
        """These are the addresses of a name that is allowed."""
        if name.lower() in self._allowed:
            self._resolved.update(addresses)

    def _is_fine(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        if name in ("", "localhost") or name.endswith(".localhost") or name in self._allowed or host in self._resolved:
            return True
        address = _address(name)
        return address is not None and _is_here(address)


def _sentence(attempts: Collection[Attempt]) -> str:
    where = ", ".join(dict.fromkeys(str(attempt) for attempt in attempts))
    return f"the test reached for a real host: {where}" if where else ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return None


def _is_here(address: IPv4Address | IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped if isinstance(mapped, IPv4Address) else address
    # To connect to the address of no host is to connect to this one.
    return address.is_loopback or address.is_unspecified


# --- What is watched: an attribute, and what takes its place ---

_Function: TypeAlias = "Callable[..., object]"
_Wrapper: TypeAlias = "Callable[[LiveGuard], Callable[[_Function], _Function]]"


class _Url(Protocol):
    host: bytes
    port: int | None
    scheme: bytes


def _watched() -> list[tuple[object, str, _Wrapper]]:
    watched: list[tuple[object, str, _Wrapper]] = [
        (socket.socket, "connect", _connecting),
        (socket.socket, "connect_ex", _connecting),
        (socket.socket, "sendto", _sending),
        (socket.socket, "sendmsg", _sending),
        (socket, "getaddrinfo", _resolving),
        (socket, "gethostbyname", _resolving),
        (socket, "gethostbyname_ex", _resolving),
        # On Windows, where asyncio does not call `socket.connect`.
        (BaseProactorEventLoop, "sock_connect", _loop_connecting),
    ]
    for module, family in _POOLS.items():
        if find_spec(module) is not None:
            core = import_module(module)
            watched.append((core.ConnectionPool, "handle_request", partial(_pooling, family)))
            watched.append((core.AsyncConnectionPool, "handle_async_request", partial(_pooling, family)))
    # Not every platform has all of them.
    return [one for one in watched if hasattr(one[0], one[1])]


def _replace(owner: object, name: str, wrapper: Callable[[_Function], _Function]) -> Callable[[], None]:
    """Put a wrapper in its place; gives back what undoes it."""
    inherited = name not in vars(owner)
    genuine: _Function = getattr(owner, name)
    ours = wraps(genuine)(wrapper(genuine))
    setattr(owner, name, ours)

    def undo() -> None:
        if vars(owner).get(name) is not ours:
            return  # a mock came later and is still there; ours is inert by now
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, genuine)

    return undo


def _check_address(guard: LiveGuard, sock: object, address: object, through: str) -> None:
    if getattr(sock, "family", None) in _INTERNET and isinstance(address, tuple) and len(address) >= 2:
        guard.check(_text(address[0]), address[1], through)


def _connecting(guard: LiveGuard) -> Callable[[_Function], _Function]:
    def wrapper(genuine: _Function) -> _Function:
        def connect(self: object, address: object) -> object:
            _check_address(guard, self, address, "socket")
            return genuine(self, address)

        return connect

    return wrapper


def _loop_connecting(guard: LiveGuard) -> Callable[[_Function], _Function]:
    def wrapper(genuine: _Function) -> _Function:
        def sock_connect(self: object, sock: object, address: object) -> object:
            _check_address(guard, sock, address, "asyncio")
            return genuine(self, sock, address)

        return sock_connect

    return wrapper


def _sending(guard: LiveGuard) -> Callable[[_Function], _Function]:
    def wrapper(genuine: _Function) -> _Function:
        def send(self: object, *arguments: object) -> object:
            # The address comes last; without one the socket is connected, and that was looked at.
            _check_address(guard, self, arguments[-1] if arguments else None, "socket")
            return genuine(self, *arguments)

        return send

    return wrapper


def _resolving(guard: LiveGuard) -> Callable[[_Function], _Function]:
    def wrapper(genuine: _Function) -> _Function:
        def resolve(host: object, *arguments: object, **named: object) -> object:
            name = _text(host)
            port = arguments[0] if arguments else named.get("port")
            guard.check_name(name, port if isinstance(port, int | str) else None, "name lookup")
            found = genuine(host, *arguments, **named)
            guard.learn(name, _addresses(found))
            return found

        return resolve

    return wrapper


def _addresses(found: object) -> list[str]:
    """Of what the lookups of `socket` give: a string, a list with addresses, or a tuple with a list of them."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, tuple):
        return [one for one in found[2] if isinstance(one, str)]
    return [str(one[4][0]) for one in found] if isinstance(found, list) else []


def _pooling(family: str, guard: LiveGuard) -> Callable[[_Function], _Function]:
    def wrapper(genuine: _Function) -> _Function:
        def handle(self: object, request: object) -> object:
            # A pool on a Unix socket stays here, whatever its URLs say. httpcore gives no public sight of it.
            if getattr(self, "_uds", None) is None:
                url: _Url = request.url  # type: ignore[attr-defined]
                guard.check(_text(url.host), url.port or {b"https": 443, b"http": 80}.get(url.scheme), family)
            return genuine(self, request)

        return handle

    return wrapper


def _text(host: object) -> str:
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("latin-1")
    return host if isinstance(host, str) else ""
