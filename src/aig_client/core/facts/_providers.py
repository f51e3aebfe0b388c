"""The providers AI Gateway fronts: contract 3.2 and 3.5, one row each.

A new provider, path or model spelling is a row here and nothing anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

EndpointKind = Literal[
    "chat",
    "responses",
    "messages",
    "generate_content",
    "embeddings",
    "image",
    "speech",
    "transcription",
    "video",
    "search",
    "realtime",
    "universal",
    "run",
    "other",
]
Dialect = Literal["openai", "anthropic", "gemini", "workers-ai", "own"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider slug of the native surface.

    Attributes:
        slug: the path segment after the gateway id.
        replaces: the upstream base that the gateway prefix stands for; None where Cloudflare does not say.
        credential: the header in which the provider wants its own key, lower case.
        path_model: where in a path this provider reads the model, as a pattern with one group; the body's then means
            nothing. Empty where no provider of its own has such a place.
        scheme: what precedes the key in that header, without the space; empty where the key stands alone.
        dialect: whose wire shapes the provider speaks.
        compat: the model prefix on ``/compat``; None where the provider is not served there.
        author: the model prefix on the REST API; None where the provider is not served there.
        sdk_path: what an official SDK's base URL needs after the slug.
        paths: the path after the slug for each endpoint kind we build URLs for; ``{model}`` is filled in.
    """

    slug: str
    replaces: str | None
    credential: str = "authorization"
    scheme: str = "Bearer"
    path_model: str = ""
    dialect: Dialect = "own"
    compat: str | None = None
    author: str | None = None
    sdk_path: str = ""
    paths: Mapping[EndpointKind, str] = field(default_factory=lambda: MappingProxyType({}))


def _paths(**paths: str) -> Mapping[EndpointKind, str]:
    return MappingProxyType(paths)  # type: ignore[arg-type]


_OPENAI = _paths(
    chat="/chat/completions",
    responses="/responses",
    embeddings="/embeddings",
    image="/images/generations",
    speech="/audio/speech",
    transcription="/audio/transcriptions",
    video="/videos",
    realtime="/realtime",
)
_CHAT = _paths(chat="/chat/completions")
_V1_CHAT = _paths(chat="/v1/chat/completions")
_GEMINI = _paths(
    generate_content="/v1beta/models/{model}:generateContent", embeddings="/v1beta/models/{model}:embedContent"
)

_ROWS: Final = (
    Provider("openai", "https://api.openai.com/v1", dialect="openai", compat="openai", author="openai", paths=_OPENAI),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        credential="x-api-key",
        scheme="",
        dialect="anthropic",
        compat="anthropic",
        author="anthropic",
        paths=_paths(messages="/v1/messages"),
    ),
    Provider(
        "google-ai-studio",
        "https://generativelanguage.googleapis.com",
        credential="x-goog-api-key",
        scheme="",
        dialect="gemini",
        compat="google-ai-studio",
        author="google",
        paths=_GEMINI,
    ),
    Provider(
        "google-vertex-ai", "https://{region}-aiplatform.googleapis.com", dialect="gemini", compat="google-vertex-ai"
    ),
    Provider(
        "azure-openai",
        "https://{resource}.openai.azure.com/openai/deployments/{deployment}",
        credential="api-key",
        scheme="",
        path_model=r"/[^/]+/([^/]+)/.+",
        dialect="openai",
    ),
    # SigV4 signs for the AWS host, so the signature is a credential although it is no key.
    Provider("aws-bedrock", "https://bedrock-runtime.{region}.amazonaws.com", scheme="AWS4-HMAC-SHA256"),
    Provider(
        "workers-ai",
        "https://api.cloudflare.com/client/v4/accounts/{account}/ai/run",
        dialect="workers-ai",
        compat="workers-ai",
        author="@cf",
        sdk_path="/v1",
        paths=_paths(run="/{model}", chat="/v1/chat/completions", embeddings="/v1/embeddings"),
    ),
    Provider("groq", "https://api.groq.com/openai/v1", dialect="openai", compat="groq", author="groq", paths=_CHAT),
    Provider("mistral", "https://api.mistral.ai", dialect="openai", compat="mistral", sdk_path="/v1", paths=_V1_CHAT),
    Provider("cohere", "https://api.cohere.com", compat="cohere", paths=_paths(chat="/v1/chat")),
    Provider("grok", "https://api.x.ai", dialect="openai", compat="grok", author="xai", sdk_path="/v1", paths=_V1_CHAT),
    Provider("deepseek", "https://api.deepseek.com", dialect="openai", compat="deepseek", paths=_CHAT),
    Provider("perplexity-ai", "https://api.perplexity.ai", dialect="openai", compat="perplexity", paths=_CHAT),
    Provider("cerebras", "https://api.cerebras.ai/v1", dialect="openai", compat="cerebras", paths=_CHAT),
    Provider("openrouter", "https://openrouter.ai/api/v1", dialect="openai", paths=_CHAT),
    Provider(
        "huggingface",
        "https://api-inference.huggingface.co/models",
        path_model=r"/(?!v1/)(.+?)(?:/v1/.+)?",
        paths=_paths(run="/{model}"),
    ),
    Provider("replicate", "https://api.replicate.com/v1", paths=_paths(run="/predictions")),
    Provider("baseten", None, dialect="openai", compat="baseten", sdk_path="/v1", paths=_V1_CHAT),
    Provider(
        "parallel",
        "https://api.parallel.ai",
        credential="x-api-key",
        scheme="",
        compat="parallel",
        paths=_paths(run="/v1/tasks/runs", search="/v1beta/search"),
    ),
    Provider("fal", "https://fal.run", scheme="Key"),
    Provider(
        "ideogram",
        "https://api.ideogram.ai",
        credential="api-key",
        scheme="",
        paths=_paths(image="/v1/ideogram-v3/generate"),
    ),
    Provider(
        "cartesia", "https://api.cartesia.ai", credential="x-api-key", scheme="", paths=_paths(speech="/tts/bytes")
    ),
    Provider("deepgram", "https://api.deepgram.com", scheme="Token"),
    Provider(
        "elevenlabs",
        "https://api.elevenlabs.io",
        credential="xi-api-key",
        scheme="",
        paths=_paths(speech="/v1/text-to-speech/{model}"),
    ),
    Provider("fireworks", "https://api.fireworks.ai/inference/v1", dialect="openai", paths=_CHAT),
    # In the binding's published enum only; Cloudflare documents neither base nor header for it.
    Provider("adobe-firefly", None),
)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType({row.slug: row for row in _ROWS})

USUAL_PROVIDER: Final[Mapping[EndpointKind, str]] = MappingProxyType(
    {"chat": "openai", "responses": "openai", "messages": "anthropic", "embeddings": "openai"}
)
"""Whose endpoint of a kind is meant when nobody is named."""

NEEDED_HEADERS: Final[Mapping[EndpointKind, tuple[tuple[bytes, bytes], ...]]] = MappingProxyType(
    {"messages": ((b"anthropic-version", b"2023-06-01"),)}
)
"""Headers without which an endpoint kind answers nobody (contract 3.2), for callers that set none."""

CREDENTIAL_HEADERS: Final = frozenset({*(row.credential for row in _ROWS), "x-amz-security-token"})
"""Every header in which some provider takes a key (or part of one, as SigV4 does). With stored keys all of them are
removed: any one of them, even a placeholder, switches the stored key off and is sent on (contract 3.4)."""

THEIR_HEADERS: Final = (b"openai-", b"x-goog-", b"anthropic-")
"""Beginnings of header names that only one provider understands (an organisation's id, a beta's name)."""

# The first row whose pattern matches the whole path after the provider wins. Sources: contract 3.2 (example paths) and
# the providers' own API references. An unknown path is "other": it is still a gateway URL.
_PATHS: Final[tuple[tuple[str, EndpointKind], ...]] = (
    (r".*/threads(?:/.*)?", "other"),  # OpenAI's and Azure's assistants: their messages are no Messages
    (r".*/chat/completions|/v[12]/chat", "chat"),
    (r".*/responses(?:/.*)?", "responses"),
    (r".*/messages(?:/.*)?", "messages"),
    (r".*:(?:streamGenerateContent|generateContent|rawPredict|streamRawPredict)", "generate_content"),
    (r".*/embeddings|.*:(?:embedContent|batchEmbedContents)|/v[12]/embed", "embeddings"),
    (r".*/images/(?:generations|edits|variations)|/v1/ideogram-v3/.*|.*:predict", "image"),
    (r".*/audio/speech|/tts/.*|/v1/text-to-speech/.*|/v1/speak", "speech"),
    (r".*/audio/(?:transcriptions|translations)|/v1/speech-to-text|/v1/listen|/stt.*", "transcription"),
    (r".*/videos(?:/.*)?|.*:predictLongRunning", "video"),
    (r".*/search", "search"),
    (r".*/realtime(?:/.*)?", "realtime"),
    (r"(?:/run)?/@(?:cf|hf)/.*|/predictions|/v1/tasks/runs|/ai/run.*|/model/.*|/bedrock-.*", "run"),
)
_KINDS: Final[tuple[tuple[re.Pattern[str], EndpointKind], ...]] = tuple(
    (re.compile(pattern), kind) for pattern, kind in _PATHS
)


def kind_of(path: str) -> EndpointKind:
    """The endpoint kind of a path after the provider segment, without its query."""
    for pattern, kind in _KINDS:
        if pattern.fullmatch(path):
            return kind
    return "other"


# Sources as above. What stores, lists, fetches or cancels (files, batches, kept answers, threads, vector stores) is not
# here, and no `.*` stands before a word that such a path could end in.
_ASKING: Final = re.compile(
    r".*/completions|/v[12]/(?:chat|embed|rerank|speak|listen|speech-to-text)|.*/embeddings|.*/moderations"
    r"|.*/responses(?:/compact|/input_tokens)?|(?:(?:/api)?/v\d+)?/messages(?:/count_tokens)?"
    r"|.*:(?:generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)"
    r"|.*:(?:rawPredict|streamRawPredict|predict)|.*/images/(?:generations|edits|variations)|/v1/ideogram-v3/.*"
    r"|.*/audio/(?:speech|transcriptions|translations)|/tts/.*|/v1/text-to-speech/.*|/stt|(?:/v\d+(?:beta\d*)?)?/search"
    r"|(?:/ai)?(?:/run)?/@(?:cf|hf)/.*|/predictions|.*/model/[^/]+/(?:invoke|converse)(?:-with-response-stream|-stream)?"
)


def asks_a_model(path: str, method: str) -> bool:
    """Whether a request puts a question to a model, and neither stores nor fetches what the provider's account keeps.

    Unknown paths do not. ``path`` is the one after the provider segment, without its query.
    """
    return method == "POST" and _ASKING.fullmatch(path) is not None


MUTE_ENDPOINTS: Final = (
    *("/moderations", "/messages/count_tokens", ":countTokens", "/responses/input_tokens"),
    "/count-tokens:rawPredict",  # Anthropic's at Vertex
)
"""Endings of paths that ask, and are not answered with text: they judge, or count."""

_MODEL_IN_PATH: Final = re.compile(r"/models/([^/:]+):|(?:/run)?/(@(?:cf|hf)/.+)|/v1/text-to-speech/([^/]+)")


def model_in_path(path: str) -> str | None:
    """The model that a path names (Gemini, Workers AI, ElevenLabs voices), or None where the body names it."""
    found = _MODEL_IN_PATH.search(path)
    return next((part for part in found.groups() if part), None) if found else None


_ALSO_IN_PATH: Final = re.compile(
    r".*/model/([^/]+)(?:/.*)?|.*/(?:tunedModels|endpoints)/(?!openapi/)([^/:]+)(?:[:/].*)?"
)


def any_model_in_path(provider: str | None, path: str) -> str | None:
    """The same, and also deployments, tuned models and endpoints, which no catalog names: for who may reach what."""
    plain = model_in_path(path)
    if plain is not None:
        return plain
    row = PROVIDERS.get(provider or "")
    found = re.fullmatch(row.path_model, path) if row is not None and row.path_model else _ALSO_IN_PATH.fullmatch(path)
    return next((part for part in found.groups() if part), None) if found else None


# Where a path names its model: Gemini and Vertex; Bedrock and Baseten; ElevenLabs; Workers AI. A colon ends the first
# and is part of the second ("...-v1:0").
PATH_MODEL: Final = re.compile(
    r"(?P<gemini>.*/models/)[^/:]+(?P<method>:.*)?"
    r"|(?P<before>.*/model/|/v1/text-to-speech/)[^/]+(?P<after>/.*)?"
    r"|(?P<run>(?:/run)?/)@(?:cf|hf)/.+"
)
_BENT: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)")  # an empty or a dot segment


def in_path(model: str, *, safe: str) -> str:
    """A model's name percent-encoded for a path."""
    from urllib.parse import quote  # noqa: PLC0415  (few requests need it, and each import of the core would pay)

    return quote(model, safe=safe)


def path_with_model(endpoint: str, model: str) -> str | None:
    """An endpoint's path with another model in it, percent-encoded; None where the path names none that we see.

    None too for a model that would bend the path: empty, with a dot segment, or with a slash where one segment is due.
    A resource name (Gemini's ``models/x``) loses its prefix, which the path has already.
    """
    found = PATH_MODEL.fullmatch(endpoint)
    if found is None or _BENT.search(model) or "\\" in model or "%" in model:
        return None
    if found["run"] is not None:
        return found["run"] + in_path(model, safe="@/:.-_") if model.startswith(("@cf/", "@hf/")) else None
    if found["gemini"] is not None:
        model = model.removeprefix("models/")
        return None if "/" in model else found["gemini"] + in_path(model, safe="@.-_") + (found["method"] or "")
    return None if "/" in model else found["before"] + in_path(model, safe="@:.-_") + (found["after"] or "")
