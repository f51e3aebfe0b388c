"""The key recipe again, slow and plain, and the vectors that hold every runtime to it.

    python tools/reference_keys.py            add the cases that are not in the file yet
    python tools/reference_keys.py --check    fail if a case is missing, or says something else than this file

Written from docs/adr/0003-key-recipe.md alone: it imports nothing of aig_client, so that an error in one of the two
shows. A case that is in the file is never edited; a recipe that would change one is a new recipe.
"""

from __future__ import annotations

import hmac
import json
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785

Json = Any
VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "v1" / "keys.json"

# --- The recipe --------------------------------------------------------------------------------------

LONG = 1024
ORDERED = {
    *("response_format", "json_schema", "schema", "parameters", "input_schema", "output_schema", "responseFormat"),
    *("responseSchema", "responseJsonSchema", "response_schema", "response_json_schema", "parametersJsonSchema"),
    *("parameters_json_schema", "inputSchema", "outputSchema", "jsonSchema", "guided_json", "structured_outputs"),
    *("grammar", "parameter_definitions", "properties", "patternProperties"),
}
# Per endpoint kind: the names left out, and for those that may be objects the members these may have (* is any).
_OPENAI = {"prompt_cache_key": "", "prompt_cache_retention": "", "safety_identifier": "", "user": ""}
IGNORED: dict[str, dict[str, str]] = {
    "chat": _OPENAI,
    "responses": _OPENAI,
    "messages": {"metadata": "user_id"},
    "generate_content": {"labels": "*"},
    "embeddings": {"user": ""},
    "image": {"safety_identifier": "", "user": ""},
}


def is_ignored(kind: str, name: str, value: Json) -> bool:
    if name not in IGNORED.get(kind, {}):
        return False
    if value is None or isinstance(value, str):
        return True
    allowed = IGNORED[kind][name]
    if not isinstance(value, dict) or not allowed:
        return False
    return all(allowed in ("*", inner) and (item is None or isinstance(item, str)) for inner, item in value.items())


def reduced(value: Json, *, ordered: bool = False) -> str:
    if isinstance(value, str) and not ordered and len(value) > LONG:
        digest = sha256(b"aig-key/1 string\0" + value.encode()).hexdigest()
        return f'[0.0,"{digest}"]'
    if isinstance(value, list):
        return "[" + ",".join(reduced(item, ordered=ordered) for item in value) + "]"
    if isinstance(value, dict):
        members = []
        for name in list(value) if ordered else sorted(value, key=lambda name: name.encode("utf-16-be")):
            item = value[name]
            within = ordered or (name in ORDERED and isinstance(item, dict | list))
            members.append(rfc8785.dumps(name).decode() + ":" + reduced(item, ordered=within))
        return "{" + ",".join(members) + "}"
    return rfc8785.dumps(value).decode()


def key_of(scope: list[str], body: Json, kind: str, secret: bytes | None) -> tuple[str, str]:
    """The body's digest in hex, and the key."""
    if isinstance(body, dict):
        body = {name: item for name, item in body.items() if not is_ignored(kind, name, item)}
    digest = sha256(b"aig-key/1 body\0" + reduced(body).encode()).digest()
    material = "".join(f"{len(part)}:{part}," for part in scope).encode() + digest
    if secret is None:
        key, mark = sha256(material).digest(), "aig1."
    else:
        key, mark = hmac.new(secret, material, "sha256").digest(), "aig1s."
    return digest.hex(), mark + urlsafe_b64encode(key).rstrip(b"=").decode()


# --- The cases ---------------------------------------------------------------------------------------

ACCOUNT = "0123456789abcdef0123456789abcdef"
GATEWAY = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai"
SECRET = bytes(range(32))

# URL -> the components that it decides: surface family, provider, endpoint with query; and the endpoint kind.
CHAT = (f"{GATEWAY}/openai/chat/completions", "native", "openai", "/chat/completions", "chat")
RESPONSES = (f"{GATEWAY}/openai/responses", "native", "openai", "/responses", "responses")
EMBEDDINGS = (f"{GATEWAY}/openai/embeddings", "native", "openai", "/embeddings", "embeddings")
MESSAGES = (f"{GATEWAY}/anthropic/v1/messages", "native", "anthropic", "/v1/messages", "messages")
_GEMINI = "/v1beta/models/gemini-2.5-flash:"
GEMINI = (
    f"{GATEWAY}/google-ai-studio{_GEMINI}generateContent",
    *("native", "google-ai-studio", f"{_GEMINI}generateContent", "generate_content"),
)
GEMINI_STREAM = (
    f"{GATEWAY}/google-ai-studio{_GEMINI}streamGenerateContent?alt=sse",
    *("native", "google-ai-studio", f"{_GEMINI}streamGenerateContent?alt=sse", "generate_content"),
)
GEMINI_KEY_IN_URL = (
    f"{GATEWAY}/google-ai-studio{_GEMINI}streamGenerateContent?key=AIzaNotARealKey&alt=sse",
    *GEMINI_STREAM[1:],
)
LLAMA = "@cf/meta/llama-3.1-8b-instruct"
WORKERS_AI = (f"{GATEWAY}/workers-ai/{LLAMA}", "native", "workers-ai", f"/{LLAMA}", "run")
COMPAT = (f"{GATEWAY}/compat/chat/completions", "compat", "", "/chat/completions", "chat")
UNIVERSAL = (GATEWAY, "universal", "", "", "universal")
REST_CHAT = (f"{REST}/v1/chat/completions", "rest", "", "/v1/chat/completions", "chat")
REST_RUN = (f"{REST}/run/{LLAMA}", "rest", "", f"/run/{LLAMA}", "run")
CUSTOM = (f"{GATEWAY}/custom-acme/v1/chat/completions", "native", "custom-acme", "/v1/chat/completions", "other")
DYNAMIC = (*COMPAT[:4], "other")
DOMAIN = ("https://ai.example.com/openai/chat/completions", *CHAT[1:])

HELLO = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number", "minimum": 1.0}}}
SCHEMA_REVERSED = {"properties": {"a": {"minimum": 1, "type": "number"}, "b": {"type": "string"}}, "type": "object"}


def chat(content: Json, **more: Json) -> dict[str, Any]:
    return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": content}], **more}


def tool(schema: Json) -> list[Any]:
    return [{"type": "function", "function": {"name": "weather", "description": "Now", "parameters": schema}}]


def repeat(text: str, times: int) -> dict[str, Any]:
    return {"$repeat": [text, times]}


TOKEN = '[0.0,"' + sha256(b"aig-key/1 string\0" + b"x" * 1025).hexdigest() + '"]'

# name, where the rule stands, surface, body (or the text of one, as str), and what else differs from the default
CASES: list[tuple[str, str, tuple[str, ...], Any, dict[str, Any]]] = [
    ("a short chat", "ADR 0003", CHAT, HELLO, {}),
    ("another tenant", "ADR 0003: tenant", CHAT, HELLO, {"tenant": "globex"}),
    ("a tenant called *", "ADR 0003: tenant", CHAT, HELLO, {"tenant": "*"}),
    ("shared between all callers", "ADR 0003: tenant", CHAT, HELLO, {"tenant": None}),
    ("a tenant that is not ASCII", "ADR 0003: length in code points", CHAT, HELLO, {"tenant": "東京😀"}),
    ("a tenant that looks like its neighbours", "ADR 0003: netstrings", CHAT, HELLO, {"tenant": "a,0:,1:b"}),
    ("sealed", "ADR 0003: secret", CHAT, HELLO, {"secret": SECRET}),
    ("sealed and shared", "ADR 0003: secret", CHAT, HELLO, {"secret": SECRET, "tenant": None}),
    ("a namespace", "ADR 0003: namespace", CHAT, HELLO, {"namespace": "staging"}),
    ("a policy epoch", "ADR 0003: policy_epoch", CHAT, HELLO, {"policy_epoch": "2"}),
    ("the caller's own credential", "ADR 0003: credential", CHAT, HELLO, {"credential": "request"}),
    ("a stored key by its alias", "ADR 0003: credential", CHAT, HELLO, {"credential": "stored:team-b"}),
    ("a custom domain is the same surface", "contract 3.1", DOMAIN, HELLO, {"gateways": ["https://ai.example.com"]}),
    ("responses", "contract 3.2", RESPONSES, {"model": "gpt-5", "input": "Hello", "store": False}, {}),
    ("embeddings", "contract 3.2", EMBEDDINGS, {"model": "text-embedding-3-small", "input": ["a", "b"]}, {}),
    ("anthropic", "ADR 0003: variant", MESSAGES, {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": []},
     {"headers": {"Anthropic-Version": "2023-06-01", "x-request-id": "1"}, "variant": "anthropic-version: 2023-06-01"}),
    ("anthropic beta", "ADR 0003: variant", MESSAGES, {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": []},
     {"headers": {"anthropic-version": "2023-06-01", "anthropic-beta": " context-1m-2025-08-07 "},
      "variant": "anthropic-beta: context-1m-2025-08-07\nanthropic-version: 2023-06-01"}),
    ("gemini, model in the path", "contract 3.2", GEMINI, {"contents": [{"parts": [{"text": "Hello"}]}]},
     {"model": "gemini-2.5-flash"}),
    ("gemini as a stream", "ADR 0003: endpoint", GEMINI_STREAM, {"contents": [{"parts": [{"text": "Hello"}]}]},
     {"model": "gemini-2.5-flash"}),
    ("gemini, a key in the url", "ADR 0003: endpoint", GEMINI_KEY_IN_URL,
     {"contents": [{"parts": [{"text": "Hello"}]}]}, {"model": "gemini-2.5-flash"}),
    ("workers ai", "contract 3.2", WORKERS_AI, {"prompt": "Hello", "seed": 1}, {"model": LLAMA}),
    ("compat", "contract 3.1", COMPAT, {**HELLO, "model": "openai/gpt-4.1-mini"}, {}),
    ("universal", "contract 3.1", UNIVERSAL, [
        {"provider": "openai", "endpoint": "chat/completions", "headers": {}, "query": HELLO},
        {"provider": "anthropic", "endpoint": "v1/messages", "headers": {}, "query": {"model": "m", "messages": []}},
    ], {}),
    ("rest chat", "contract 3.1", REST_CHAT, {**HELLO, "model": "openai/gpt-4.1-mini"}, {}),
    ("rest run", "contract 3.1", REST_RUN, {"prompt": "Hello"}, {"model": LLAMA}),
    ("a custom provider ignores nothing", "registry", CUSTOM, {**HELLO, "user": "u1"}, {}),
    ("a dynamic route ignores nothing", "registry", DYNAMIC, {**HELLO, "model": "dynamic/support", "user": "u1"}, {}),
    ("member order does not count", "ADR 0003: order", CHAT, {
        "messages": [{"content": "Hello", "role": "user"}], "model": "gpt-4.1-mini"}, {}),
    ("an ignored field", "registry", CHAT, {**HELLO, "user": "u1", "safety_identifier": "s"}, {}),
    ("an ignored field that is null", "registry", CHAT, {**HELLO, "user": None}, {}),
    ("an ignored field with an undeclared type is keyed", "registry", CHAT, {**HELLO, "user": {"id": "u1"}}, {}),
    ("an ignored name further down is keyed", "registry", CHAT, chat([{"text": "a", "user": "u1"}]), {}),
    ("ignored metadata", "registry", MESSAGES, {"model": "m", "messages": [], "metadata": {"user_id": "u1"}}, {}),
    ("metadata with an undeclared member is keyed", "registry", MESSAGES, {
        "model": "m", "messages": [], "metadata": {"user_id": "u1", "trace": "t"}}, {}),
    ("ignored labels", "registry", GEMINI, {"contents": [], "labels": {"team": "a"}}, {"model": "gemini-2.5-flash"}),
    ("an unknown field is keyed", "registry", CHAT, {**HELLO, "brand_new": True}, {}),
    ("unicode as it stands", "RFC 8785 3.2.2.2", CHAT,
     chat('e\u0301 é \u0000\u001f\u007f\u2028 "\\/ \ufeff\uffff 東京 😀'), {}),
    ("member names in UTF-16 order", "RFC 8785 3.2.3", CHAT, chat("a", **{
        "\U0001f600": 1, "\ufb33": 2, "\ue000": 3, "é": 4, "": 5, "\r": 6, "1": 7, "10": 8, "2": 9}), {}),
    ("numbers as ECMAScript writes them", "RFC 8785 3.2.2.3", CHAT, chat("a", n=[
        *(0, -0.0, 1.0, -1.5, 100.0, 0.1, 1e-4, 1e-5, 1e-6, 1e-7, 1.5e-9, 123456.789, 1e15, 333333333.3333333),
        *(5e-324, 2.2250738585072014e-308, 9007199254740991, -9007199254740991, 0.30000000000000004)]), {}),
    ("literals", "RFC 8785 3.2.2.1", CHAT, chat("a", x=[None, True, False, [], {}, ""]), {}),
    ("a string of 1024 code points", "ADR 0003: long strings", CHAT, chat(repeat("x", 1024)), {}),
    ("a string of 1025 code points", "ADR 0003: long strings", CHAT, chat(repeat("x", 1025)), {}),
    ("1024 code points outside the BMP", "ADR 0003: long strings", CHAT, chat(repeat("😀", 1024)), {}),
    ("1025 code points outside the BMP", "ADR 0003: long strings", CHAT, chat(repeat("😀", 1025)), {}),
    ("a long string of control characters", "ADR 0003: long strings", CHAT, chat(repeat('\n"\u0001\\', 300)), {}),
    ("a string that spells a digest", "ADR 0003: long strings", CHAT, chat(TOKEN), {}),
    ("an array that spells a digest", "ADR 0003: long strings", CHAT, chat([0.0, TOKEN[6:-2]]), {}),
    ("a string that spells a place", "ADR 0003", CHAT, chat("\u007f0\u007f", tools=tool(SCHEMA)), {}),
    ("tools", "ADR 0003: order", CHAT, chat("a", tools=tool(SCHEMA)), {}),
    ("tools, members outside the schema in another order", "ADR 0003: order", CHAT, {
        "tools": [dict(reversed([(name, dict(reversed(item.items())) if isinstance(item, dict) else item)
                                 for name, item in tool(SCHEMA)[0].items()]))],
        **chat("a")}, {}),
    ("tools, properties in another order", "ADR 0003: order", CHAT, chat("a", tools=tool(SCHEMA_REVERSED)), {}),
    ("a long description within a schema", "ADR 0003: order", CHAT,
     chat("a", tools=tool({"type": "object", "description": repeat("x", 2000)})), {}),
    ("a response format", "ADR 0003: order", CHAT,
     chat("a", response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}), {}),
    ("a response format that is a string", "ADR 0003: order", CHAT, chat("a", response_format=repeat("x", 1025)), {}),
    ("an input schema", "ADR 0003: order", MESSAGES,
     {"model": "m", "messages": [], "tools": [{"name": "n", "input_schema": SCHEMA}]}, {}),
    ("a response schema", "ADR 0003: order", GEMINI,
     {"contents": [], "generationConfig": {"responseSchema": SCHEMA, "temperature": 0.5}},
     {"model": "gemini-2.5-flash"}),
    ("numbers within a schema", "RFC 8785 3.2.2.3", CHAT,
     chat("a", tools=tool({"z": [1.0, 1e-7, -0.0, 1e15, None], "a": {"\U0001f600": 1, "\ufb33": 2}})), {}),
    ("bytes with white space and escapes", "RFC 8785 3.2.1", CHAT,
     '{ "messages" : [ {"role":"\\u0075ser", "content":"\\/ \\ud83d\\ude00"} ],\n\t"model":"gpt-4.1-mini", "n":1.0e0 }',
     {}),
    ("a body that is no object", "ADR 0003", CHAT, ["Hello"], {}),
]  # fmt: skip

# name, body (or the text of one, as str), JSON pointer
REFUSED: list[tuple[str, Any, str]] = [
    ("NaN", chat("a", temperature={"$number": "NaN"}), "/temperature"),
    ("infinity", chat("a", temperature={"$number": "Infinity"}), "/temperature"),
    ("minus infinity within a schema", chat("a", tools=tool({"minimum": {"$number": "-Infinity"}})),
     "/tools/0/function/parameters/minimum"),
    ("an integer beyond 2^53 - 1", chat("a", seed=2**53), "/seed"),
    ("an integer below 1 - 2^53", chat("a", seed=-(2**53)), "/seed"),
    ("an integer beyond 64 bits", chat("a", seed=2**64), "/seed"),
    ("such an integer within a schema", chat("a", tools=tool({"properties": {"a/b": {"maximum": 2**53}}})),
     "/tools/0/function/parameters/properties/a~1b/maximum"),
    ("a lone high surrogate", chat("\ud83d"), "/messages/0/content"),
    ("a lone low surrogate in a long string", chat({"$repeat": ["\ude00", 2000]}), "/messages/0/content"),
    ("a lone surrogate in a member name", chat("a", **{"\ud83d": 1}), ""),
    ("a lone surrogate within a schema", chat("a", tools=tool({"title": "\udfff"})),
     "/tools/0/function/parameters/title"),
    ("a lone surrogate in the model's name", {"model": "\ud800"}, "/model"),
    ("a duplicate member", '{"model":"a","messages":[{"role":"user","role":"system"}]}', "/messages/0/role"),
    ("a duplicate member by an escape", '{"model":"a","\\u006dodel":"b"}', "/model"),
    ("a duplicate that is ignored", '{"model":"a","user":"b","user":"c"}', "/user"),
    ("the word NaN", '{"model":"a","n":[1,NaN]}', "/n/1"),
    ("the word Infinity", '{"model":"a","n":-Infinity}', "/n"),
    ("a number beyond all doubles", '{"model":"a","n":1e400}', "/n"),
    ("an escaped lone surrogate", '{"model":"a","s":["\\ud83d"]}', "/s/0"),
    ("not JSON", '{"model":"a",}', ""),
    ("nothing", "", ""),
    ("129 levels", '{"model":"a","x":' + "[" * 128 + "]" * 128 + "}", "/x" + "/0" * 127),
]  # fmt: skip


def revived(value: Json) -> Json:
    """A body with its stand-ins replaced."""
    if isinstance(value, list):
        return [revived(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$repeat"}:
        text, times = value["$repeat"]
        return text * times
    return {name: revived(item) for name, item in value.items()}


Case = dict[str, Any]


def written_case(name: str, source: str, surface: tuple[str, ...], body: Json, more: Case) -> Case:
    url, family, provider, endpoint, kind = surface
    options: Case = {"tenant": "acme", "credential": "stored", "namespace": "", "policy_epoch": "", **more}
    tree = json.loads(body) if isinstance(body, str) else revived(body)
    model = options.pop("model", None) or (tree.get("model", "") if isinstance(tree, dict) else "")
    variant, secret = options.pop("variant", ""), options.pop("secret", None)
    tenant = "*" if options["tenant"] is None else "=" + options["tenant"]
    scope = ["aig-key/1", options["namespace"], tenant, options["policy_epoch"]]
    scope += [family, provider, model, endpoint, options["credential"], variant]
    digest, key = key_of(scope, tree, kind, secret)
    sealed = {} if secret is None else {"secret": secret.hex()}
    return {"name": name, "source": source, "url": url, **options, **sealed, _form(body): body} | {
        "scope": scope,
        "kind": kind,
        "body_digest": digest,
        "key": key,
    }


def _form(body: Json) -> str:
    return "raw" if isinstance(body, str) else "body"


def document() -> dict[str, Any]:
    return {
        "about": (
            "Recipe aig-key/1 (docs/adr/0003-key-recipe.md). 'tenant': null is SHARED, 'secret' is hex, 'raw' is the"
            " text of a body where 'body' cannot say it. 'scope' are the components before the body digest,"
            " 'kind' decides which members are ignored."
            ' {"$repeat": ["x", 3]} stands for "xxx", {"$number": "NaN"} for a number that JSON lacks.'
            " 'refused' bodies have no key, because of what is at 'pointer'. A case is never edited, only added."
        ),
        "cases": [written_case(*case) for case in CASES],
        "refused": [
            {"name": name, "source": "ADR 0003: refused", _form(body): body, "pointer": pointer}
            for name, body, pointer in REFUSED
        ],
    }


def text_of(found: dict[str, Any]) -> str:
    """One case a line. Written as ASCII: the file holds lone surrogates, which no encoding does."""
    lines = ["{", f'  "about": {json.dumps(found["about"])},']
    for section in ("cases", "refused"):
        lines += [f'  "{section}": [', ",\n".join(f"    {json.dumps(case)}" for case in found[section]), "  ],"]
    lines[-1] = "  ]"
    return "\n".join([*lines, "}", ""])


def main() -> int:
    wanted = document()
    have = json.loads(VECTORS.read_text("ascii")) if VECTORS.exists() else {"cases": [], "refused": []}
    for section in ("cases", "refused"):
        ours = {case["name"]: case for case in wanted[section]}
        assert len(ours) == len(wanted[section]), "names are unique"
        edited = [case["name"] for case in have[section] if json.dumps(ours.get(case["name"])) != json.dumps(case)]
        if edited:
            print(f"{VECTORS.name} has other {section} than this file makes: {', '.join(edited)}", file=sys.stderr)
            return 1
    if "--check" in sys.argv:
        return 0 if text_of(wanted) == VECTORS.read_text("ascii") else 1
    VECTORS.write_text(text_of(wanted), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
