"""`aig call`: send one request, and print the answer, what the gateway said, and the receipt."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import click

from ...core import PROVIDERS, USUAL_PROVIDER, AigError, EndpointKind, Receipt, Refused, Tenant, endpoint_path
from ...http import GatewayClient
from ...schema import ENVIRONMENT
from ._clients import client_options, intent_of, open_client, tenant_of
from ._command import OutcomeCommand, wants_json
from ._dialects import DIALECTS, text_of
from ._documents import Document, read_bytes, read_document
from ._exchanges import (
    MetadataFacts,
    ReceiptFacts,
    cost_in_words,
    metadata_facts,
    milliseconds,
    receipt_facts,
    saved_in_words,
    tokens_in_words,
)
from ._guard import GOOD, SAID_NO, InputError
from ._outcome import Block, Cell, Line, Outcome, facts, line
from ._policies import load
from ._printable import printable
from ._said_no import SaidNo, said_no
from ._targets import ALIAS, needed_headers, of_the_caller, target_of

EXAMPLE: Final = """\b
Example:
  aig call "Say hello" --model openai/gpt-4.1-mini
  aig call "Say hello" --model claude-sonnet-4-5 --provider anthropic --stream
  aig call "Say hello" --route-class summary
  aig call --file body.json --cache 300 --tenant acme

The token is CF_AIG_TOKEN, never an argument.
Exit codes: 0 answered, 1 the gateway or the provider said no or nobody answered, 2 wrong usage or input.
"""

_CHATTY: tuple[EndpointKind, ...] = ("chat", "messages", "generate_content")
_STREAMED: Final[frozenset[EndpointKind]] = frozenset({"chat", "messages", "responses"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to send."""

    provider: str
    path: str
    kind: EndpointKind
    body: dict[str, object] = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of it; ``answer`` is the text of the answer, where its shape is known."""

    SCHEMA: ClassVar[str] = "aig.call/1"

    ok: bool
    answer: str | None
    streamed: bool
    error: SaidNo | None
    metadata: MetadataFacts | None
    receipt: ReceiptFacts | None


@click.command("call", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Send one request.")
@click.argument("prompt", metavar="[PROMPT]", required=False)
@click.option("--model", metavar="NAME", help="The model, as the provider spells it; or provider/model.")
@click.option("--provider", metavar="SLUG", help="The provider, as it stands in the gateway's URL.")
@click.option("--endpoint", metavar="PATH|KIND", help="With --file: /chat/completions, say; or chat, responses, ...")
@click.option("--file", "file", metavar="FILE", help="Send this JSON body instead of a prompt; - is standard input.")
@click.option("--stream", is_flag=True, help="Print the answer as it comes.")
@client_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> Outcome[CallResult]:  # noqa: ANN401  (click's keywords)
    """Send PROMPT, or the body in a file, through the gateway. PROMPT may be -, for the standard input."""
    asked, document = _asked(options)
    stream: bool = options["stream"] or asked.body.get("stream") is True
    if stream:
        _check_stream(asked, document)
    intent = None if options["cache"] is None else intent_of(options["cache"])
    tenant: Tenant | None = tenant_of(options["tenant"], shared=options["shared"])
    tenant = tenant or (document.tenant if document else None)
    if intent is not None and tenant is None:
        raise InputError("A cached answer belongs to a tenant: give --tenant NAME, or --shared for all callers.")
    with open_client(
        base_url=options["base_url"],
        http=options["http"],
        route_class=options["route_class"],
        policy=options["policy"],
        deadline=options["deadline"],
    ) as client:
        sender = _Sender(client, asked, {"cache": intent, "tenant": tenant})
        result = sender.send(stream=stream, say=None if wants_json(ctx) else _say)
    return Outcome(result, _render, GOOD if result.ok else SAID_NO)


def _say(piece: str) -> None:
    click.echo(printable(piece), nl=False)


def _asked(options: dict[str, Any]) -> tuple[Asked, Document | None]:
    prompt: str | None = options["prompt"]
    if (prompt is None) == (options["file"] is None):
        raise InputError("There must be either a PROMPT or --file FILE: give one of them.")
    if options["file"] is not None:
        if options["model"] is not None:
            raise InputError("--model goes with a PROMPT; the body in --file names its own: leave --model out.")
        document = read_document(options["file"])
        return _from_file(document, options), document
    assert prompt is not None
    if options["endpoint"] is not None:
        raise InputError("--endpoint goes with --file: leave it out.")
    if prompt == "-":
        prompt = read_bytes("-", "standard input").decode("utf-8").strip()
    if not prompt:
        raise InputError("The prompt is empty: write one.")
    route_class: str | None = options["route_class"]
    if not options["model"] and route_class is not None:
        provider = options["provider"] or _first_provider(options["policy"])
        return _from_prompt(prompt, f"{ALIAS}{route_class}", provider), None
    return _from_prompt(prompt, options["model"], options["provider"]), None


def _first_provider(policy: str | None) -> str:
    """The provider that a class's request is made for: the first of the policy's that chats; the class may move it."""
    chatty = [slug for slug in load(policy).policy.providers if _chats(slug)]
    return next(iter(chatty), USUAL_PROVIDER.get("chat", "openai"))


def _chats(provider: str) -> bool:
    row = PROVIDERS.get(provider)
    return row is not None and any(kind in row.paths for kind in _CHATTY)


def _from_prompt(prompt: str, model: str | None, provider: str | None) -> Asked:
    if not model:
        raise InputError(
            "No model is named: give --model, for example openai/gpt-4.1-mini, or --route-class: the class chooses."
        )
    if provider is None:
        slug, slash, rest = model.partition("/")
        if not slash or slug not in PROVIDERS:
            raise InputError("The model does not say whose it is: write it as provider/model, or give --provider.")
        provider, model = slug, rest
    row = PROVIDERS.get("openai" if provider == "compat" else provider)
    kinds: list[EndpointKind] = [kind for kind in _CHATTY if row is not None and kind in row.paths]
    if not kinds:
        raise InputError(f"aig knows no way to chat with {provider}: give --file with a body, and --endpoint.")
    kind = kinds[0]
    path = endpoint_path(provider, kind, model=model)
    return Asked(provider, path, kind, DIALECTS[kind].body(model, prompt), needed_headers(kind, {}))


def _from_file(document: Document, options: dict[str, Any]) -> Asked:
    if document.url is not None:
        raise InputError(
            f"{document.name} names a URL, and aig call sends to the gateway that is configured: remove it."
        )
    target = target_of(
        document, provider=options["provider"], endpoint=options["endpoint"], route_class=options["route_class"]
    )
    if not isinstance(document.body, dict) or target.provider is None:
        raise InputError(f"{document.name} holds a list: aig call sends one request.")
    headers = needed_headers(target.kind, of_the_caller(document.headers))
    return Asked(target.provider, target.endpoint, target.kind, document.body, headers)


def _check_stream(asked: Asked, document: Document | None) -> None:
    """The client streams three kinds of endpoint at their usual paths, with its own headers."""
    if asked.kind not in _STREAMED or asked.path != endpoint_path(asked.provider, asked.kind):
        raise InputError(f"aig does not stream from {asked.provider} {asked.path}: leave --stream out.")
    if document is not None and document.headers:
        raise InputError(f"With --stream the headers of {document.name} would not be sent: remove them.")


class _Sender:
    """Sends one request and tells what came of it."""

    def __init__(self, client: GatewayClient, asked: Asked, options: dict[str, Any]) -> None:
        self._client = client
        self._asked = asked
        self._options = options

    def send(self, *, stream: bool, say: Callable[[str], None] | None) -> CallResult:
        try:
            if stream:
                return self._streamed(say)
            answer = self._client.post(
                f"{self._asked.provider}{self._asked.path}",
                json=self._asked.body,
                headers=self._asked.headers,
                **self._options,
            )
        except Refused:
            raise
        except AigError as error:
            return self._failed(error, streamed=stream)
        try:
            text = text_of(self._asked.kind, answer.data)
        except ValueError:
            text = None
        return _result(text if text is not None else answer.text, answer.receipt, streamed=False)

    def _streamed(self, say: Callable[[str], None] | None) -> CallResult:
        kind = self._asked.kind
        assert kind in ("chat", "messages", "responses")
        pieces: list[str] = []
        opened = self._client.stream(kind, self._asked.body, provider=self._asked.provider, **self._options)
        with opened as events:
            for event in events:
                try:
                    piece = "".join(DIALECTS[kind].pieces(event.json()))
                except ValueError:
                    continue
                pieces.append(piece)
                if say is not None:
                    say(piece)
        receipt = opened.receipt
        assert receipt is not None
        return _result("".join(pieces), receipt, streamed=True)

    def _failed(self, error: AigError, *, streamed: bool) -> CallResult:
        receipt = error.receipt
        surface = receipt.plan.surface if receipt is not None else None
        where = surface.origin if surface is not None else "the gateway"
        secrets = tuple(os.environ.get(name, "") for name in ENVIRONMENT["token"])
        return CallResult(
            ok=False,
            answer=None,
            streamed=streamed,
            error=said_no(error, where=where, secrets=secrets),
            metadata=metadata_facts(receipt) if receipt else None,
            receipt=receipt_facts(receipt) if receipt else None,
        )


def _result(text: str, receipt: Receipt, *, streamed: bool) -> CallResult:
    broken = None
    if receipt.ended != "complete":
        sentence = f"The answer did not come to its end ({receipt.ended}). A retry may help."
        broken = SaidNo("provider", sentence, receipt.status, None, receipt.ended, None, True, None, None)
    return CallResult(
        ok=broken is None,
        answer=text,
        streamed=streamed,
        error=broken,
        metadata=metadata_facts(receipt),
        receipt=receipt_facts(receipt),
    )


def _render(result: CallResult) -> Iterable[Block]:
    if result.error is not None:
        yield line(f"aig: {result.error.sentence}", error=True)
    if result.streamed:
        yield line()  # the end of the last line of an answer that stands there already
    elif result.error is None:
        yield Line((Cell(result.answer or ""),), raw=True)
    if result.receipt is None or result.metadata is None:
        return
    receipt, metadata = result.receipt, result.metadata
    if result.error is None:
        yield line()
    yield facts(
        [
            ("status", receipt.status),
            ("cache", metadata.cache_status),
            ("intent", f"{receipt.intent}{f', {receipt.ttl} s' if receipt.ttl else ''}"),
            ("why", "; ".join(receipt.reasons) or None),
            ("key", receipt.key),
            ("sent to", " ".join(part for part in (receipt.surface, receipt.provider, receipt.endpoint) if part)),
            ("model", receipt.model_served),
            ("route class", receipt.route_class),
            ("tokens", tokens_in_words(receipt)),
            ("cost", cost_in_words(receipt.cost)),
            ("saved", saved_in_words(receipt.cost, hit=metadata.cache_status == "HIT")),
            ("latency", milliseconds(receipt.latency)),
            ("first byte", milliseconds(receipt.time_to_first_byte)),
            ("ended", receipt.ended),
            ("step", metadata.step),
            ("DLP", metadata.dlp_action),
            ("log id", metadata.log_id),
            ("event id", metadata.event_id),
        ]
    )
