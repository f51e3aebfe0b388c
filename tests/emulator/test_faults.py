"""Faults on demand: how they are asked for, where they happen, and what they do to each provider's answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

import anthropic
import httpx2
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._fault_syntax import Item, Token, parse_list
from aig_client.apps.emulator._faults import FaultSyntaxError, parse_faults
from aig_client.apps.emulator._messages import (
    Break,
    GatewayRequest,
    Hangup,
    Part,
    Pause,
    ProviderAnswer,
    ProviderRequest,
    Reply,
)
from aig_client.apps.emulator._tamper import StreamTamper, edge_outcome, provider_instead, tamper
from aig_client.apps.emulator.providers import FakeProviders
from aig_client.core import ProviderError, error_from_response

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
REQUEST = GatewayRequest("POST", "/v1/x", headers={"host": "gateway.example"})


def ask(
    provider: str,
    path: str,
    payload: dict[str, Any],
    header: tuple[str, str],
    *,
    query: str = "",
    dialect: Literal["native", "chat"] = "native",
) -> ProviderRequest:
    return ProviderRequest(
        provider=provider,
        method="POST",
        path=path,
        query=query,
        headers=(header, ("anthropic-version", "2023-06-01")),
        body=json.dumps(payload).encode(),
        payload=payload,
        model=payload.get("model", "gemini-3-flash"),
        dialect=dialect,
    )


KEY = ("authorization", "Bearer sk-test")
CHAT = {"model": "gpt-5", "stream_options": {"include_usage": True}, **HELLO}
CLAUDE = {"model": "claude-sonnet-5-5", "max_tokens": 50, **HELLO}
INPUT = {"model": "gpt-5", "input": "Hello"}
MODELS = "/v1beta/models/gemini-3-flash"
GOOGLE_KEY = ("x-goog-api-key", "sk-test")

WHOLE = {
    "openai": ask("openai", "/chat/completions", CHAT, KEY),
    "responses": ask("openai", "/responses", INPUT, KEY),
    "anthropic": ask("anthropic", "/v1/messages", CLAUDE, ("x-api-key", "sk-test")),
    "google": ask("google-ai-studio", f"{MODELS}:generateContent", GEMINI, GOOGLE_KEY),
}
STREAMED = {
    "openai": ask("openai", "/chat/completions", {**CHAT, "stream": True}, KEY),
    "responses": ask("openai", "/responses", {**INPUT, "stream": True}, KEY),
    "anthropic": ask("anthropic", "/v1/messages", {**CLAUDE, "stream": True}, ("x-api-key", "sk-test")),
    "google": ask("google-ai-studio", f"{MODELS}:streamGenerateContent", GEMINI, GOOGLE_KEY, query="alt=sse"),
}
BOTH = [*WHOLE.items(), *((f"{name} stream", request) for name, request in STREAMED.items())]

every_provider = pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE.keys())
every_stream = pytest.mark.parametrize("request_", STREAMED.values(), ids=STREAMED.keys())
every_answer = pytest.mark.parametrize("request_", [row[1] for row in BOTH], ids=[row[0] for row in BOTH])


def answered(faults: str, request: ProviderRequest, attempt: int = 0) -> ProviderAnswer:
    """As the gateway asks: something instead, or the fake provider's answer tampered with."""
    read = parse_faults(faults)
    seconds, instead = provider_instead(read, request, attempt)
    assert seconds == 0
    return instead or tamper(read, request, plain(request), attempt)


def plain(request: ProviderRequest) -> ProviderAnswer:
    answer = FakeProviders().answer(request, 0.0)
    assert answer.status == 200
    return answer


def data(parts: Iterable[Part]) -> bytes:
    return b"".join(part for part in parts if isinstance(part, bytes))


def events(parts: Iterable[Part]) -> list[bytes]:
    return [event + b"\n\n" for event in data(parts).split(b"\n\n")[:-1]]


def header(answer: ProviderAnswer | Reply, name: str) -> str | None:
    return next((value for key, value in answer.headers if key == name), None)


def document(answer: ProviderAnswer) -> Any:
    return json.loads(data(answer.parts))


# --- how a fault is asked for ---------------------------------------------------------------------------------------


def test_the_header_of_the_documentation_reads_as_written() -> None:
    slow, failing = parse_faults("latency;ms=50, status;code=503;retry-after=2;times=3")
    assert (slow.kind, slow.at, slow.ms, slow.times) == ("latency", "provider", 50.0, None)
    assert (failing.kind, failing.at, failing.code, failing.retry_after) == ("status", "provider", 503, 2)
    assert [failing.applies(attempt) for attempt in range(4)] == [True, True, True, False]


def test_no_header_is_no_fault() -> None:
    assert parse_faults("") == parse_faults("  ") == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("status;code=429", "provider"),
        ("status;code=500", "provider"),
        ("status;code=519", "provider"),
        ("status;code=520", "edge"),
        ("status;code=529", "edge"),
        ("status;code=530", "provider"),
        ("status;code=529;at=provider", "provider"),
        ("status;code=502;at=edge", "edge"),
        ("html", "edge"),
        ("html;at=provider", "provider"),
        ("reset", "edge"),
        ("reset;at=provider", "provider"),
        ("latency;ms=1", "provider"),
        ("latency;ms=1;at=edge", "edge"),
        ("cut", "provider"),
        ("stall", "provider"),
        ("malformed-sse", "provider"),
        ('content-type;value=""', "provider"),
        ("drift", "provider"),
    ],
)
def test_each_kind_has_its_natural_place(text: str, place: str) -> None:
    assert [fault.at for fault in parse_faults(text)] == [place]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("statsu;code=500", "there is no fault 'statsu'; did you mean status?"),
        ("quux", "there is no fault 'quux'; there are content-type, cut, drift, html, latency, malformed-sse, "),
        ("status", "status needs code, as in status;code=429;retry-after=2"),
        ("latency", "latency needs ms, as in latency;ms=500"),
        ("status;code=200", "code of status must be an integer from 400 to 599"),
        ("status;code=503.5", "code of status must be an integer from 400 to 599"),
        ('status;code="503"', "code of status must be an integer from 400 to 599"),
        ("status;code", "code of status must be an integer from 400 to 599"),
        ("html;code=199", "code of html must be an integer from 200 to 599"),
        ("status;code=503;retry_after=1", "status has no parameter 'retry_after'; did you mean retry-after?"),
        ("status;code=503;code=502", "status has the parameter code twice"),
        ("status;code=429;retry-after=soon", "retry-after of status must be a string in quotes"),
        ("status;code=429;retry-after=?1", "retry-after of status must be an integer from 0"),
        ("status;code=429;retry-after=-1", "retry-after of status must be an integer from 0"),
        ("latency;ms=-1", "ms of latency must be a number from 0 to 600000"),
        ("latency;ms=600001", "ms of latency must be a number from 0 to 600000"),
        ("stall;seconds=3601", "seconds of stall must be a number from 0 to 3600"),
        ("cut;after=-1", "after of cut must be an integer from 0"),
        ("cut;at=edge", "at of cut must be provider: it cannot happen at the edge"),
        ("drift;at=edge", "at of drift must be provider: it cannot happen at the edge"),
        ('content-type;value="text/html";at=edge', "at of content-type must be provider"),
        ("reset;at=moon", "at of reset must be provider or edge"),
        ("drift;how=sideways", "how of drift must be rename, drop or string"),
        ("malformed-sse;how=drop", "how of malformed-sse must be json, joined or utf8"),
        ("content-type;value=text/html", "value of content-type must be a string in quotes"),
        ("cut;times=0", "times of cut must be an integer from 1 to 1000"),
        ("reset;times=2", "reset at the edge happens once to a request: times needs at=provider, or a scenario's rule"),
        ("status;code=500, status;code=429", "status;code=429 never happens: one before it answers each time"),
        ("status;code=500;times=2, html;at=provider;times=2", "never happens"),
        ("html, cut", "cut never happens: the edge answers before a provider is asked"),
        ("cut, reset", "cut never happens: the edge answers before a provider is asked"),
        (",".join(["drift"] * 17), "17 faults are asked for; at most 16 can be"),
        ("status;code=503,", "a fault must follow the last comma"),
        (",cut", "the name of a fault must stand at character 1, where ',' is"),
        ("cut drift", "a comma must stand at character 5, where 'd' is"),
        ("cut;=1", "the name of a parameter must stand at character 5, where '=' is"),
        ("cut;After=1", "the name of a parameter must stand at character 5, where 'A' is"),
        ("cut;after=", "a value must stand at character 11, where the end is"),
        ("cut; ", "the name of a parameter must stand at character 5, where the end is"),
        ("cut;after=1.", "the number at character 11 has too many digits, or none after its point"),
        ("cut;after=1.2345", "the number at character 11 has too many digits"),
        ("cut;after=1234567890123456", "the number at character 11 has too many digits"),
        ('content-type;value="a', "the string at character 20 is not closed"),
        ('content-type;value="\u00e9"', "the string at character 20 is not closed, or holds more than ASCII text"),
        ("cut;after=:YQ==:", "a value must stand at character 11"),
        ("(cut)", "the name of a fault must stand at character 1"),
    ],
)
def test_a_wrong_fault_is_told_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FaultSyntaxError) as caught:
        parse_faults(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_a_rule_counts_attempts_at_the_edge() -> None:
    (fault,) = parse_faults("reset;times=2", per_rule=True)
    assert (fault.at, fault.times) == ("edge", 2)


LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
TCHAR = "!#$%&'*+-.^_`|~" + DIGITS + LOWER + LOWER.upper()
TOKENS = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from("*" + LOWER + LOWER.upper()),
    st.text(st.sampled_from(TCHAR + ":/"), max_size=8),
)
KEYS = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from("*" + LOWER),
    st.text(st.sampled_from(LOWER + DIGITS + "_-.*"), max_size=6),
)
ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
INTEGERS = st.integers(-(10**15) + 1, 10**15 - 1)
DECIMALS = st.tuples(st.integers(-(10**12) + 1, 10**12 - 1), st.text(st.sampled_from(DIGITS), min_size=1, max_size=3))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


VALUES: st.SearchStrategy[tuple[object, str]] = st.one_of(
    st.just((True, "")),
    st.booleans().map(lambda value: (value, f"=?{int(value)}")),
    INTEGERS.map(lambda value: (value, f"={value}")),
    DECIMALS.map(lambda pair: (float(f"{pair[0]}.{pair[1]}"), f"={pair[0]}.{pair[1]}")),
    ASCII.map(lambda value: (value, "=" + quoted(value))),
    TOKENS.map(lambda value: (Token(value), "=" + value)),
)
MEMBERS = st.tuples(TOKENS, st.dictionaries(KEYS, VALUES, max_size=4))
GAPS = st.sampled_from(["", " ", "\t", "  "])


@given(st.lists(st.tuples(MEMBERS, GAPS, GAPS), max_size=4), st.sampled_from(["", " ", "  "]))
def test_every_list_of_tokens_is_read_as_it_was_meant(members: list[Any], edge: str) -> None:
    texts = [
        before + name + "".join(f"; {key}{text}" for key, (_, text) in parameters.items()) + after
        for (name, parameters), before, after in members
    ]
    text = edge + ",".join(texts).strip(" \t") + edge
    read = parse_list(text)
    meant = [(name, {key: value for key, (value, _) in parameters.items()}) for (name, parameters), _, _ in members]
    assert [(item.name, item.parameters) for item in read] == meant
    kinds = [[type(value) for value in item.parameters.values()] for item in read]
    assert kinds == [[type(value) for value in parameters.values()] for _, parameters in meant]
    assert parse_list(", ".join(map(str, read))) == read


@given(st.text(st.sampled_from('abstu;=,"\\?01.-*: \t\u00e9'), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    refusal = ""
    try:
        read = parse_list(text)
    except FaultSyntaxError as error:
        refusal = str(error)
    else:
        assert parse_list(", ".join(map(str, read))) == read
    assert "\n" not in refusal
    assert len(refusal) < 200


VALID = st.sampled_from(
    [
        "status;code=429",
        'status;code=429;retry-after="Wed, 21 Oct 2026 07:28:00 GMT"',
        "status;code=503;times=2",
        "html;at=provider;times=3",
        "latency;ms=0.5",
        "stall;seconds=2.25;after=0",
        'content-type;value="text/html; charset=\\"utf-8\\""',
        "drift;how=drop",
        "malformed-sse;how=utf8;after=7",
        "cut;times=1",
    ]
)


@given(st.lists(VALID, max_size=5))
def test_a_fault_is_written_as_it_is_read(texts: list[str]) -> None:
    try:
        faults = parse_faults(" , ".join(texts))
    except FaultSyntaxError as error:
        refusal = str(error)
    else:
        assert parse_faults(", ".join(map(str, faults))) == faults
        refusal = "never happens"
    assert "never happens" in refusal


@pytest.mark.parametrize(
    ("text", "value"),
    [("999999999999.125", 999999999999.125), ("-999999999999999", -999999999999999), ("0.1", 0.1), ("007", 7)],
)
def test_numbers_have_as_many_digits_as_the_standard_lets_them(text: str, value: float) -> None:
    assert parse_list(f"a;b={text}") == (Item("a", {"b": value}),)


@pytest.mark.parametrize("text", ["1000000000000.1", "1000000000000000", "0.1234", "1.", "-", ".5"])
def test_numbers_have_no_more_digits(text: str) -> None:
    with pytest.raises(FaultSyntaxError, match="character 5"):
        parse_list(f"a;b={text}")


def test_an_item_writes_every_kind_of_value() -> None:
    item = Item("x", {"a": True, "b": False, "c": 1, "d": 1.5, "e": 'q"\\', "f": Token("t")})
    assert str(item) == 'x;a;b=?0;c=1;d=1.5;e="q\\"\\\\";f=t'


# --- at the edge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [500, 502, 503, *range(520, 530)])
def test_the_edge_answers_in_text_or_html(code: int) -> None:
    _, text = edge_outcome(parse_faults(f"status;code={code};at=edge"), REQUEST, 0)
    assert isinstance(text, Reply)
    assert (text.status, text.body) == (code, f"error code: {code}".encode())
    assert header(text, "content-type") == "text/plain; charset=UTF-8"
    _, page = edge_outcome(parse_faults(f"html;code={code}"), REQUEST, 0)
    assert isinstance(page, Reply)
    assert page.status == code
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert f"gateway.example | {code}: ".encode() in page.body
    assert header(page, "content-type") == "text/html; charset=UTF-8"
    for reply in (text, page):
        assert header(reply, "server") == "cloudflare"
        assert header(reply, "cf-ray")
        assert not [name for name, _ in reply.headers if name.startswith("cf-aig")]


def test_a_page_carries_no_markup_of_the_caller() -> None:
    host = GatewayRequest("POST", "/", headers={"host": "<script>"})
    _, page = edge_outcome(parse_faults("html"), host, 0)
    assert isinstance(page, Reply)
    assert b"<script>" not in page.body


def test_a_rate_limit_of_the_edge_may_say_when() -> None:
    _, with_it = edge_outcome(parse_faults("status;code=429;at=edge;retry-after=7"), REQUEST, 0)
    _, without = edge_outcome(parse_faults("status;code=429;at=edge"), REQUEST, 0)
    assert isinstance(with_it, Reply)
    assert isinstance(without, Reply)
    assert with_it.body == without.body == b"error code: 1015"
    assert header(with_it, "retry-after") == "7"
    assert header(without, "retry-after") is None


def test_a_reset_at_the_edge_is_no_answer() -> None:
    assert edge_outcome(parse_faults("reset"), REQUEST, 0) == (0, Hangup())


def test_latency_adds_up_where_it_happens() -> None:
    faults = parse_faults("latency;ms=200;at=edge, latency;ms=50;at=edge, latency;ms=500, status;code=503")
    assert edge_outcome(faults, REQUEST, 0) == (0.25, None)
    seconds, instead = provider_instead(faults, WHOLE["openai"], 0)
    assert seconds == 0.5
    assert instead is not None
    assert instead.delay == 0, "or it would be waited for twice"


def test_latency_alone_leaves_the_answer_alone() -> None:
    faults, answer = parse_faults("latency;ms=500;times=1"), plain(WHOLE["openai"])
    assert provider_instead(faults, WHOLE["openai"], 0) == (0.5, None)
    assert provider_instead(faults, WHOLE["openai"], 1) == (0, None)
    assert tamper(faults, WHOLE["openai"], answer, 0) is answer


def test_faults_of_one_place_are_none_of_the_other() -> None:
    assert provider_instead(parse_faults("reset"), WHOLE["openai"], 0) == (0, None)
    assert edge_outcome(parse_faults("reset;at=provider, cut"), REQUEST, 0) == (0, None)


# --- in the place of a provider's answer ----------------------------------------------------------------------------


@every_answer
@pytest.mark.parametrize("code", [429, 500, 502, 503, 529])
def test_a_provider_fails_in_its_own_dialect(request_: ProviderRequest, code: int) -> None:
    answer = answered(f"status;code={code};at=provider", request_)
    assert answer.status == code
    assert header(answer, "content-type") == "application/json"
    assert header(answer, "retry-after") is None
    body = document(answer)
    if request_.provider == "anthropic":
        kinds = {429: "rate_limit_error", 529: "overloaded_error"}
        assert body["type"] == "error"
        assert body["error"]["type"] == kinds.get(code, "api_error")
        assert body["request_id"] == header(answer, "request-id")
    elif request_.provider == "google-ai-studio":
        names = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        assert body["error"]["code"] == code
        assert body["error"]["status"] == names.get(code, "INTERNAL")
        assert "details" not in body["error"]
    else:
        wanted = ("requests", "rate_limit_exceeded") if code == 429 else ("server_error", None)
        assert (body["error"]["type"], body["error"]["code"]) == wanted
        assert set(body["error"]) == {"message", "type", "param", "code"}
    assert "success" not in body, "or it would be taken for the gateway's"


@every_answer
@pytest.mark.parametrize("value", ["2", '"Wed, 21 Oct 2026 07:28:00 GMT"', '"soon"'])
def test_retry_after_comes_as_it_is_asked_for(request_: ProviderRequest, value: str) -> None:
    answer = answered(f"status;code=429;retry-after={value}", request_)
    assert header(answer, "retry-after") == value.strip('"')


def test_google_tells_the_wait_in_its_body_too() -> None:
    (detail,) = document(answered("status;code=429;retry-after=2", WHOLE["google"]))["error"]["details"]
    assert detail == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}


def test_workers_ai_fails_in_the_v4_envelope() -> None:
    request = ask("workers-ai", "/@cf/meta/llama", {"prompt": "Hello"}, KEY)
    body = document(answered("status;code=429", request))
    assert body["success"] is False
    assert body["errors"][0]["code"] == 3040
    assert body["result"] == {}
    assert "error" not in body


# The member that holds the sentence, and all others.
SHAPES: list[tuple[str, int, str, dict[str, Any]]] = [
    ("grok", 400, "error", {"code": "invalid-argument"}),
    ("grok", 401, "error", {"code": "unauthenticated:no-credentials"}),
    ("grok", 429, "error", {"code": "resource-exhausted"}),
    ("grok", 500, "error", {"code": "internal"}),
    ("grok", 503, "error", {"code": "unavailable"}),
    ("mistral", 401, "detail", {}),
    (
        "mistral",
        429,
        "message",
        {"object": "error", "type": "rate_limited", "param": None, "code": "1300", "raw_status_code": 429},
    ),
    (
        "cerebras",
        429,
        "message",
        {"type": "too_many_requests_error", "param": "quota", "code": "request_quota_exceeded"},
    ),
    ("cerebras", 503, "message", {"type": "server_error", "param": "", "code": ""}),
    ("cohere", 429, "message", {"id": "req_emulator_fault"}),
]


@pytest.mark.parametrize(("provider", "code", "sentence", "rest"), SHAPES)
def test_a_provider_fails_without_an_outer_error(provider: str, code: int, sentence: str, rest: dict[str, Any]) -> None:
    answer = answered(f"status;code={code};at=provider", ask(provider, "/v1/chat/completions", CHAT, KEY))
    body = document(answer)
    assert body.pop(sentence).endswith("(a fault asked for)")
    assert body == rest
    error = error_from_response(answer.status, answer.headers, data(answer.parts), provider=provider)
    assert isinstance(error, ProviderError), "it must not be taken for the gateway's"


def test_a_translated_answer_fails_in_the_dialect_of_openai() -> None:
    request = ask("anthropic", "/v1/chat/completions", CHAT, KEY, dialect="chat")
    assert document(answered("status;code=429", request))["error"]["code"] == "rate_limit_exceeded"


@every_answer
def test_a_provider_may_answer_with_a_page(request_: ProviderRequest) -> None:
    answer = answered("html;at=provider;code=503", request_)
    assert (answer.status, header(answer, "content-type")) == (503, "text/html; charset=UTF-8")
    assert b"<h1>503 Service Unavailable</h1>" in data(answer.parts)
    assert b"cloudflare" not in data(answer.parts)


@every_answer
def test_a_provider_may_hang_up(request_: ProviderRequest) -> None:
    assert answered("reset;at=provider", request_).parts == (Break(),)


def test_failures_come_one_after_another() -> None:
    script = "status;code=503;times=1, status;code=429;retry-after=1;times=3"
    statuses = [answered(script, WHOLE["openai"], attempt).status for attempt in range(5)]
    assert statuses == [503, 429, 429, 200, 200]


def test_a_failure_may_be_tampered_with() -> None:
    answer = answered('status;code=503, content-type;value="text/plain", cut;after=4', WHOLE["openai"])
    assert (answer.status, header(answer, "content-type")) == (503, "text/plain")
    assert answer.parts == (b'{"er', Break())


# --- to the bytes of an answer --------------------------------------------------------------------------------------


@every_stream
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_stream_is_cut_after_so_many_events(request_: ProviderRequest, after: int) -> None:
    answer = answered(f"cut;after={after}", request_)
    assert events(answer.parts) == events(plain(request_).parts)[:after]
    assert answer.parts[-1] == Break()
    assert not isinstance(answer.parts[0], Break), "a head has arrived"
    assert data(answer.parts) == b"".join(events(answer.parts))


@every_provider
@pytest.mark.parametrize("after", [0, 10])
def test_an_answer_is_cut_after_so_many_bytes(request_: ProviderRequest, after: int) -> None:
    answer = answered(f"cut;after={after}", request_)
    assert answer.parts == (data(plain(request_).parts)[:after], Break())


@every_stream
def test_a_stream_that_ends_before_is_not_cut(request_: ProviderRequest) -> None:
    assert answered("cut;after=999", request_).parts == plain(request_).parts


@every_stream
@pytest.mark.parametrize("after", [0, 2])
def test_a_stream_stalls_and_goes_on(request_: ProviderRequest, after: int) -> None:
    answer = answered(f"stall;after={after};seconds=1.5", request_)
    whole = events(plain(request_).parts)
    assert answer.parts == (*whole[:after], Pause(1.5), *whole[after:])


@every_provider
def test_an_answer_stalls_and_goes_on(request_: ProviderRequest) -> None:
    whole = data(plain(request_).parts)
    assert answered("stall;after=5", request_).parts == (whole[:5], Pause(30.0), whole[5:])


def test_a_stream_may_stall_and_then_be_cut() -> None:
    answer = answered("cut;after=2, stall;after=2;seconds=1, stall;after=1;seconds=2", STREAMED["openai"])
    first, second, *_ = events(plain(STREAMED["openai"]).parts)
    assert answer.parts == (first, Pause(2.0), second, Pause(1.0), Break())


@every_stream
@pytest.mark.parametrize("how", ["json", "joined", "utf8"])
def test_one_event_of_a_stream_is_malformed(request_: ProviderRequest, how: str) -> None:
    whole = events(plain(request_).parts)
    parts = data(answered(f"malformed-sse;after=2;how={how}", request_).parts)
    before, after = b"".join(whole[:2]), b"".join(whole[3:])
    assert parts.startswith(before)
    assert parts.endswith(after)
    event = parts[len(before) : -len(after)]
    assert event != whole[2]
    if how == "joined":
        assert event == whole[2][:-1], "no blank line ends it"
        return
    assert event.endswith(b"\n\n"), "the frame is good, what is in it is not"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|decode|delimiter"):
        json.loads(event.partition(b"data: ")[2].decode().strip())


@every_provider
def test_what_is_no_stream_cannot_be_malformed_as_one(request_: ProviderRequest) -> None:
    assert answered("malformed-sse;after=0", request_).parts == plain(request_).parts


def test_an_event_without_data_is_passed_over() -> None:
    stream = StreamTamper(parse_faults("malformed-sse;after=0"), WHOLE["openai"], 0)
    stream.head(200, (("content-type", "text/event-stream"),))
    assert data(stream.feed(b": ping\n\ndata: abcd\n\ndata: x\n\n")) == b": ping\n\ndata: ab\n\ndata: x\n\n"


@every_answer
def test_the_content_type_is_what_is_asked_for(request_: ProviderRequest) -> None:
    answer = answered('content-type;value="text/html"', request_)
    assert [value for name, value in answer.headers if name == "content-type"] == ["text/html"]
    assert answer.parts == plain(request_).parts
    assert header(answered('content-type;value=""', request_), "content-type") is None


def usages(request: ProviderRequest, answer: ProviderAnswer) -> list[dict[str, Any]]:
    """Every usage that a client could find, wherever the provider puts it."""
    found: list[dict[str, Any]] = []
    texts = [data(answer.parts)]
    if request in STREAMED.values():
        texts = [event.partition(b"data: ")[2] for event in events(answer.parts) if b"[DONE]" not in event]
    for text in texts:
        whole = json.loads(text)
        for holder in (whole, whole.get("response", {}), whole.get("message", {})):
            found += [holder[name] for name in ("usage", "usageMetadata") if holder.get(name)]
    return found


def numbers(value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        flat = [(name, one) for name, one in value.items() if isinstance(one, int | float)]
        return flat + [pair for one in value.values() for pair in numbers(one)]
    return [pair for one in value for pair in numbers(one)] if isinstance(value, list) else []


@every_answer
def test_usage_drifts(request_: ProviderRequest) -> None:
    before = usages(request_, plain(request_))
    counts = [pair for usage in before for pair in numbers(usage)]
    assert counts, "the example has usage"
    renamed = usages(request_, answered("drift", request_))
    assert [pair for usage in renamed for pair in numbers(usage)] == [(f"{name}_v2", one) for name, one in counts]
    dropped = answered("drift;how=drop", request_)
    assert not [pair for usage in usages(request_, dropped) for pair in numbers(usage)]
    texts = usages(request_, answered("drift;how=string", request_))
    assert not [pair for usage in texts for pair in numbers(usage)]
    assert [list(usage) for usage in texts] == [list(usage) for usage in before]
    assert all(f'"{count}"' in json.dumps(texts) for _, count in counts)


@every_stream
def test_drift_touches_nothing_but_usage(request_: ProviderRequest) -> None:
    before, after = events(plain(request_).parts), events(answered("drift", request_).parts)
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        if b"[DONE]" in old:
            assert old == new
            continue
        name, _, text = old.partition(b"data: ")
        new_name, _, new_text = new.partition(b"data: ")
        assert name == new_name
        old_value, new_value = json.loads(text), json.loads(new_text)
        for value in (old_value, new_value):
            for holder in (value, value.get("response") or {}, value.get("message") or {}):
                holder.pop("usage", None)
                holder.pop("usageMetadata", None)
        assert old_value == new_value


def test_only_counts_drift() -> None:
    usage = {"a": 1, "b": True, "c": None, "tier": "standard", "d": [{"e": 1.5}, 2]}
    answer = ProviderAnswer(200, (), (json.dumps({"usage": usage, "n": 1}).encode(),))
    changed = document(tamper(parse_faults("drift"), WHOLE["openai"], answer, 0))
    kept = {"b": True, "c": None, "tier": "standard"}
    assert changed == {"usage": {"a_v2": 1, **kept, "d": [{"e_v2": 1.5}, 2]}, "n": 1}


def test_drift_reaches_the_array_that_google_streams() -> None:
    request = ask("google-ai-studio", f"{MODELS}:streamGenerateContent", GEMINI, GOOGLE_KEY)
    before, after = document(plain(request)), document(answered("drift", request))
    assert len(before) == len(after) > 1
    assert all("promptTokenCount" in one["usageMetadata"] for one in before)
    assert all("promptTokenCount_v2" in one["usageMetadata"] for one in after)


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"[1]", b'{"usage": 5}', b'{"usage": {"a": NaN}}', b'{"usage": {"a": 1e999}}', b'"usage"'],
)
def test_an_answer_without_usage_is_left_alone(body: bytes) -> None:
    answer = ProviderAnswer(200, (("content-type", "application/json"),), (body,))
    assert data(tamper(parse_faults("drift"), WHOLE["openai"], answer, 0).parts) == body


def test_a_fault_that_is_over_changes_nothing() -> None:
    answer = plain(STREAMED["openai"])
    assert tamper(parse_faults("cut;times=1"), STREAMED["openai"], answer, 1) is answer


def test_a_length_that_is_wrong_now_is_not_told() -> None:
    lines = (("content-type", "application/json"), ("content-length", "10"), ("x-request-id", "a"))
    for text in ("cut", "stall", "drift"):
        _, headers = StreamTamper(parse_faults(text), WHOLE["openai"], 0).head(200, lines)
        assert dict(headers) == {"content-type": "application/json", "x-request-id": "a"}
    _, headers = StreamTamper(parse_faults('content-type;value="a/b"'), WHOLE["openai"], 0).head(200, lines)
    assert dict(headers) == {"content-type": "a/b", "content-length": "10", "x-request-id": "a"}


LINES = st.sampled_from([b"data: {}", b'data: {"usage":{"a":1}}', b"event: x", b": ping", b"", b"data:"])
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda rows: b"".join(line + end for line, end in rows))
SOME_FAULTS = st.sampled_from(
    ["cut;after=2", "stall;after=1", "drift", "malformed-sse;after=1", "malformed-sse;how=joined, cut;after=3, drift"]
)


def fed(faults: str, content_type: str, chunks: Iterable[bytes]) -> list[Part]:
    """What comes out, with neighbouring bytes put together."""
    stream = StreamTamper(parse_faults(faults), WHOLE["openai"], 0)
    stream.head(200, (("content-type", content_type),))
    out: list[Part] = []
    for part in [part for chunk in chunks for part in stream.feed(chunk)] + list(stream.finish()):
        if isinstance(part, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += part
        else:
            out.append(part)
    return out


@given(SOME_FAULTS, st.sampled_from(["text/event-stream", "application/json"]), STREAMS, st.data())
def test_the_cut_of_the_chunks_does_not_matter(
    faults: str, content_type: str, body: bytes, draw: st.DataObject
) -> None:
    every = st.just(list(range(len(body))))
    places = sorted(draw.draw(every | st.lists(st.integers(0, len(body)), max_size=5)))
    chunks = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    assert fed(faults, content_type, chunks) == fed(faults, content_type, [body])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_end_as_the_standard_lets_them(end: bytes) -> None:
    first, second = b"event: a" + end + b"data: 1" + end * 2, b"data: 2" + end * 2
    for chunks in ([first + second], [bytes((byte,)) for byte in first + second]):
        assert fed("cut;after=1", "text/event-stream", chunks) == [first, Break()]
        assert fed("stall;after=1", "text/event-stream", chunks) == [first, Pause(30.0), second]
        assert fed("cut;after=2", "text/event-stream", chunks) == [first + second, Break()]


def test_a_connection_breaks_with_the_event_and_not_with_the_next() -> None:
    stream = StreamTamper(parse_faults("cut;after=1"), WHOLE["openai"], 0)
    stream.head(200, (("content-type", "text/event-stream; charset=utf-8"),))
    assert stream.feed(b"data: 1\n\n") == (b"data: 1\n\n", Break())
    assert stream.feed(b"data: 2\n\n") == stream.finish() == ()


@given(STREAMS)
def test_what_no_fault_reaches_keeps_its_bytes(body: bytes) -> None:
    assert data(fed("cut;after=99", "text/event-stream", [body])) == body
    assert data(fed("stall;after=0", "text/event-stream", [body])) == body


# --- the providers' own SDKs ----------------------------------------------------------------------------------------


def transport(answer: ProviderAnswer) -> httpx2.MockTransport:
    body, headers = data(answer.parts), list(answer.headers)
    return httpx2.MockTransport(lambda _: httpx2.Response(answer.status, headers=headers, content=body))


def openai_on(answer: ProviderAnswer) -> openai.OpenAI:
    client = httpx2.Client(transport=transport(answer))
    return openai.OpenAI(api_key="sk-test", base_url="https://gateway.example/v1", max_retries=0, http_client=client)


def anthropic_on(answer: ProviderAnswer) -> anthropic.Anthropic:
    client = httpx2.Client(transport=transport(answer))
    return anthropic.Anthropic(api_key="sk-test", max_retries=0, http_client=client)


def test_openai_knows_its_errors() -> None:
    answer = answered("status;code=429;retry-after=2", WHOLE["openai"])
    with openai_on(answer) as client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hello"}])
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")
    assert caught.value.response.headers["retry-after"] == "2"


def test_anthropic_knows_its_errors() -> None:
    answer = answered("status;code=529;at=provider", WHOLE["anthropic"])
    with anthropic_on(answer) as client, pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="claude", max_tokens=5, messages=[{"role": "user", "content": "Hello"}])
    assert caught.value.status_code == 529
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "overloaded_error"


def test_google_knows_its_errors() -> None:
    answer = answered("status;code=503", WHOLE["google"])
    options = genai.types.HttpOptions(httpx_client=httpx2.Client(transport=transport(answer)))
    with genai.Client(api_key="sk-test", http_options=options) as client, pytest.raises(google_errors.ServerError) as e:
        client.models.generate_content(model="gemini-3-flash", contents="Hello")
    assert (e.value.code, e.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("how", ["json", "joined", "utf8"])
def test_openai_stumbles_over_a_malformed_stream(how: str) -> None:
    answer = answered(f"malformed-sse;after=1;how={how}", STREAMED["openai"])
    with openai_on(answer) as client:
        stream = client.chat.completions.create(
            model="gpt-5", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        with pytest.raises(ValueError, match=r"Expecting|Extra data|decode|Unterminated|Invalid"):
            list(stream)
