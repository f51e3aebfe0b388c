"""The gateway's own errors, in shape E1 of the contract (section 4.1), with the codes of section 4.2."""

from __future__ import annotations

from dataclasses import dataclass

from ._json import write
from ._messages import Headers


@dataclass(frozen=True, slots=True)
class Fault:
    """One documented refusal of the gateway: HTTP status, code, message."""

    status: int
    code: int
    message: str


NO_SUCH_GATEWAY = Fault(400, 2001, "Gateway does not exist")
NO_PROVIDER_ANSWER = Fault(400, 2005, "Failed to get response from provider")
INVALID_PROVIDER = Fault(400, 2008, "Invalid provider")
UNAUTHORIZED = Fault(401, 2009, "Unauthorized")

JSON_TYPE: Headers = (("content-type", "application/json"),)


def compat_cannot(what: str) -> Fault:
    """`/compat` cannot do this request: a bad model form, or an endpoint that it lacks."""
    return Fault(400, 2019, f"Compatibility endpoint: {what} is not supported")


def e1_body(fault: Fault) -> bytes:
    """The body of shape E1: note `error`, singular, holding a list."""
    return write(
        {
            "success": False,
            "result": [],
            "messages": [],
            "error": [{"code": fault.code, "message": fault.message}],
            "name": "AiGatewayError",
            "httpCode": fault.status,
            "internalCode": fault.code,
            "description": fault.message,
        }
    )
