"""The v4 envelope (shape E2, contract 4.1), and the errors that this API gives in it."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import JSON_TYPE
from .._json import JsonObject, JsonValue, write
from .._messages import Reply

INVALID = 7001
"""Bad input. Seen live for a bad filter key and a `per_page` above 50 (contract 4.2); here for all bad input."""
NOT_FOUND = 7002
"""Seen live for a log (contract 4.2); here for every object that a path names."""
NO_ROUTE = 7003
NO_METHOD = 10405
BAD_TOKEN = 10000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where it stands: `("body", "cache_ttl")`."""

    message: str
    path: tuple[str, ...] = ()


class ApiError(Exception):
    """The API refuses. Nothing was changed. A message names fields and numbers, never a credential."""

    def __init__(self, status: int, code: int, *problems: Problem, allow: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.code = code
        self.problems = problems
        self.allow = allow

    def reply(self) -> Reply:
        errors: list[JsonValue] = [_error(self.code, problem) for problem in self.problems]
        body = write({"success": False, "errors": errors, "messages": [], "result": None})
        allow = (("allow", ", ".join(self.allow)),) if self.allow else ()
        return Reply(self.status, JSON_TYPE + allow, body)


def _error(code: int, problem: Problem) -> JsonObject:
    error: JsonObject = {"code": code, "message": problem.message}
    return {**error, "path": list(problem.path)} if problem.path else error


def invalid(message: str, *path: str) -> ApiError:
    return ApiError(400, INVALID, Problem(message, path))


def absent(what: str) -> ApiError:
    return ApiError(404, NOT_FOUND, Problem(f"{what} not found"))


def granted(result: JsonValue, result_info: JsonObject | None = None) -> Reply:
    """Success. `result_info` tells which page of a list this is."""
    envelope: JsonObject = {"success": True, "errors": [], "messages": [], "result": result}
    if result_info is not None:
        envelope["result_info"] = result_info
    return Reply(200, JSON_TYPE, write(envelope))


def granted_beside(members: JsonObject) -> Reply:
    """Success of the few endpoints that answer beside `result` (contract 6.1, the SDK's dynamic routing)."""
    return Reply(200, JSON_TYPE, write({"success": True, "errors": [], "messages": [], **members}))
