"""What a request needs, read from its body in every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import UNSET
from aig_client.core.path._reading import MEDIA_TOKENS
from aig_client.core.path._work import LONG_CONTEXT, Work, difficulty, infer_class, work_of

PIXELS = "iVBORw0KGgo" * 10_000
FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def said(*content: object, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}], **more}


def parts(*content: object, **more: object) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(content)}], **more}


def hello(**more: object) -> dict[str, Any]:
    return {"model": "a-model-with-a-long-name", "messages": [{"role": "user", "content": "Hello"}], **more}


# Five characters, so two tokens, and a picture or the like of which nothing is text.
HI = {"type": "text", "text": "Hello"}
MEDIA: list[tuple[str, Any, str]] = [
    ("chat", said(HI, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}), "image"),
    ("chat", said(HI, {"type": "input_audio", "input_audio": {"data": PIXELS, "format": "wav"}}), "audio"),
    ("chat", said(HI, {"type": "file", "file": {"file_data": PIXELS, "filename": "a.pdf"}}), "file"),
    ("chat", said(HI, {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}}), "video"),
    (
        "responses",
        {"input": [{"role": "user", "content": ["Hello", {"type": "input_image", "image_url": PIXELS}]}]},
        "image",
    ),
    ("responses", {"input": [{"content": ["Hello", {"type": "input_file", "file_data": PIXELS}]}]}, "file"),
    ("messages", said(HI, {"type": "image", "source": {"type": "base64", "data": PIXELS}}), "image"),
    ("messages", said(HI, {"type": "document", "source": {"type": "base64", "data": PIXELS}}), "file"),
    ("messages", said(HI, {"type": "document", "source": {"type": "url", "url": "https://a.example/b"}}), "file"),
    ("generate_content", parts({"text": "Hello"}, {"inlineData": {"mimeType": "image/png", "data": PIXELS}}), "image"),
    (
        "generate_content",
        parts({"text": "Hello"}, {"inline_data": {"mime_type": "audio/mp3", "data": PIXELS}}),
        "audio",
    ),
    ("generate_content", parts({"text": "Hello"}, {"fileData": {"mimeType": "video/mp4", "fileUri": PIXELS}}), "video"),
    (
        "generate_content",
        parts({"text": "Hello"}, {"inlineData": {"mimeType": "application/pdf", "data": PIXELS}}),
        "file",
    ),
    ("run", {"prompt": "Hello", "image": [137, 80, 78] * 1000}, "image"),
    ("run", {"input": {"prompt": "Hello", "image": PIXELS}, "model": "@cf/a/b"}, "image"),
    ("run", {"messages": [{"content": [{"text": "Hello"}, {"image": {"source": {"bytes": PIXELS}}}]}]}, "image"),
    ("transcription", {"prompt": "Hello", "file": PIXELS}, "audio"),
]


@pytest.mark.parametrize(("kind", "body", "medium"), MEDIA)
def test_media_are_seen_and_never_counted_as_text(kind: Any, body: Any, medium: str) -> None:
    work = work_of(kind, body)
    seen = {"image": work.images, "audio": work.audio, "video": work.video, "file": work.files}
    assert {name for name, there in seen.items() if there} == {medium}
    assert work.estimated_input_tokens == 2 + MEDIA_TOKENS[medium]  # type: ignore[index]


def test_a_picture_among_a_tools_results_is_one() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": PIXELS}}
    work = work_of("messages", said({"type": "tool_result", "tool_use_id": "toolu_1", "content": [HI, image]}))
    assert (work.images, work.tool_history, work.estimated_input_tokens) == (True, True, 1002)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "messages",
            said({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 40}}),
        ),
        (
            "messages",
            said({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x" * 33}]}}),
        ),
        ("messages", said({"type": "thinking", "thinking": "x" * 40, "signature": "s" * 900})),
        ("generate_content", parts({"text": "x" * 40}, {"inlineData": {"mimeType": "text/plain", "data": PIXELS}})),
        ("generate_content", parts({"text": "x" * 40, "thoughtSignature": "s" * 900})),
        ("responses", {"input": [{"type": "reasoning", "encrypted_content": "s" * 900}, {"content": "x" * 40}]}),
        ("chat", {"messages": [{"role": "system", "content": "x" * 20}, {"role": "user", "content": "x" * 20}]}),
        ("chat", hello(messages=["x" * 40], metadata={"a": "s" * 400}, user="s" * 400, stop=["s" * 40])),
        ("embeddings", {"input": [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]}),
        ("embeddings", {"input": ["x" * 20, "x" * 20]}),
        (
            "universal",
            [{"provider": "openai", "query": {"messages": [{"content": "x" * 40}]}}, {"query": {"a": "x" * 90}}],
        ),
        ("speech", {"model": "tts", "voice": "alloy", "input": "x" * 40}),
        ("image", {"prompt": "x" * 40, "size": "1024x1024"}),
        ("other", {"anything": {"at": ["x" * 20, {"all": "x" * 20}]}}),
    ],
)
def test_forty_characters_are_ten_tokens_wherever_they_stand(kind: Any, body: Any) -> None:
    assert work_of(kind, body).estimated_input_tokens in (9, 10)
    assert not work_of(kind, body).files


def test_tools_history_and_system_prompt_count() -> None:
    bare = work_of("messages", hello()).estimated_input_tokens
    assert work_of("messages", hello(system="s" * 400)).estimated_input_tokens == bare + 100
    assert work_of("messages", hello(tools=[{"name": "n" * 396}])).estimated_input_tokens == bare + 100
    call = {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "i" * 40, "name": "n", "input": {"city": "c" * 395}}],
    }
    assert work_of("messages", {"messages": [*hello()["messages"], call]}).estimated_input_tokens == bare + 100


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
TOOLS: list[tuple[str, Any, tuple[bool, bool, bool]]] = [
    ("chat", hello(), (False, False, False)),
    ("chat", hello(tools=[]), (False, False, False)),
    ("chat", hello(tools=[{"type": "function", "function": FUNCTION}]), (True, False, False)),
    ("chat", hello(functions=[FUNCTION]), (True, False, False)),
    ("chat", hello(web_search_options={}), (False, False, True)),
    ("chat", {"messages": [{"role": "tool", "tool_call_id": "a", "content": "4"}]}, (True, True, False)),
    ("chat", {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, (True, True, False)),
    ("chat", {"messages": [{"role": "assistant", "content": "a", "tool_calls": None}]}, (False, False, False)),
    ("chat", {"messages": [{"role": "assistant", "content": "a", "tool_calls": []}]}, (False, False, False)),
    ("responses", {"input": "a", "tools": [{"type": "function", "name": "a"}]}, (True, False, False)),
    ("responses", {"input": "a", "tools": [{"type": "web_search_preview"}]}, (False, False, True)),
    ("responses", {"input": [{"type": "function_call", "arguments": "{}"}]}, (True, True, False)),
    ("responses", {"input": [{"type": "additional_tools", "tools": [{"type": "function"}]}]}, (True, False, False)),
    ("messages", hello(tools=[SEARCH]), (False, False, True)),
    ("messages", hello(tools=[SEARCH, FUNCTION]), (True, False, True)),
    ("messages", hello(mcp_servers=[{"url": "https://a.example"}]), (True, False, False)),
    ("messages", said({"type": "tool_use", "name": "a", "input": {}}), (True, True, False)),
    ("generate_content", parts({"text": "a"}, tools=[{"functionDeclarations": [FUNCTION]}]), (True, False, False)),
    ("generate_content", parts({"text": "a"}, tools=[{"googleSearch": {}}]), (False, False, True)),
    ("generate_content", parts({"text": "a"}, tools=[{"google_search_retrieval": {}}]), (False, False, True)),
    (
        "generate_content",
        parts({"text": "a"}, tools=[{"googleSearch": {}, "functionDeclarations": [FUNCTION]}]),
        (True, False, True),
    ),
    ("generate_content", parts({"functionCall": {"name": "a", "args": {"image": {"b": 1}}}}), (True, True, False)),
    ("run", {"prompt": "a", "tools": [FUNCTION]}, (True, False, False)),
]


@pytest.mark.parametrize(("kind", "body", "expected"), TOOLS)
def test_tools_history_and_web_search(kind: Any, body: Any, expected: tuple[bool, bool, bool]) -> None:
    work = work_of(kind, body)
    assert (work.tools, work.tool_history, work.web_search) == expected
    assert not work.images


STRUCTURED: list[tuple[str, Any, str]] = [
    ("chat", hello(), "none"),
    ("chat", hello(response_format={"type": "text"}), "none"),
    ("chat", hello(response_format={"type": "json_object"}), "json_mode"),
    ("chat", hello(response_format={"type": "json_schema", "json_schema": {}}), "native"),
    ("responses", {"input": "a", "text": {"format": {"type": "text"}}}, "none"),
    ("responses", {"input": "a", "text": {"verbosity": "low"}}, "none"),
    ("responses", {"input": "a", "text": {"format": {"type": "json_schema", "schema": {}}}}, "native"),
    ("messages", hello(output_config={"format": {"type": "json_schema", "schema": {}}}), "native"),
    ("messages", hello(output_config={"effort": "high"}), "none"),
    ("messages", hello(output_format={"type": "json_schema", "schema": {}}), "native"),
    ("generate_content", parts(generationConfig={"responseMimeType": "text/plain"}), "none"),
    ("generate_content", parts(generationConfig={"responseMimeType": "application/json"}), "json_mode"),
    ("generate_content", parts(generation_config={"response_mime_type": "application/json"}), "json_mode"),
    ("generate_content", parts(generationConfig={"responseMimeType": "text/x.enum"}), "native"),
    ("generate_content", parts(generationConfig={"responseSchema": {"type": "STRING"}}), "native"),
    ("generate_content", parts(generationConfig={"responseJsonSchema": {"type": "string"}}), "native"),
    ("run", {"prompt": "a", "response_format": {"type": "json_object"}}, "json_mode"),
]


@pytest.mark.parametrize(("kind", "body", "expected"), STRUCTURED)
def test_structured_output(kind: Any, body: Any, expected: str) -> None:
    assert work_of(kind, body).structured_output == expected


REASONING: list[tuple[str, Any, bool]] = [
    ("chat", hello(), False),
    ("chat", hello(reasoning_effort="high"), True),
    ("chat", hello(reasoning_effort="none"), False),
    ("chat", hello(reasoning={"enabled": True}), True),
    ("chat", hello(reasoning={"enabled": False}), False),
    ("responses", {"input": "a", "reasoning": {"effort": "low"}}, True),
    ("responses", {"input": "a", "reasoning": {"effort": "none"}}, False),
    ("responses", {"input": "a", "reasoning": {}}, False),
    ("messages", hello(thinking={"type": "enabled", "budget_tokens": 2000}), True),
    ("messages", hello(thinking={"type": "adaptive"}), True),
    ("messages", hello(thinking={"type": "disabled"}), False),
    ("generate_content", parts(generationConfig={"thinkingConfig": {"thinkingBudget": -1}}), True),
    ("generate_content", parts(generationConfig={"thinkingConfig": {"thinkingBudget": 0}}), False),
    ("generate_content", parts(generationConfig={"thinkingConfig": {"thinkingLevel": "high"}}), True),
]


@pytest.mark.parametrize(("kind", "body", "expected"), REASONING)
def test_thinking_that_is_asked_for(kind: Any, body: Any, expected: bool) -> None:
    assert work_of(kind, body).reasoning is expected


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("chat", hello(max_tokens=5), 5),
        ("chat", hello(max_completion_tokens=7, max_tokens=5), 7),
        ("chat", hello(max_tokens=None), None),
        ("chat", hello(max_tokens=0), None),
        ("chat", hello(max_tokens="5"), None),
        ("chat", hello(max_tokens=True), None),
        ("responses", {"input": "a", "max_output_tokens": 5}, 5),
        ("messages", hello(max_tokens=5), 5),
        ("generate_content", parts(generationConfig={"maxOutputTokens": 5}), 5),
        ("generate_content", parts(generationConfig={"maxOutputTokens": "5"}), 5),
        ("generate_content", parts(maxOutputTokens=5), None),
        ("run", {"input": {"prompt": "a", "max_tokens": 5}}, 5),
    ],
)
def test_the_bound_of_the_output(kind: Any, body: Any, expected: int | None) -> None:
    if kind == "generate_content" and "generationConfig" not in body:
        body["generationConfig"] = {}
    assert work_of(kind, body).max_output_tokens == expected


def test_stream_is_what_the_path_says_or_else_the_body() -> None:
    assert work_of("chat", hello(stream=True)).stream
    assert not work_of("chat", hello(stream="yes")).stream
    assert not work_of("chat", hello(stream=True), stream=False).stream
    assert work_of("generate_content", parts({"text": "a"}), stream=True).stream


def test_turns_are_counted() -> None:
    assert work_of("chat", {"messages": [{"content": "a"}] * 3}).messages == 3
    assert work_of("responses", {"input": "a"}).messages == 1
    assert work_of("responses", {"input": ["a", "b"], "prompt": {"id": "p"}}).messages == 2
    assert work_of("generate_content", parts({"text": "a"})).messages == 1
    assert work_of("embeddings", {"input": ["a", "b"]}).messages == 0


@pytest.mark.parametrize(
    "tree", [UNSET, None, 7, "text", [], [[]], {}, {"messages": None}, {1: 2}, {"messages": {"a": 1}}]
)
def test_what_is_no_request_needs_nothing(tree: object) -> None:
    assert work_of("chat", tree) == Work(kind="chat")


def test_depth_and_loops_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = "x" * 4
    for _ in range(100_000):
        deep = [deep]
    assert work_of("chat", {"messages": deep}).estimated_input_tokens == 1
    while isinstance(deep, list):  # taken apart by hand: to let go of it all at once would go as deep
        deep = deep.pop()
    monkeypatch.setattr("aig_client.core.path._reading.MOST_NODES", 1_000)
    loop: list[Any] = ["x" * 4]
    loop.insert(0, loop)
    assert work_of("chat", {"messages": loop, "tools": loop}).estimated_input_tokens > 0


@pytest.mark.parametrize(
    ("work", "expected", "sign"),
    [
        ({}, "balanced", "nothing in it asks for more"),
        ({"structured_output": "native"}, "balanced", "it asks for structured output"),
        (
            {"structured_output": "native", "estimated_input_tokens": LONG_CONTEXT},
            "long_context",
            "about 50000 tokens go in",
        ),
        ({"estimated_input_tokens": LONG_CONTEXT - 1}, "balanced", "nothing in it asks for more"),
        ({"tools": True, "estimated_input_tokens": LONG_CONTEXT}, "tool_loop", "it has tools"),
        ({"tools": True, "tool_history": True}, "tool_loop", "it has used tools"),
        ({"images": True, "tools": True}, "vision", "it has pictures"),
        ({"video": True}, "vision", "it has pictures"),
        ({"web_search": True}, "balanced", "nothing in it asks for more"),
    ],
)
def test_the_class_that_is_inferred(work: dict[str, Any], expected: str, sign: str) -> None:
    assert infer_class(Work(kind="chat", **work)) == (expected, sign)


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ({}, 0),
        ({"estimated_input_tokens": 249}, 0),
        ({"estimated_input_tokens": 250}, 5),
        ({"estimated_input_tokens": 500}, 10),
        ({"estimated_input_tokens": 16_000}, 35),
        ({"estimated_input_tokens": 10**9}, 35),
        ({"messages": 1}, 0),
        ({"messages": 4}, 3),
        ({"messages": 100}, 15),
        ({"tools": True}, 15),
        ({"tools": True, "tool_history": True}, 20),
        ({"structured_output": "json_mode"}, 5),
        ({"structured_output": "native"}, 10),
        ({"reasoning": True}, 20),
        (
            {
                "estimated_input_tokens": 10**6,
                "messages": 99,
                "tools": True,
                "tool_history": True,
                "structured_output": "native",
                "reasoning": True,
            },
            100,
        ),
    ],
)
def test_difficulty_is_a_sum_of_counts(work: dict[str, Any], expected: int) -> None:
    assert difficulty(Work(kind="chat", **work)) == expected


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("chat", hello(), 1),
        ("chat", hello(n=8), 8),
        ("chat", hello(n=8.0), 8),
        ("chat", hello(n=2.5), 1),
        ("chat", hello(n="8"), 1),
        ("chat", hello(n=True), 1),
        ("chat", hello(n=0), 1),
        ("chat", hello(n=float("inf")), 1),
        ("chat", hello(candidateCount=8), 1),
        ("other", {"prompt": "a", "n": 2, "best_of": 5}, 5),
        ("other", {"prompt": "a", "n": 5, "best_of": 2}, 5),
        ("run", {"input": {"prompt": "a", "n": 3}}, 3),
        ("generate_content", parts(generationConfig={"candidateCount": 4}), 4),
        ("generate_content", parts(generationConfig={"candidate_count": 4}), 4),
        ("generate_content", parts(generation_config={"candidateCount": "4"}), 4),
        ("generate_content", parts(generationConfig={"candidateCount": "4" * 10}), 1),
        ("generate_content", parts(generationConfig={"n": 4}), 1),
    ],
)
def test_how_many_answers_are_asked_for(kind: Any, body: Any, expected: int) -> None:
    assert work_of(kind, body).choices == expected


def test_how_many_answers_changes_neither_class_nor_difficulty() -> None:
    one, many = work_of("chat", hello()), work_of("chat", hello(n=100))
    assert (infer_class(one), difficulty(one)) == (infer_class(many), difficulty(many))
