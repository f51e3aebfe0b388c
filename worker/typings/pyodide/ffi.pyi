# What we use of Pyodide's foreign function interface, for the type checkers.
from collections.abc import Awaitable
from typing import TypeVar

_Result = TypeVar("_Result")

def run_sync(work: Awaitable[_Result]) -> _Result: ...

class JsException(Exception): ...  # noqa: N818  (the name it has there)
