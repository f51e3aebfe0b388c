"""The official SDKs, pointed straight at the emulator: sync, async, streaming. Warnings are errors."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

from aig_client.apps.emulator import RunningEmulator

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
PROMPT: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hello"}]
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def openai_client(emulator: RunningEmulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=emulator.base_url("openai"), api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(emulator: RunningEmulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=emulator.base_url("anthropic"), api_key="sk-test", max_retries=0) as client:
        yield client


def google_client(emulator: RunningEmulator) -> genai.Client:
    options = types.HttpOptions(base_url=emulator.base_url("google-ai-studio"))
    return genai.Client(api_key="sk-test", vertexai=False, http_options=options)


def strict(model: object) -> None:
    """The SDKs build models without validation; validate what they built."""
    TypeAdapter(type(model)).validate_python(model.model_dump())  # type: ignore[attr-defined]


def test_openai_chat(openai_client: openai.OpenAI) -> None:
    raw = openai_client.chat.completions.with_raw_response.create(
        model="gpt-4.1-mini", messages=MESSAGES, extra_headers={"cf-aig-cache-key": "sdk-chat"}
    )
    assert raw.headers["cf-aig-cache-status"] == "MISS"
    completion = raw.parse()
    strict(completion)
    assert completion.choices[0].message.content
    assert completion.usage
    assert completion.usage.total_tokens > 0
    again = openai_client.chat.completions.with_raw_response.create(
        model="gpt-4.1-mini", messages=MESSAGES, extra_headers={"cf-aig-cache-key": "sdk-chat"}
    )
    assert again.headers["cf-aig-cache-status"] == "HIT"
    assert again.parse() == completion


@pytest.mark.parametrize(
    ("extra", "cache"),
    [({}, "MISS"), ({"cf-aig-cache-key": "s"}, "MISS"), ({"cf-aig-cache-key": "s"}, "HIT")],
)
def test_openai_chat_stream(openai_client: openai.OpenAI, extra: dict[str, str], cache: str) -> None:
    with openai_client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=extra,
    ) as stream:
        assert stream.response.headers["cf-aig-cache-status"] == cache
        chunks = list(stream)
    for chunk in chunks:
        strict(chunk)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage


def test_openai_chat_stream_with_a_tool(openai_client: openai.OpenAI) -> None:
    with openai_client.chat.completions.stream(
        model="gpt-4.1-mini",
        messages=MESSAGES,
        tools=[{"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}],
        tool_choice="required",
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    calls = final.choices[0].message.tool_calls
    assert calls
    assert calls[0].function.name == "weather"


def test_openai_responses(openai_client: openai.OpenAI) -> None:
    response = openai_client.responses.create(model="gpt-5", input="Hello")
    strict(response)
    assert response.output_text
    with openai_client.responses.create(model="gpt-5", input="Hello", stream=True) as events:
        for event in events:
            strict(event)
    with openai_client.responses.stream(model="gpt-5", input="Hello") as stream:
        final = stream.get_final_response()
    assert final.output_text == response.output_text
    assert final.usage
    assert final.usage.total_tokens > 0


def test_openai_responses_with_a_tool(openai_client: openai.OpenAI) -> None:
    tool: FunctionToolParam = {
        "type": "function",
        "name": "weather",
        "parameters": SCHEMA,
        "strict": True,
    }
    response = openai_client.responses.create(model="gpt-5", input="Hello", tools=[tool], tool_choice="required")
    strict(response)
    assert response.output[0].type == "function_call"
    with openai_client.responses.stream(model="gpt-5", input="Hello", tools=[tool], tool_choice="required") as stream:
        assert stream.get_final_response().output[0].type == "function_call"


def test_openai_embeddings_and_models(openai_client: openai.OpenAI) -> None:
    packed = openai_client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    plain = openai_client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], encoding_format="float")
    strict(plain)
    assert len(packed.data[0].embedding) == 1536
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding)
    assert [model.id for model in openai_client.models.list()]


def test_openai_errors(emulator: RunningEmulator, guarded: RunningEmulator) -> None:
    with openai.OpenAI(base_url=emulator.base_url("openai"), api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as provider:
            client.chat.completions.create(model="gpt-5", messages=MESSAGES)
        assert provider.value.code == "invalid_api_key"
    with openai.OpenAI(base_url=guarded.base_url("openai"), api_key="sk-test", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as gateway:
            client.chat.completions.create(model="gpt-5", messages=MESSAGES)
        # Shape E4 of the contract: the SDK lifts the list out of `error`.
        assert gateway.value.body == [{"code": 2009, "message": "Unauthorized"}]


@pytest.mark.parametrize("model", ["openai/gpt-5", "anthropic/claude-sonnet-5-5", "google-ai-studio/gemini-3-flash"])
def test_openai_sdk_over_compat(emulator: RunningEmulator, model: str) -> None:
    with openai.OpenAI(base_url=emulator.base_url("compat"), api_key="sk-test", max_retries=0) as client:
        completion = client.chat.completions.create(model=model, messages=MESSAGES)
        strict(completion)
        assert completion.model == model.partition("/")[2]


@pytest.mark.anyio
async def test_openai_async(emulator: RunningEmulator) -> None:
    base = emulator.base_url("openai")
    async with openai.AsyncOpenAI(base_url=base, api_key="sk-test", max_retries=0) as client:
        completion = await client.chat.completions.create(model="gpt-5", messages=MESSAGES)
        stream = await client.chat.completions.create(model="gpt-5", messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text == completion.choices[0].message.content
        async with client.responses.stream(model="gpt-5", input="Hello") as events:
            assert (await events.get_final_response()).output_text
        assert (await client.embeddings.create(model="text-embedding-3-small", input="a")).data


def test_anthropic_messages(anthropic_client: anthropic.Anthropic) -> None:
    message = anthropic_client.messages.create(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT)
    strict(message)
    assert message.usage.output_tokens > 0
    with anthropic_client.messages.stream(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert message.content[0].type == "text"
    assert text == message.content[0].text
    assert final.usage.output_tokens == message.usage.output_tokens
    with anthropic_client.messages.create(
        model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT, stream=True
    ) as events:
        for event in events:
            strict(event)


def test_anthropic_tool(anthropic_client: anthropic.Anthropic) -> None:
    tool: anthropic.types.ToolParam = {"name": "weather", "input_schema": SCHEMA}
    with anthropic_client.messages.stream(
        model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT, tools=[tool], tool_choice={"type": "any"}
    ) as stream:
        block = stream.get_final_message().content[0]
    assert block.type == "tool_use"
    assert list(block.input) == ["city"]


def test_anthropic_errors(emulator: RunningEmulator, guarded: RunningEmulator) -> None:
    base = emulator.base_url("anthropic")
    with (
        anthropic.Anthropic(base_url=base, api_key="wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"),
    ):
        client.messages.create(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT)
    base = guarded.base_url("anthropic")
    with (
        anthropic.Anthropic(base_url=base, api_key="sk-test", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError, match="2009"),
    ):
        client.messages.create(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT)


@pytest.mark.anyio
async def test_anthropic_async(emulator: RunningEmulator) -> None:
    base = emulator.base_url("anthropic")
    async with anthropic.AsyncAnthropic(base_url=base, api_key="sk-test", max_retries=0) as client:
        message = await client.messages.create(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT)
        async with client.messages.stream(model="claude-sonnet-5-5", max_tokens=64, messages=PROMPT) as stream:
            final = await stream.get_final_message()
    spoken, streamed = message.content[0], final.content[0]
    assert spoken.type == "text"
    assert streamed.type == "text"
    assert streamed.text == spoken.text


def test_google(emulator: RunningEmulator) -> None:
    with google_client(emulator) as client:
        answer = client.models.generate_content(model="gemini-3-flash", contents="Hello")
        chunks = list(client.models.generate_content_stream(model="gemini-3-flash", contents="Hello"))
    assert answer.text
    assert answer.text == "".join(chunk.text or "" for chunk in chunks)
    assert answer.usage_metadata
    assert answer.usage_metadata.total_token_count
    assert chunks[-1].usage_metadata == answer.usage_metadata


def test_google_tool_and_error(emulator: RunningEmulator) -> None:
    declaration = types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declaration])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        ),
    )
    with google_client(emulator) as client:
        answer = client.models.generate_content(model="gemini-3-flash", contents="Hello", config=config)
        assert answer.function_calls
        assert answer.function_calls[0].name == "weather"
    options = types.HttpOptions(base_url=emulator.base_url("google-ai-studio"))
    with (
        genai.Client(api_key="wrong", vertexai=False, http_options=options) as client,
        pytest.raises(genai.errors.ClientError, match="API key not valid"),
    ):
        client.models.generate_content(model="gemini-3-flash", contents="Hello")


@pytest.mark.anyio
async def test_google_async(emulator: RunningEmulator) -> None:
    async with google_client(emulator).aio as client:
        answer = await client.models.generate_content(model="gemini-3-flash", contents="Hello")
        stream = await client.models.generate_content_stream(model="gemini-3-flash", contents="Hello")
        text = "".join([chunk.text or "" async for chunk in stream])
    assert text == answer.text
