"""Non-realtime WebSocket messages over a real socket (contract 3.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from aig_client.apps.emulator import RunningEmulator

from .driver import chat

KEY = {"Authorization": "Bearer sk-test-one", "Content-Type": "application/json"}


def create(**more: Any) -> str:
    request = {
        "eventId": "my-request",
        "provider": "openai",
        "endpoint": "chat/completions",
        "headers": KEY,
        "query": json.loads(chat()),
        **more,
    }
    return json.dumps({"type": "universal.create", "request": request})


def url(emulator: RunningEmulator) -> str:
    return emulator.gateway_url.replace("http://", "ws://")


@contextmanager
def connected(emulator: RunningEmulator, **options: Any) -> Iterator[ClientConnection]:
    with connect(url(emulator), proxy=None, **options) as socket:
        yield socket


def received(socket: ClientConnection) -> Iterator[str]:
    """Messages until the connection is closed from the other side."""
    while True:
        try:
            yield str(socket.recv(timeout=5))
        except ConnectionClosed:
            return


def say(socket: ClientConnection, text: str) -> Any:
    socket.send(text)
    return json.loads(socket.recv(timeout=5))


def test_one_answer(emulator: RunningEmulator) -> None:
    with connected(emulator) as socket:
        message = say(socket, create())
    assert message["type"] == "universal.created"
    metadata = message["metadata"]
    assert (metadata["cacheStatus"], metadata["eventId"], metadata["step"]) == ("MISS", "my-request", "0")
    assert metadata["contentType"] == "application/json"
    assert metadata["logId"] == emulator.log[-1].log_id
    assert message["response"]["object"] == "chat.completion"


def test_a_stream(emulator: RunningEmulator) -> None:
    streamed = create(query=json.loads(chat(stream=True)))
    with connected(emulator) as socket:
        first = say(socket, streamed)
        messages = [first]
        while messages[-1]["type"] != "universal.done":
            messages.append(json.loads(socket.recv(timeout=5)))
        again = say(socket, create())
    kinds = [message["type"] for message in messages]
    assert kinds == ["universal.created", *["universal.stream"] * (len(kinds) - 2), "universal.done"]
    assert len(kinds) > 4
    assert "response" not in first
    assert first["metadata"] == messages[-1]["metadata"]
    assert messages[1]["metadata"] == {"eventId": "my-request"}
    assert messages[1]["response"]["object"] == "chat.completion.chunk"
    assert again["type"] == "universal.created"


def test_the_cache_serves_messages_too(emulator: RunningEmulator) -> None:
    headers = {**KEY, "cf-aig-cache-key": "websocket"}
    with connected(emulator) as socket:
        statuses = [say(socket, create(headers=headers))["metadata"]["cacheStatus"] for _ in range(2)]
    assert statuses == ["MISS", "HIT"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"type": "other"}', '{"type": "universal.create"}', create(provider="nobody"), create(endpoint=1)],
)
def test_a_message_that_is_none_is_answered_and_the_connection_lives(emulator: RunningEmulator, text: str) -> None:
    with connected(emulator) as socket:
        message = say(socket, text)
        assert (message["metadata"]["status"], message["response"]["internalCode"]) == (400, 2008)
        assert say(socket, create())["metadata"]["cacheStatus"] == "MISS"


def test_the_token_comes_in_a_header_or_as_a_subprotocol(guarded: RunningEmulator) -> None:
    without_key = create(headers={})
    with connected(guarded, additional_headers={"cf-aig-authorization": "Bearer local-token"}) as socket:
        assert say(socket, without_key)["response"]["object"] == "chat.completion"
    protocol = Subprotocol("cf-aig-authorization.local-token")
    with connected(guarded, subprotocols=[protocol]) as socket:
        assert socket.subprotocol == protocol
        assert say(socket, without_key)["response"]["object"] == "chat.completion"
    with pytest.raises(InvalidStatus), connected(guarded):
        pass


def test_only_the_universal_path_has_messages(emulator: RunningEmulator) -> None:
    with pytest.raises(InvalidStatus), connect(f"{url(emulator)}/openai", proxy=None):
        pass


def test_a_cut_stream_closes_the_connection(emulator: RunningEmulator) -> None:
    headers = {**KEY, "x-aig-fault": "cut;after=2"}
    with connected(emulator) as socket:
        socket.send(create(headers=headers, query=json.loads(chat(stream=True))))
        kinds = [json.loads(message)["type"] for message in received(socket)]
    assert kinds == ["universal.created", "universal.stream", "universal.stream"]


def test_a_huge_message_is_refused(emulator: RunningEmulator) -> None:
    with connected(emulator, max_size=None) as socket:
        socket.send("x" * (2 * 1024 * 1024))
        assert list(received(socket)) == []
