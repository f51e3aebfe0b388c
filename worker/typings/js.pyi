# What we use of JavaScript's own objects, for the type checkers.
from typing import Any

class AbortSignal:
    @staticmethod
    def timeout(milliseconds: int) -> Any: ...
