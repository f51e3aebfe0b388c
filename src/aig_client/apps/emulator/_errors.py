"""The gateway's own errors, with the codes of contract 4.2, in the shapes E1 and E2 of section 4.1."""

from __future__ import annotations

from dataclasses import dataclass

from ._json import write
from ._messages import Headers, Reply


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal: HTTP status, code, message. api: shape E2, as on api.cloudflare.com. body: a shape of its own.

    Code 0: surely there is one, but it is written nowhere. It is then left out, so that no invented code looks real.
    """

    status: int
    code: int
    message: str
    api: bool = False
    body: bytes | None = None


NO_SUCH_GATEWAY = Fault(400, 2001, "Gateway does not exist")
NO_PROVIDER_ANSWER = Fault(400, 2005, "Failed to get response from provider")
INVALID_PROVIDER = Fault(400, 2008, "Invalid provider")
UNAUTHORIZED = Fault(401, 2009, "Unauthorized")
NO_SUCH_ROUTE = Fault(404, 7003, "Dynamic route not found", api=True)

JSON_TYPE: Headers = (("content-type", "application/json"),)


def compat_cannot(what: str) -> Fault:
    """`/compat` cannot do this request: a bad model form, or an endpoint that it lacks."""
    return Fault(400, 2019, f"Compatibility endpoint: {what} is not supported")


def bad_universal(wanted: str) -> Fault:
    """Undocumented, so the nearest documented code: a provider that cannot be told."""
    return Fault(400, INVALID_PROVIDER.code, f"Invalid provider: the Universal endpoint takes {wanted}")


def no_such_model(name: str) -> Fault:
    return Fault(404, 7003, f"Model not found: {name[:100]}", api=True)


def no_such_path(path: str) -> Fault:
    return Fault(404, 7003, f"No route for {path[:100]}", api=True)


def reply_of(fault: Fault, headers: Headers = ()) -> Reply:
    """The whole answer of a fault."""
    body = fault.body or (e2_body(fault) if fault.api else e1_body(fault))
    return Reply(fault.status, JSON_TYPE + headers, body)


def e1_body(fault: Fault) -> bytes:
    """The body of shape E1: note `error`, singular, holding a list."""
    return write(
        {
            "success": False,
            "result": [],
            "messages": [],
            "error": [_described(fault)],
            "name": "AiGatewayError",
            "httpCode": fault.status,
            **({"internalCode": fault.code} if fault.code else {}),
            "description": fault.message,
        }
    )


def e2_body(fault: Fault) -> bytes:
    """The v4 envelope."""
    return write(
        {
            "success": False,
            "errors": [_described(fault)],
            "messages": [],
            "result": None,
        }
    )


def _described(fault: Fault) -> dict[str, object]:
    return {**({"code": fault.code} if fault.code else {}), "message": fault.message}
