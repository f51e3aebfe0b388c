# What we use of JavaScript's own objects, for the type checkers.
from typing import Any

class AbortSignal:
    @staticmethod
    def timeout(milliseconds: int) -> Any: ...

class Array:
    @staticmethod
    def from_(iterable: Any) -> Any: ...

class JSON:
    @staticmethod
    def parse(text: str) -> Any: ...
    @staticmethod
    def stringify(value: Any) -> str: ...

class Object:
    @staticmethod
    def new() -> Any: ...

class Response:
    @staticmethod
    def new(body: Any, options: Any) -> Any: ...

class WritableStream:
    @staticmethod
    def new(sink: Any) -> Any: ...

async def fetch(url: str, options: Any) -> Any: ...
