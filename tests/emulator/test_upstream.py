"""A real provider behind the emulator, by option: here a second, tiny server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread

from ..serving import in_thread
from .driver import KEY, chat


class Provider(BaseHTTPRequestHandler):
    """Echoes what it saw; `/stream` sends two parts with a pause, `/cut` breaks off."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.path.partition("?")[0].rpartition("/")[2]
        if name in ("stream", "cut"):
            self._stream(cut=name == "cut")
            return
        names = sorted(key.lower() for key in self.headers)
        seen = {
            "path": self.path,
            "headers": names,
            "body": body.decode(),
            "key": self.headers["authorization"],
        }
        answer = json.dumps(seen).encode()
        self.send_response(429 if name == "limited" else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.send_header("cf-aig-cache-status", "HIT")
        self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(answer)

    def _stream(self, *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in (b"data: one\n\n", b"data: two\n\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
            time.sleep(0.3)
            if cut:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Quiet."""


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Provider)) as origin:
        yield origin


@pytest.fixture(scope="module")
def fronted(provider: str) -> Iterator[RunningEmulator]:
    upstreams = {"openai": f"{provider}/v1", "anthropic": provider}
    with serve_in_thread(EmulatorConfig(upstreams=upstreams)) as running:
        yield running


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(headers=KEY, timeout=20) as client:
        yield client


def test_path_query_body_and_key_arrive_unchanged(fronted: RunningEmulator, http: httpx.Client) -> None:
    response = http.post(f"{fronted.base_url('openai')}/chat/completions?a=b%20c", content=b'{"x":  1}')
    seen = response.json()
    assert seen["path"] == "/v1/chat/completions?a=b%20c"
    assert seen["body"] == '{"x":  1}'
    assert seen["key"] == KEY["authorization"]
    assert response.headers["retry-after"] == "7"


def test_no_cloudflare_header_goes_out_and_none_comes_back(fronted: RunningEmulator, http: httpx.Client) -> None:
    headers = {
        "cf-aig-authorization": "Bearer t",
        "cf-aig-metadata": "{}",
        "CF-AIG-Cache-Key": "up",
        "cf-skip-cache": "x",
    }
    response = http.post(f"{fronted.base_url('openai')}/chat/completions", content=chat(), headers=headers)
    assert not [name for name in response.json()["headers"] if name.startswith("cf-")]
    assert response.headers.get_list("cf-aig-cache-status") == ["MISS"]
    again = http.post(f"{fronted.base_url('openai')}/chat/completions", content=chat(), headers=headers)
    assert again.headers.get_list("cf-aig-cache-status") == ["HIT"]
    assert again.content == response.content


def test_a_stream_passes_unbuffered_and_is_stored_when_complete(fronted: RunningEmulator, http: httpx.Client) -> None:
    url, headers = f"{fronted.base_url('anthropic')}/stream", {"cf-aig-cache-key": "whole-stream"}
    with http.stream("POST", url, content=b"{}", headers=headers) as response:
        parts = response.iter_raw()
        first = next(parts)
        start = time.perf_counter()
        rest = b"".join(parts)
    assert first == b"data: one\n\n"
    assert time.perf_counter() - start > 0.2
    again = http.post(url, content=b"{}", headers=headers)
    assert (again.headers["cf-aig-cache-status"], again.content) == ("HIT", first + rest)


def test_a_cut_stream_is_cut_for_the_caller_too_and_not_stored(fronted: RunningEmulator, http: httpx.Client) -> None:
    url, headers = f"{fronted.base_url('anthropic')}/cut", {"cf-aig-cache-key": "cut-stream"}
    for _ in range(2):
        with http.stream("POST", url, content=b"{}", headers=headers) as response:
            assert response.headers["cf-aig-cache-status"] == "MISS"
            with pytest.raises(httpx.RemoteProtocolError):
                response.read()


def test_a_caller_that_leaves_ends_the_upstream_call(fronted: RunningEmulator, http: httpx.Client) -> None:
    url, headers = f"{fronted.base_url('anthropic')}/stream", {"cf-aig-cache-key": "left"}
    with http.stream("POST", url, content=b"{}", headers=headers) as response:
        next(response.iter_raw())
    time.sleep(0.8)
    again = http.post(url, content=b"{}", headers=headers)
    assert again.headers["cf-aig-cache-status"] == "MISS"


def test_an_error_of_the_provider_passes_and_is_not_stored(fronted: RunningEmulator, http: httpx.Client) -> None:
    for _ in range(2):
        response = http.post(
            f"{fronted.base_url('anthropic')}/limited", content=b"{}", headers={"cf-aig-cache-key": "limited"}
        )
        assert (response.status_code, response.headers["cf-aig-cache-status"]) == (429, "MISS")


def test_compat_reaches_the_provider_s_own_compatible_endpoint(fronted: RunningEmulator, http: httpx.Client) -> None:
    expected = {"openai/gpt-5": "/v1/chat/completions", "anthropic/claude": "/v1/chat/completions"}
    for model, path in expected.items():
        response = http.post(f"{fronted.base_url('compat')}/chat/completions", content=chat(model=model))
        assert response.json()["path"] == path
        assert json.loads(response.json()["body"])["model"] == model.partition("/")[2]


def test_a_provider_without_upstream_stays_imitated(fronted: RunningEmulator, http: httpx.Client) -> None:
    url = f"{fronted.base_url('google-ai-studio')}/v1beta/models/gemini-3-flash:generateContent"
    body = json.dumps({"contents": [{"parts": [{"text": "Hi"}]}]})
    assert "candidates" in http.post(url, content=body, headers={"x-goog-api-key": "sk-test"}).json()


def test_nobody_there_is_2005(http: httpx.Client) -> None:
    with serve_in_thread(EmulatorConfig(upstreams={"openai": "http://127.0.0.1:9"})) as emulator:
        response = http.post(f"{emulator.base_url('openai')}/chat/completions", content=chat())
        assert (response.status_code, response.json()["internalCode"]) == (400, 2005)
        assert http.get(emulator.origin).status_code == 404
