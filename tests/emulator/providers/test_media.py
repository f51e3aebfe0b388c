"""OpenAI's images, speech, transcriptions, embeddings, moderations; forms, pictures and sound underneath."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator._forms import read_form
from aig_client.apps.emulator.providers._pixels import png
from aig_client.apps.emulator.providers._sound import mp3, pcm, seconds_of, wav

from .desk import Desk, Told

BOUNDARY = "--------------------------a1b2c3"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(fields: dict[str, str], files: dict[str, bytes]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, data in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{name}.bin"\r\nContent-Type: audio/wav'
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(path: str, fields: dict[str, str], files: dict[str, bytes], say: str | None = None) -> Told:
    return Desk().ask("openai", path, body=form(fields, files), more={"content-type": FORM_TYPE}, say=say)


def image(**fields: Any) -> Told:
    return Desk().ask("openai", "/images/generations", {"prompt": "A fjord", "model": "gpt-image-2", **fields})


def is_png(data: bytes) -> bool:
    """Every chunk's checksum is right, and the pixels are all there."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, sizes = 8, b"", (0, 0)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + chunk)
        sizes = struct.unpack(">II", chunk[:8]) if kind == b"IHDR" else sizes
        pixels += chunk if kind == b"IDAT" else b""
        at += 12 + length
    return len(zlib.decompress(pixels)) == sizes[1] * (1 + 3 * sizes[0])


# --- images ----------------------------------------------------------------------------------------


def test_a_picture_is_a_png_of_the_prompt() -> None:
    assert is_png(png(b"a"))
    assert png(b"a") == png(b"a") != png(b"b")


def test_gpt_image_gives_base64_and_usage() -> None:
    whole = image(n=2, quality="high", size="1536x1024").json
    pictures = [base64.b64decode(row["b64_json"]) for row in whole["data"]]
    assert all(map(is_png, pictures))
    assert pictures[0] != pictures[1]
    usage = whole["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == 2 * 4160
    assert (whole["quality"], whole["size"], whole["output_format"]) == ("high", "1536x1024", "png")


def test_dall_e_gives_urls_that_nobody_has() -> None:
    urls = [row["url"] for row in image(model="dall-e-3", n=2).json["data"]]
    assert len(set(urls)) == 2
    assert all(url.startswith("https://images.invalid/") for url in urls)
    packed = image(model="dall-e-3", response_format="b64_json").json["data"][0]["b64_json"]
    assert is_png(base64.b64decode(packed))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 11}, "n"),
        ({"n": True}, "n"),
        ({"output_format": "webp"}, "output_format"),
        ({"response_format": "url"}, "response_format"),
        ({"prompt": ""}, "prompt"),
    ],
)
def test_pictures_that_are_refused(fields: dict[str, Any], named: str) -> None:
    told = image(**fields)
    assert (told.status, told.json["error"]["param"]) == (400, named)


def test_pictures_come_in_parts_too() -> None:
    events = image(stream=True, partial_images=2).events
    assert [event["type"].rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"]
    assert events[-1]["b64_json"] == image().json["data"][0]["b64_json"]
    assert events[-1]["usage"] == image().json["usage"]


def test_pictures_are_edited_by_form() -> None:
    fields = {"prompt": "A fjord", "model": "gpt-image-2", "n": "2"}
    told = post("/images/edits", fields, {"image": b"\x89PNG1"})
    assert len(told.json["data"]) == 2
    assert told.json["usage"]["input_tokens_details"]["image_tokens"] == 100
    assert post("/images/edits", fields, {}).status == 400
    assert post("/images/edits", {}, {"image": b"x"}).status == 400


# --- speech ----------------------------------------------------------------------------------------


def speech(**fields: Any) -> Told:
    return Desk().ask(
        "openai", "/audio/speech", {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "One two.", **fields}
    )


def test_speech_in_each_format() -> None:
    sound = speech(response_format="wav")
    assert sound.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(sound.body)) as opened:
        assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (24_000, 1, 2)
        assert opened.getnframes() / 24_000 == pytest.approx(0.1)
        assert opened.readframes(10**6) == speech(response_format="pcm").body
    default = speech()
    assert (default.headers["content-type"], default.body[:2]) == ("audio/mpeg", b"\xff\xfb")
    for name, magic in (("opus", b"OggS"), ("aac", b"\xff\xf1"), ("flac", b"fLaC")):
        assert speech(response_format=name).body.startswith(magic)
    assert speech(response_format="wav").body == sound.body
    assert speech(response_format="wav", input="Three four.").body != sound.body
    assert speech(response_format="ogg").status == 400
    assert speech(input="x" * 4097).status == 400


def test_speech_as_events() -> None:
    delta, done = speech(stream_format="sse", response_format="pcm").events
    assert base64.b64decode(delta["audio"]) == speech(response_format="pcm").body
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]


def test_sound_is_bounded_and_its_length_is_known() -> None:
    assert len(pcm(b"a", 1e9)) == 2 * 48_000
    assert len(pcm(b"a", 0)) == 2
    assert seconds_of(wav(b"a", 1.5)) == pytest.approx(1.5, abs=0.01)
    assert seconds_of(b"") == seconds_of(b"x") == 0.01
    assert seconds_of(b"RIFF" + bytes(4) + b"WAVE" + bytes(60)) > 0
    assert len(mp3(1e9)) % 417 == 0


# --- transcriptions --------------------------------------------------------------------------------

RECORDING = {"file": wav(b"a", 1.5)}


def heard(path: str = "/audio/transcriptions", say: str | None = None, **fields: str) -> Told:
    return post(path, {"model": "gpt-4o-transcribe", **fields}, RECORDING, say=say)


def test_a_recording_is_transcribed() -> None:
    whole = heard().json
    usage = whole["usage"]
    assert (usage["type"], usage["input_tokens"]) == ("tokens", 15)
    assert usage["output_tokens"] == len(whole["text"].split())
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert heard(model="whisper-1").json["usage"] == {"type": "duration", "seconds": 2}
    assert heard("/audio/translations", model="whisper-1").json["text"]
    assert post("/audio/transcriptions", {"model": "m"}, {"file": b"other"}).json["text"] != whole["text"]
    assert heard(say="What was said.").json["text"] == "What was said."


def test_transcripts_in_each_form() -> None:
    verbose = heard(model="whisper-1", response_format="verbose_json").json
    assert verbose["segments"][0]["text"] == verbose["text"]
    assert verbose["duration"] == pytest.approx(1.5, abs=0.01)
    text = heard(response_format="text")
    assert (text.headers["content-type"], text.body.decode()) == (
        "text/plain; charset=utf-8",
        heard().json["text"] + "\n",
    )
    assert heard(response_format="srt").body.startswith(b"1\n00:00:00,000 --> 00:00:01,500\n")
    assert heard(response_format="vtt").body.startswith(b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n")
    assert heard(response_format="x").status == 400


def test_transcripts_stream() -> None:
    events = heard(stream="true").events
    assert "".join(event["delta"] for event in events[:-1]) == events[-1]["text"] == heard().json["text"]
    assert events[-1]["usage"] == heard().json["usage"]
    assert heard(stream="true", model="whisper-1").json["text"]


def test_what_is_missing_is_named() -> None:
    assert post("/audio/transcriptions", {"model": "m"}, {}).json["error"]["param"] == "file"
    assert post("/audio/transcriptions", {}, RECORDING).json["error"]["param"] == "model"
    assert Desk().ask("openai", "/audio/transcriptions", {"model": "m"}).status == 400
    azure = Desk().ask(
        "azure-openai", "/r/d/audio/transcriptions", body=form({}, RECORDING), more={"content-type": FORM_TYPE}
    )
    assert azure.status == 200


# --- forms -----------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400), text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n")))
def test_a_form_gives_back_what_was_put_in(data: bytes, text: str) -> None:
    found = read_form(FORM_TYPE, form({"a": text, "b": "x"}, {"file": data}))
    assert found is not None
    assert found.files == {"file": data}
    assert found.fields == {"a": text, "b": "x"}


@settings(max_examples=150, deadline=None)
@given(content_type=st.text(max_size=60) | st.just(FORM_TYPE), body=st.binary(max_size=200), cut=st.integers(0, 300))
def test_no_form_breaks_the_reader(content_type: str, body: bytes, cut: int) -> None:
    for text in (content_type, "multipart/form-data; " + content_type):
        read_form(text, body)
        read_form(text, form({"a": "b"}, {"file": body})[:cut])


def test_what_is_no_form() -> None:
    assert read_form("application/json", b"{}") is None
    assert read_form("multipart/form-data", b"x") is None
    assert read_form(FORM_TYPE + "x" * 1000, form({}, {})) is None


# --- embeddings, moderations -----------------------------------------------------------------------


def vectors(**fields: Any) -> Any:
    return Desk().ask("openai", "/embeddings", {"model": "text-embedding-3-small", **fields}).json["data"]


def test_embeddings_as_numbers_and_as_base64_are_the_same() -> None:
    plain = vectors(input=["a", "b"], dimensions=8)
    packed = vectors(input=["a", "b"], dimensions=8, encoding_format="base64")
    for one, other in zip(plain, packed, strict=True):
        assert list(struct.unpack("<8f", base64.b64decode(other["embedding"]))) == one["embedding"]
        assert sum(number * number for number in one["embedding"]) == pytest.approx(1.0, abs=1e-5)
    assert plain[0]["embedding"] != plain[1]["embedding"]


@pytest.mark.parametrize(("given_", "count"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)])
def test_embedding_inputs(given_: object, count: int) -> None:
    data = vectors(input=given_)
    assert len(data) == count
    assert len(data[0]["embedding"]) == 1536


def test_nothing_is_flagged() -> None:
    told = Desk().ask("openai", "/moderations", {"input": ["a", "b"]}).json
    assert [row["flagged"] for row in told["results"]] == [False, False]
    assert set(told["results"][0]["categories"]) == set(told["results"][0]["category_scores"])
