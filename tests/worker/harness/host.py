"""The Python half of the harness: finds the entrypoint classes and calls them as the Python runtime of workerd does."""

import importlib
import inspect
import random
from types import FunctionType
from typing import Any

_HANDLERS = {"fetch": "http", "queue": "event", "scheduled": "event", "alarm": "plain"}
_classes: dict[str, type] = {}
_held: dict[str, Any] = {}


def _refused(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError("random numbers cannot be drawn in the global scope: there is no entropy before a request")


def _hold_random() -> None:
    drawing = {
        name: value for name, value in vars(random).items() if inspect.ismethod(value) or inspect.isbuiltin(value)
    }
    _held.update((name, value) for name, value in drawing.items() if not name.startswith("_"))
    for name in _held:
        setattr(random, name, _refused)


def before_first_request() -> None:
    for name, value in _held.items():
        setattr(random, name, value)
    random.seed()


def load(main: str) -> list[dict[str, Any]]:
    """Import the Worker's main module; what its entrypoint classes are called and can be asked."""
    _hold_random()
    module = importlib.import_module(main)
    from workers import DurableObject, WorkerEntrypoint

    bases = {WorkerEntrypoint: "entrypoint", DurableObject: "object"}
    rows = []
    for name, cls in vars(module).items():
        base = next((kind for one, kind in bases.items() if inspect.isclass(cls) and issubclass(cls, one)), None)
        if base and cls not in bases:
            _classes[name] = cls
            rows.append({"name": name, "base": base, "methods": _methods(cls)})
    return rows


def _methods(cls: type) -> dict[str, str]:
    names = [n for n in dir(cls) if not n.startswith("_") and isinstance(getattr(cls, n), FunctionType)]
    return {name: _HANDLERS.get(name, "rpc") for name in names}


def build(name: str, ctx: Any, env: Any) -> Any:
    return _classes[name](ctx, env)


def invoke(instance: Any, method: str, kind: str, *args: Any) -> Any:
    return _CALLS[kind](getattr(instance, method), args)


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def _http(method: Any, args: tuple[Any, ...]) -> Any:
    from workers import Request

    # The runtime passes what the signature takes and drops the rest (request, env, ctx).
    wanted = len(inspect.signature(method).parameters)
    response = await _settled(method(*(Request(args[0]), *args[1:])[:wanted]))
    return getattr(response, "js_object", response)


async def _plain(method: Any, args: tuple[Any, ...]) -> Any:
    return await _settled(method(*args))


async def _rpc(method: Any, args: tuple[Any, ...]) -> Any:
    from workers import python_from_rpc, python_to_rpc

    return python_to_rpc(await _settled(method(*[python_from_rpc(arg) for arg in args])))


_CALLS = {"http": _http, "event": _plain, "plain": _plain, "rpc": _rpc}
