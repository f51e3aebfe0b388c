"""Everything that can go wrong, sorted by whose decision it was.

    AigError
    ├─ ConfigurationError   you built it wrong; raised where the value is made
    ├─ Refused              we declined to send
    │  └─ Unkeyable         the body has no one canonical form, so it has no key
    ├─ GatewayError         Cloudflare answered no
    ├─ ProviderError        the model's host answered no, through the gateway
    └─ Unreachable          nobody answered

An error says what was wrong, where, and what to do. It never carries a secret, a prompt or an answer in its text;
``body`` on the two answered errors holds the raw bytes for code that wants them, and stays out of ``repr``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._receipt import Receipt

NoAnswerKind = Literal["connect", "timeout", "deadline", "protocol"]


def pointer_token(token: object) -> str:
    """One reference token of a JSON pointer (RFC 6901), with its slash."""
    return "/" + str(token).replace("~", "~0").replace("/", "~1")


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody may have meant, for the remedy of an error."""
    from difflib import get_close_matches  # noqa: PLC0415  (only where something is wrong: it is slow to load)

    found = get_close_matches(name, list(known), 1, 0.5)
    return found[0] if found else None


class AigError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        where: the field, header or JSON pointer concerned, with its source where there is one.
        remedy: what to do about it.
        receipt: what had happened until then, when a request was under way.
    """

    def __init__(
        self, problem: str, *, where: str | None = None, remedy: str | None = None, receipt: Receipt | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.remedy = remedy
        self.receipt = receipt

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}. {self.remedy}" if self.remedy else text


class ConfigurationError(AigError):
    """A value that can never work, named by ``field``."""

    def __init__(self, field: str, problem: str, *, remedy: str | None = None, source: str | None = None) -> None:
        super().__init__(problem, where=f"{field} ({source})" if source else field, remedy=remedy)
        self.field = field
        self.source = source


class Refused(AigError):
    """We declined to send. The only error of ours that a transport raises into an SDK."""


class Unkeyable(Refused):
    """The body cannot be given a cache key; ``pointer`` is the JSON pointer (RFC 6901) of the first reason."""

    def __init__(self, problem: str, *, pointer: str = "", remedy: str | None = None) -> None:
        super().__init__(problem, where=f"body{pointer}", remedy=remedy)
        self.pointer = pointer

    def below(self, token: object) -> Unkeyable:
        """The same refusal seen from one level up, where ``token`` names the member or index."""
        return Unkeyable(self.problem, pointer=pointer_token(token) + self.pointer, remedy=self.remedy)


class GatewayError(AigError):
    """Cloudflare answered no. Codes and their meaning: contract section 4.2.

    Attributes:
        code: Cloudflare's integer code, or None where the shape carries none (policies).
        status: the HTTP status.
        meaning: a stable word for the row of the table, for example ``"spend_limit_reached"``.
        retryable: whether the same request may succeed later without a change.
        retry_after: seconds, when the answer said so; the gateway's own 429 does not (field report).
        detail: the gateway's own sentence. It may name configured aliases or rules, so it stays out of ``str()``.
    """

    def __init__(
        self,
        *,
        status: int,
        code: int | None,
        meaning: str,
        retryable: bool,
        retry_after: float | None = None,
        detail: str = "",
        body: bytes = b"",
        receipt: Receipt | None = None,
    ) -> None:
        label = f"AI Gateway answered {status}" + (f" (code {code})" if code is not None else "")
        super().__init__(f"{label}: {meaning.replace('_', ' ')}", receipt=receipt)
        self.status = status
        self.code = code
        self.meaning = meaning
        self.retryable = retryable
        self.retry_after = retry_after
        self.detail = detail
        self.body = body


class ProviderError(AigError):
    """The model's host answered no, through the gateway; its own body is passed on unchanged in ``body``."""

    def __init__(
        self,
        *,
        status: int,
        retryable: bool,
        provider: str | None = None,
        retry_after: float | None = None,
        kind: str | None = None,
        body: bytes = b"",
        receipt: Receipt | None = None,
    ) -> None:
        label = f"{provider or 'the provider'} answered {status}" + (f": {kind}" if kind else "")
        super().__init__(label, receipt=receipt)
        self.status = status
        self.retryable = retryable
        self.provider = provider
        self.retry_after = retry_after
        self.kind = kind
        self.body = body


class Unreachable(AigError):
    """Nobody answered; ``kind`` says how: ``connect``, ``timeout``, ``deadline`` or ``protocol``."""

    def __init__(self, problem: str, *, kind: NoAnswerKind, receipt: Receipt | None = None) -> None:
        super().__init__(problem, receipt=receipt)
        self.kind = kind
