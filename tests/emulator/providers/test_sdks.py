"""The official SDKs read what the fake providers say, whole and streamed; what they build is validated."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel, TypeAdapter

from .desk import SCHEMA, Desk

LONG = "A sentence that fills a prompt. " * 700
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
FOLLOWERS = (
    "groq",
    "cerebras",
    "mistral",
    "deepseek",
    "grok",
    "perplexity-ai",
    "openrouter",
    "fireworks",
    "workers-ai",
)


class Weather(BaseModel):
    city: str
    days: int


def strict(model: BaseModel) -> None:
    """The SDKs build models without validation; validate what they built."""
    TypeAdapter(type(model)).validate_python(model.model_dump())


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with Desk().client() as client:
        yield client


def openai_at(http: httpx2.Client, slug: str = "openai", base: str = "") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"https://{slug}.test{base}", api_key="sk-test", http_client=http, max_retries=0)


def anthropic_at(http: httpx2.Client) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url="https://anthropic.test", api_key="sk-test", http_client=http, max_retries=0)


def google_at(http: httpx2.Client, *, vertex: bool = False) -> genai.Client:
    host = "google-vertex-ai" if vertex else "google-ai-studio"
    options = types.HttpOptions(base_url=f"https://{host}.test", httpx_client=http)
    return genai.Client(api_key="sk-test", vertexai=vertex, http_options=options)


# --- openai ----------------------------------------------------------------------------------------


def test_chat(http: httpx2.Client) -> None:
    client = openai_at(http)
    for model in ("gpt-4.1-mini", "gpt-5.6"):
        whole = client.chat.completions.create(model=model, messages=MESSAGES, n=2)
        strict(whole)
        chunks = list(
            client.chat.completions.create(
                model=model, messages=MESSAGES, n=2, stream=True, stream_options={"include_usage": True}
            )
        )
        for chunk in chunks:
            strict(chunk)
        assert chunks[-1].usage == whole.usage
    parsed = client.chat.completions.parse(model="gpt-5", messages=MESSAGES, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(city="amber", days=1)
    with client.chat.completions.stream(model="gpt-5", messages=MESSAGES, response_format=Weather) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Weather(city="amber", days=1)


@pytest.mark.parametrize("slug", FOLLOWERS)
def test_chat_of_those_who_follow(http: httpx2.Client, slug: str) -> None:
    client = openai_at(http, slug, "/v1")
    whole = client.chat.completions.create(model="m", messages=MESSAGES)
    # Groq's tier is none of those that OpenAI's SDK knows.
    assert whole.service_tier == ("on_demand" if slug == "groq" else None)
    strict(whole.model_copy(update={"service_tier": None}))
    usages = []
    for chunk in client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        strict(chunk)
        usages.append(chunk.usage)
    assert slug in ("groq", "workers-ai") or usages[-1] == whole.usage


def test_cached_tokens(http: httpx2.Client) -> None:
    client = openai_at(http)
    prompt: Any = [{"role": "user", "content": LONG}]
    found = [client.chat.completions.create(model="gpt-5.6", messages=prompt).usage for _ in range(2)]
    details = [usage.prompt_tokens_details for usage in found if usage]
    assert details[0]
    assert details[1]
    assert details[0].cache_write_tokens == details[1].cached_tokens
    read = [client.responses.create(model="gpt-5.6", input=LONG).usage for _ in range(2)]
    assert read[0]
    assert read[1]
    assert read[0].input_tokens_details.cache_write_tokens == read[1].input_tokens_details.cached_tokens > 0


def test_responses(http: httpx2.Client) -> None:
    client = openai_at(http)
    tool: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
    asks: list[Any] = [{}, {"tools": [tool], "tool_choice": "required"}, {"max_output_tokens": 16}]
    for more in asks:
        strict(client.responses.create(model="gpt-5", input="Hello", **more))
        for event in client.responses.create(model="gpt-5", input="Hello", stream=True, **more):
            strict(event)
    parsed = client.responses.parse(model="gpt-5", input="Hello", text_format=Weather)
    assert parsed.output_parsed == Weather(city="amber", days=1)


def test_images(http: httpx2.Client) -> None:
    client = openai_at(http)
    made = client.images.generate(model="gpt-image-2", prompt="A fjord")
    strict(made)
    assert made.usage
    strict(client.images.generate(model="dall-e-3", prompt="A fjord"))
    strict(client.images.edit(model="gpt-image-2", prompt="A fjord", image=io.BytesIO(b"\x89PNG")))
    for event in client.images.generate(model="gpt-image-2", prompt="A fjord", stream=True, partial_images=1):
        strict(event)


def test_audio(http: httpx2.Client) -> None:
    client = openai_at(http)
    sound = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hi", response_format="wav")
    recording = ("a.wav", sound.read(), "audio/wav")
    for model in ("gpt-4o-transcribe", "whisper-1"):
        strict(client.audio.transcriptions.create(model=model, file=recording))
    verbose = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json")
    strict(verbose)
    assert verbose.usage
    text = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="text")
    assert str(text).strip() == verbose.text
    for event in client.audio.transcriptions.create(model="gpt-4o-transcribe", file=recording, stream=True):
        strict(event)


def test_embeddings_models_and_moderations(http: httpx2.Client) -> None:
    client = openai_at(http)
    strict(client.embeddings.create(model="text-embedding-3-small", input=["a"], encoding_format="float"))
    assert len(client.embeddings.create(model="text-embedding-3-small", input="a").data[0].embedding) == 1536
    for model in client.models.list():
        strict(model)
    strict(client.moderations.create(input=["a", "b"]))


def test_openai_errors(http: httpx2.Client) -> None:
    client = openai_at(http).with_options(api_key="real")
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    with pytest.raises(openai.NotFoundError):
        openai_at(http).files.list()
    with pytest.raises(openai.BadRequestError, match="messages"):
        openai_at(http).chat.completions.create(model="m", messages=[])


def test_azure(http: httpx2.Client) -> None:
    # `AzureOpenAI` would put `/deployments/{model}` into the path, which the gateway has no room for.
    client = openai.OpenAI(
        base_url="https://azure-openai.test/resource/deployment",
        api_key="sk-test",
        default_query={"api-version": "2024-10-21"},
        http_client=http,
    )
    whole = client.chat.completions.create(model="deployment", messages=MESSAGES)
    strict(whole)
    for chunk in client.chat.completions.create(model="deployment", messages=MESSAGES, stream=True):
        strict(chunk)


# --- anthropic -------------------------------------------------------------------------------------


def test_messages(http: httpx2.Client) -> None:
    client = anthropic_at(http)
    sent: Any = {"model": "claude-sonnet-5-5", "max_tokens": 2000, "messages": MESSAGES}
    tool = {"name": "weather", "input_schema": SCHEMA}
    for more in (
        {},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"tools": [tool], "tool_choice": {"type": "any"}},
        {"max_tokens": 0},
    ):
        asked: Any = {**sent, **more}
        whole = client.messages.create(**asked)
        strict(whole)
        with client.messages.stream(**asked) as stream:
            final = stream.get_final_message()
        # The stream's blocks are of classes that can also hold what was parsed.
        dumped = [block.model_dump(exclude={"parsed_output"}) for block in final.content]
        assert dumped == [block.model_dump(exclude={"parsed_output"}) for block in whole.content]
        assert final.usage.output_tokens == whole.usage.output_tokens
        for event in client.messages.create(**asked, stream=True):
            strict(event)
    strict(client.messages.count_tokens(model="claude-sonnet-5-5", messages=MESSAGES))
    for model in client.models.list():
        assert model.id
    marked: Any = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5
    with pytest.raises(anthropic.BadRequestError, match="A maximum of 4 blocks"):
        client.messages.create(**sent, system=marked)


def test_the_explicit_cache(http: httpx2.Client) -> None:
    client = anthropic_at(http)
    block: Any = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    sent: Any = {"model": "claude-sonnet-5-5", "max_tokens": 20, "messages": MESSAGES, "system": [block]}
    first = client.messages.create(**sent).usage
    with client.messages.stream(**sent) as stream:
        second = stream.get_final_message().usage
    assert first.cache_creation
    assert first.cache_creation.ephemeral_1h_input_tokens == second.cache_read_input_tokens
    assert second.cache_read_input_tokens
    assert second.cache_creation_input_tokens == 0
    assert second.input_tokens == first.input_tokens


# --- google ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vertex", [False, True])
def test_content(http: httpx2.Client, vertex: bool) -> None:
    with google_at(http, vertex=vertex) as client:
        config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
        whole = client.models.generate_content(model="gemini-3-flash", contents="Hello", config=config)
        strict(whole)
        chunks = list(client.models.generate_content_stream(model="gemini-3-flash", contents="Hello", config=config))
        for chunk in chunks:
            strict(chunk)
        assert "".join(chunk.text or "" for chunk in chunks) == whole.text
        assert chunks[-1].usage_metadata == whole.usage_metadata
        assert whole.usage_metadata
        assert whole.usage_metadata.thoughts_token_count
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather)
        fits = client.models.generate_content(model="gemini-3-flash", contents="Hello", config=config)
        assert fits.parsed == Weather(city="amber", days=1)
        counted = client.models.count_tokens(model="gemini-3-flash", contents="Hello")
        assert counted.total_tokens == whole.usage_metadata.prompt_token_count
        usage = [
            client.models.generate_content(model="gemini-2.5-flash", contents=LONG).usage_metadata for _ in range(2)
        ]
        assert usage[1]
        assert usage[1].cached_content_token_count


def test_google_embeddings(http: httpx2.Client) -> None:
    for vertex, model in ((False, "gemini-embedding-001"), (True, "text-embedding-005")):
        with google_at(http, vertex=vertex) as client:
            found = client.models.embed_content(model=model, contents=["a"])
            strict(found)
            assert found.embeddings
            assert found.embeddings[0].values
