# What we use of Pyodide's foreign function interface, for the type checkers.
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")

def run_sync(work: Awaitable[_Result]) -> _Result: ...
def create_proxy(function: Callable[..., Any]) -> Any: ...
def to_js(value: bytes) -> Any: ...

class JsException(Exception): ...  # noqa: N818  (the name it has there)
