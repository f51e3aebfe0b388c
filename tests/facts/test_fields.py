"""The field registry is total: each body field that an SDK can send is declared, each declared one exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType, UnionType

import anthropic
import anthropic.types
import httpx2
import openai.types
import pytest
from google.genai import models as google_models
from google.genai import types as google_types
from typing_extensions import is_typeddict

from aig_client.core.facts._fields import (
    FIELDS,
    KEYED,
    ORDERED_MEMBERS,
    ignored_fields,
    ignored_reason,
    ignores,
)
from aig_client.core.facts._fields_data import IGNORED_FIELDS, IGNORED_OBJECTS, KEYED_FIELDS

KINDS = {
    "chat", "responses", "messages", "generate_content", "embeddings", "image", "speech", "transcription",
    "video", "search", "realtime", "universal", "run",
}  # fmt: skip

# Endpoint kind -> the SDK types that describe its request body.
SDK_TYPES: Mapping[str, tuple[str, ...]] = {
    "chat": ("openai.types.chat.completion_create_params:CompletionCreateParams",),
    "responses": (
        "openai.types.responses.response_create_params:ResponseCreateParams",
        "openai.types.responses.response_compact_params:ResponseCompactParams",
        "openai.types.responses.input_token_count_params:InputTokenCountParams",
        "openai.types.responses.responses_client_event_param:ResponsesClientEventParam",
        "openai.types.beta.response_create_params:ResponseCreateParams",
        "openai.types.beta.response_compact_params:ResponseCompactParams",
        "openai.types.beta.responses.input_token_count_params:InputTokenCountParams",
    ),
    "messages": (
        "anthropic.types.message_create_params:MessageCreateParams",
        "anthropic.types.message_count_tokens_params:MessageCountTokensParams",
        "anthropic.types.messages.batch_create_params:BatchCreateParams",
        "anthropic.types.beta.message_create_params:MessageCreateParams",
        "anthropic.types.beta.message_count_tokens_params:MessageCountTokensParams",
        "anthropic.types.beta.messages.batch_create_params:BatchCreateParams",
    ),
    "embeddings": ("openai.types.embedding_create_params:EmbeddingCreateParams",),
    "image": (
        "openai.types.image_generate_params:ImageGenerateParams",
        "openai.types.image_edit_params:ImageEditParams",
        "openai.types.image_create_variation_params:ImageCreateVariationParams",
    ),
    "speech": ("openai.types.audio.speech_create_params:SpeechCreateParams",),
    "transcription": (
        "openai.types.audio.transcription_create_params:TranscriptionCreateParams",
        "openai.types.audio.translation_create_params:TranslationCreateParams",
    ),
    "video": (
        "openai.types.video_create_params:VideoCreateParams",
        "openai.types.video_create_character_params:VideoCreateCharacterParams",
        "openai.types.video_edit_params:VideoEditParams",
        "openai.types.video_extend_params:VideoExtendParams",
        "openai.types.video_remix_params:VideoRemixParams",
    ),
    "realtime": (
        "openai.types.realtime.client_secret_create_params:ClientSecretCreateParams",
        "openai.types.realtime.call_accept_params:CallAcceptParams",
        "openai.types.realtime.call_create_params:CallCreateParams",
        "openai.types.realtime.realtime_client_event_param:RealtimeClientEventParam",
        "openai.types.realtime.realtime_session_create_request_param:RealtimeSessionCreateRequestParam",
        (
            "openai.types.realtime.realtime_transcription_session_create_request_param"
            ":RealtimeTranscriptionSessionCreateRequestParam"
        ),
        "openai.types.realtime.realtime_translation_client_event_param:RealtimeTranslationClientEventParam",
        (
            "openai.types.realtime.realtime_translation_session_create_request_param"
            ":RealtimeTranslationSessionCreateRequestParam"
        ),
        "openai.types.beta.realtime.session_create_params:SessionCreateParams",
        "openai.types.beta.realtime.transcription_session_create_params:TranscriptionSessionCreateParams",
    ),
    "run": ("cloudflare.types.ai.ai_run_params:AIRunParams",),
}

# Parameters of an SDK method that travel in a header or in the path, never in the body. The Anthropic ones
# are proved below; `betas` of openai carries the alias "openai-beta"; `account_id` of cloudflare is a path
# segment.
NOT_IN_THE_BODY: Mapping[str, frozenset[str]] = {
    "messages": frozenset({"betas", "user_profile_id", "workspace_id"}),
    "responses": frozenset({"betas"}),
    "run": frozenset({"account_id"}),
}

_IMAGEN = "GenerateImages|EditImage|UpscaleImageAPI|RecontextImage|SegmentImage"

# Endpoint kind -> the google-genai converters that build its body: (name pattern, the variable that is the
# body).
GOOGLE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "generate_content": (
        (r"_GenerateContentParameters_to_(mldev|vertex)", "to_object"),
        (r"_GenerateContentConfig_to_(mldev|vertex)", "parent_object"),
    ),
    "embeddings": (
        (r"_EmbedContentParametersPrivate_to_(mldev|vertex)", "to_object"),
        (r"_EmbedContentConfig_to_(mldev|vertex)", "parent_object"),
    ),
    "image": (
        (rf"_({_IMAGEN})Parameters_to_vertex", "to_object"),
        (rf"_({_IMAGEN})(Config|Source)_to_vertex", "parent_object"),
    ),
    "video": (
        (r"_GenerateVideosParameters_to_vertex", "to_object"),
        (r"_GenerateVideos(Config|Source)_to_vertex", "parent_object"),
    ),
}

# Settings of google-genai itself, never sent.
GOOGLE_CLIENT_SIDE = {
    "http_options",
    "should_return_http_response",
    "automatic_function_calling",
    "automatic_continuation",
}

# Declared fields that no installed SDK knows -> where they are documented.
DOCUMENTED: Mapping[str, Mapping[str, str]] = {
    "messages": {
        "Anthropic on Bedrock and Vertex (anthropic 2.11 lib/bedrock and lib/vertex set them)": (
            "anthropic_beta anthropic_version"
        ),
        "Anthropic Messages API, former place of output_config.format (anthropic 2.11, beta OutputFormat)": (
            "output_format"
        ),
        "Anthropic Messages API, sampling that anthropic 2.11 no longer offers": "temperature top_k top_p",
    },
    "embeddings": {"Gemini API reference, EmbedContentRequest": "outputDimensionality taskType title"},
    "speech": {
        "Cartesia API reference, POST /tts/bytes": (
            "generation_config language model_id output_format pronunciation_dict_id save transcript"
        ),
        "ElevenLabs API reference, POST /v1/text-to-speech/{voice_id}": (
            "apply_language_text_normalization apply_text_normalization language_code model_id"
            " next_request_ids next_text previous_request_ids previous_text seed text use_pvc_as_ivc"
            " pronunciation_dictionary_locators voice_settings"
        ),
    },
    "search": {
        "Parallel API reference, Search (v1 and v1beta)": (
            "advanced_settings client_model excerpts fetch_policy max_chars_total max_results mode objective"
            " search_queries session_id source_policy"
        ),
        "Perplexity API reference, POST /search": (
            "country max_results max_tokens max_tokens_per_page query search_after_date_filter"
            " search_before_date_filter search_domain_filter search_language_filter search_recency_filter"
        ),
    },
    "universal": {
        "Cloudflare AI Gateway, page Universal Endpoint (and contract 3.1)": (
            "authorization config endpoint headers provider query"
        ),
        "Cloudflare AI Gateway, page WebSockets API (contract 3.9)": "request type",
    },
    "run": {
        "Cloudflare AI Gateway, page REST API (contract 3.8)": "input model options",
        "@cloudflare/workers-types, text generation inputs": "guided_json",
    },
}

REMEDY = (
    "It is keyed meanwhile, so nothing is unsafe. Decide in src/aig_client/core/facts/_fields_data.py: add it"
    " to KEYED_FIELDS[{kind!r}] if it shapes the answer or has an effect the caller wants (in doubt it does),"
    " else to IGNORED_FIELDS[{kind!r}] with one sentence that says why and who says so."
    " Ignoring a field that was keyed changes keys: that is a new recipe version."
)


def typed_dicts(annotation: object) -> Iterator[type]:
    if is_typeddict(annotation):
        yield typing.cast("type", annotation)
    for part in typing.get_args(annotation):
        yield from typed_dicts(part)


def load(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def google_functions() -> Mapping[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(google_models))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def google_wire_names(pattern: str, body: str) -> Iterator[tuple[str, str]]:
    """The first path segment of each `setv(body, [...], ...)` in the converters of that name."""
    for name, function in google_functions().items():
        if not re.fullmatch(pattern, name):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "setv":
                target, path = call.args[0], ast.literal_eval(call.args[1])
                segment = re.sub(r"\[\d*\]$", "", path[0])
                if isinstance(target, ast.Name) and target.id == body and not segment.startswith("_"):
                    yield segment, f"google.genai.models.{name}"


@cache
def sdk_fields(kind: str) -> Mapping[str, str]:
    """Body field -> the SDK type that has it. A TypedDict's `__annotations__` include those of its bases."""
    found: dict[str, str] = {}
    for path in SDK_TYPES.get(kind, ()):
        shapes = list(typed_dicts(load(path)))
        assert shapes, f"{path} is no TypedDict any more: look where the SDK moved the parameters of {kind}"
        for shape in shapes:
            found |= dict.fromkeys(shape.__annotations__, path)
    for pattern, body in GOOGLE.get(kind, ()):
        names = dict(google_wire_names(pattern, body))
        assert names, f"no converter of google-genai is named {pattern}: look where the SDK builds the body of {kind}"
        found |= names
    return {name: path for name, path in found.items() if name not in NOT_IN_THE_BODY.get(kind, ())}


def documented_fields(kind: str) -> set[str]:
    return {name for names in DOCUMENTED.get(kind, {}).values() for name in names.split()}


@pytest.mark.parametrize("kind", sorted({*SDK_TYPES, *GOOGLE}))
def test_every_field_of_the_sdks_is_declared(kind: str) -> None:
    undeclared = {name: path for name, path in sdk_fields(kind).items() if name not in FIELDS[kind]}
    assert not undeclared, "\n".join(
        f"{kind}: the field {name!r} of {path} is not declared. {REMEDY.format(kind=kind)}"
        for name, path in sorted(undeclared.items())
    )


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_every_declared_field_is_known(kind: str) -> None:
    stale = set(FIELDS[kind]) - set(sdk_fields(kind)) - documented_fields(kind)
    assert not stale, f"{kind}: no SDK and no listed source knows {sorted(stale)}: remove them, or add the source here"
    needless = documented_fields(kind) - set(FIELDS[kind])
    assert not needless, f"{kind}: {sorted(needless)} is documented but not declared. {REMEDY.format(kind=kind)}"


def test_every_endpoint_kind_is_declared() -> None:
    assert set(FIELDS) == KINDS
    assert set(IGNORED_FIELDS) <= KINDS


def test_every_setting_of_gemini_is_accounted_for() -> None:
    assert set(google_types._GenerateContentParameters.model_fields) == {"model", "contents", "config"}
    source = "".join(
        ast.unparse(function)
        for name, function in google_functions().items()
        if name.startswith("_GenerateContentConfig_to_")
    )
    read = set(re.findall(r"getv\(from_object, \['(\w+)'\]\)", source))
    assert set(google_types.GenerateContentConfig.model_fields) == read | GOOGLE_CLIENT_SIDE


def test_the_sdk_types_include_inherited_fields() -> None:
    """`messages` sits in the base class of the type that is enumerated, `stream` in the type itself."""
    assert {"messages", "stream"} <= set(sdk_fields("chat")) & set(sdk_fields("messages"))


def test_the_parameters_excluded_as_headers_are_headers() -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={"id": "m", "type": "message", "role": "assistant", "content": []})

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = anthropic.Anthropic(api_key="x", base_url="https://example.test", http_client=http)
        client.beta.messages.create(
            model="m",
            max_tokens=1,
            messages=[{"role": "user", "content": "hi"}],
            betas=["b"],
            user_profile_id="u",
            workspace_id="w",
        )
    assert set(json.loads(sent[0].content)) == {"model", "max_tokens", "messages"}
    headers = sent[0].headers
    assert (
        headers["anthropic-beta"],
        headers["anthropic-user-profile-id"],
        headers["anthropic-workspace-id"],
    ) == (
        "b",
        "u",
        "w",
    )


def test_what_is_unknown_is_keyed() -> None:
    for kind in (*FIELDS, "other", "a kind of tomorrow"):
        assert "field_of_tomorrow" not in ignored_fields(kind)
        assert ignored_reason(kind, "field_of_tomorrow") is None
        assert not ignores(kind, "field_of_tomorrow", "x")
    assert ignored_fields("other") == frozenset()
    assert not ignores("other", "user", "x")


def test_the_accessors_agree_with_the_table() -> None:
    for kind, row in FIELDS.items():
        assert ignored_fields(kind) == {name for name, reason in row.items() if reason != KEYED}
        assert ignored_fields(kind) is ignored_fields(kind)
        for name, reason in row.items():
            assert ignored_reason(kind, name) == (reason or None)


def test_nothing_is_declared_twice() -> None:
    for kind, names in KEYED_FIELDS.items():
        listed = [*names.split(), *IGNORED_FIELDS.get(kind, {})]
        assert len(listed) == len(set(listed)), f"{kind}: {sorted({n for n in listed if listed.count(n) > 1})}"


def test_every_reason_is_a_sentence_with_its_source() -> None:
    for kind, row in IGNORED_FIELDS.items():
        for name, reason in row.items():
            assert re.fullmatch(r"[A-Z][^.]*(?: \S+){6,} \(.+\)\.", reason), f"{kind}.{name}: {reason!r}"


def test_the_table_cannot_be_changed() -> None:
    assert isinstance(FIELDS, MappingProxyType)
    for row in FIELDS.values():
        assert isinstance(row, MappingProxyType)
    with pytest.raises(TypeError):
        typing.cast("dict[str, str]", FIELDS["chat"])["model"] = "because"
    with pytest.raises(TypeError):
        del typing.cast("dict[str, object]", FIELDS)["chat"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "chat",
            "metadata model moderation n prompt_cache_options seed service_tier store stream stream_options",
        ),
        (
            "responses",
            "background conversation metadata previous_response_id prompt_cache_options store stream",
        ),
        (
            "messages",
            "billing_policy cache_control container diagnostics fallback_credit_token inference_geo speed",
        ),
        ("generate_content", "cachedContent safetySettings serviceTier store"),
        ("image", "labels moderation n"),
        ("universal", "headers"),
    ],
)
def test_decisions_that_must_not_drift(kind: str, names: str) -> None:
    """Each of these looks ignorable; `_fields_data` says why it is not."""
    assert {name: FIELDS[kind].get(name) for name in names.split()} == dict.fromkeys(names.split(), KEYED)


def leaves(annotation: object) -> Iterator[object]:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, UnionType, typing.Required, typing.Annotated):
        for part in typing.get_args(annotation)[: 1 if origin is typing.Annotated else None]:
            yield from leaves(part)
    elif origin is typing.Literal:
        yield from (type(value) for value in typing.get_args(annotation))
    else:
        yield annotation


def test_an_ignored_field_cannot_carry_more_than_the_registry_knows() -> None:
    """A name is ignored for what it holds: when an SDK lets it hold more (an option, say), decide again."""
    for kind, row in IGNORED_FIELDS.items():
        for path in SDK_TYPES.get(kind, ()):
            for shape in typed_dicts(load(path)):
                for name in row.keys() & shape.__annotations__.keys():
                    for leaf in leaves(typing.get_type_hints(shape)[name]):
                        known = IGNORED_OBJECTS.get((kind, name)) or frozenset()
                        members = getattr(leaf, "__annotations__", None)
                        assert leaf in (str, type(None)) or (members and set(members) == known), (
                            f"{kind}.{name} may now be {leaf} in {path}. {REMEDY.format(kind=kind)}"
                        )


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("chat", "user", "u1", True),
        ("chat", "user", None, True),
        ("chat", "user", {"id": "u1"}, False),
        ("chat", "user", ["u1"], False),
        ("chat", "user", 7, False),
        ("chat", "model", "m", False),
        ("messages", "metadata", {"user_id": "u1"}, True),
        ("messages", "metadata", {"user_id": None}, True),
        ("messages", "metadata", {}, True),
        ("messages", "metadata", {"user_id": "u1", "persona": "pirate"}, False),
        ("messages", "metadata", {"user_id": {"nested": 1}}, False),
        ("chat", "metadata", {"user_id": "u1"}, False),
        ("generate_content", "labels", {"team": "a", "cost": "b"}, True),
        ("generate_content", "labels", {"team": ["a"]}, False),
    ],
)
def test_a_member_that_nobody_declared_keeps_the_field_in(kind: str, field: str, value: object, expected: bool) -> None:
    assert ignores(kind, field, value) is expected


def schema_members(package: ModuleType, folders: str) -> Iterator[tuple[str, str]]:
    """Fields of request types that are named like a JSON Schema and typed like one."""
    (root,) = package.__path__
    for folder in folders.split():
        for file in sorted(Path(root, folder).glob("*param*.py")):
            for name, kind in re.findall(r"^    (\w*schema|parameters): (.+)$", file.read_text(), re.MULTILINE):
                if not re.search(r"Literal|\bstr\]?$", kind):
                    yield name, f"{package.__name__}/{folder}/{file.name}"


def test_the_members_that_hold_schemas_are_ordered() -> None:
    found = dict(schema_members(openai.types, "chat responses realtime shared_params"))
    found |= dict(schema_members(anthropic.types, ". beta"))
    for model in (
        google_types.FunctionDeclaration,
        google_types.GenerationConfig,
        google_types.GenerateContentConfig,
    ):
        for name, info in model.model_fields.items():
            if "schema" in name or name in ("parameters", "response_format"):
                found |= dict.fromkeys((name, info.alias or name), f"google.genai {model.__name__}")
    assert {"schema", "input_schema", "output_schema", "parametersJsonSchema", "responseSchema"} <= set(found)
    missing = {name: where for name, where in found.items() if name not in ORDERED_MEMBERS}
    assert not missing, f"add to ORDERED_MEMBERS (and, being a change of keys, to a new recipe version): {missing}"
