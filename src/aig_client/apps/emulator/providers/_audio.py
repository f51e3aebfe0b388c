"""OpenAI's speech and transcriptions."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from .._forms import read_form
from .._json import text_of, write
from .._messages import ProviderAnswer
from ._asked import Asked
from ._openai_errors import checked, openai_error
from ._sound import mp3, pcm, seconds_of, wav
from ._text import Draft, Wish, draft, tokens_in
from ._wire import bytes_answer, json_answer, sse, sse_answer

_SECONDS_A_WORD = 0.05
_LONGEST_INPUT = 4096


def _stub(magic: bytes) -> Callable[[bytes, float], bytes]:
    """Bytes that begin as the format does, for clients that look no further. No player takes them."""
    return lambda seed, seconds: magic + hashlib.sha256(seed).digest()  # noqa: ARG005


_FORMATS: Mapping[str, tuple[str, Callable[[bytes, float], bytes]]] = MappingProxyType(
    {
        "mp3": ("audio/mpeg", lambda seed, seconds: mp3(seconds)),  # noqa: ARG005
        "wav": ("audio/wav", wav),
        "pcm": ("audio/pcm", pcm),
        "opus": ("audio/opus", _stub(b"OggS\x00\x02")),
        "aac": ("audio/aac", _stub(b"\xff\xf1\x50\x80")),
        "flac": ("audio/flac", _stub(b"fLaC")),
    }
)


def speech(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/audio/speech`."""
    payload = checked(asked.payload, "model", "input", "voice")
    if isinstance(payload, ProviderAnswer):
        return payload
    text = text_of(payload["input"])
    form = _FORMATS.get(text_of(payload.get("response_format")) or "mp3")
    if text is None or len(text) > _LONGEST_INPUT:
        return openai_error(400, f"Invalid 'input': at most {_LONGEST_INPUT} characters.", param="input")
    if form is None:
        message = f"Invalid 'response_format': one of {', '.join(_FORMATS)}."
        return openai_error(400, message, param="response_format", code="invalid_value")
    content_type, sound = form
    audio = sound(write([payload["model"], payload["voice"], text]), len(text.split()) * _SECONDS_A_WORD)
    if payload.get("stream_format") != "sse":
        return bytes_answer(content_type, audio)
    into, out = tokens_in(text), ceil(len(audio) / 1000)
    usage = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
    delta = {"type": "speech.audio.delta", "audio": b64encode(audio).decode("ascii")}
    return sse_answer([sse(delta), sse({"type": "speech.audio.done", "usage": usage})])


@dataclass(frozen=True, slots=True, repr=False)
class _Heard:
    """A recording, and what is taken to be said in it."""

    model: str
    language: str
    seconds: float
    said: Draft

    @property
    def usage(self) -> dict[str, object]:
        """Whisper is paid by duration, its successors by tokens."""
        if self.model.startswith("whisper"):
            return {"type": "duration", "seconds": ceil(self.seconds)}
        into, out = max(1, ceil(self.seconds * 10)), self.said.visible_tokens
        details = {"text_tokens": 0, "audio_tokens": into}
        counts = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
        return {"type": "tokens", **counts, "input_token_details": details}

    @property
    def segment(self) -> dict[str, object]:
        return {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": self.seconds,
            "text": self.said.text,
            "tokens": list(range(len(self.said.pieces))),
            "temperature": 0.0,
            "avg_logprob": -0.25,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.01,
        }

    def stamp(self, seconds: float, comma: str) -> str:
        whole, part = divmod(round(seconds * 1000), 1000)
        return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{comma}{part:03d}"


def transcriptions(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`POST /v1/audio/transcriptions` and `/v1/audio/translations`: a form with a recording."""
    form = read_form(asked.request.header("content-type") or "", asked.request.body)
    if form is None:
        return openai_error(400, "We could not parse your multipart form.")
    recording, model = form.files.get("file"), form.fields.get("model") or found.groupdict().get("model")
    for name, value in (("file", recording), ("model", model)):
        if not value:
            message = f"Missing required parameter: '{name}'."
            return openai_error(400, message, param=name, code="missing_required_parameter")
    assert recording is not None
    assert model is not None
    digest = hashlib.sha256(recording).hexdigest()
    said = draft(model, {"file": digest, "prompt": form.fields.get("prompt")}, None, Wish(say=asked.say))
    heard = _Heard(model, form.fields.get("language") or "english", seconds_of(recording), said)
    # "Streaming is not supported for whisper-1 and will be ignored."
    if form.fields.get("stream") == "true" and not model.startswith("whisper"):
        return sse_answer(_frames(heard))
    kind = form.fields.get("response_format") or "json"
    tell = _TRANSCRIPTS.get(kind)
    if tell is None:
        message = f"Invalid 'response_format': one of {', '.join(_TRANSCRIPTS)}."
        return openai_error(400, message, param="response_format", code="invalid_value")
    return tell(heard)


def _frames(heard: _Heard) -> Iterator[bytes]:
    for piece in heard.said.pieces:
        yield sse({"type": "transcript.text.delta", "delta": piece, "logprobs": []})
    yield sse({"type": "transcript.text.done", "text": heard.said.text, "logprobs": [], "usage": heard.usage})
    yield b"data: [DONE]\n\n"


def _plain(text: str) -> ProviderAnswer:
    return bytes_answer("text/plain; charset=utf-8", text.encode("utf-8", "replace"))


def _verbose(heard: _Heard) -> ProviderAnswer:
    shell = {"task": "transcribe", "language": heard.language, "duration": heard.seconds, "text": heard.said.text}
    usage = {"type": "duration", "seconds": ceil(heard.seconds)}
    return json_answer(200, {**shell, "segments": [heard.segment], "usage": usage})


def _srt(heard: _Heard) -> ProviderAnswer:
    return _plain(f"1\n{heard.stamp(0, ',')} --> {heard.stamp(heard.seconds, ',')}\n{heard.said.text}\n\n")


def _vtt(heard: _Heard) -> ProviderAnswer:
    times = f"{heard.stamp(0, '.')} --> {heard.stamp(heard.seconds, '.')}"
    return _plain(f"WEBVTT\n\n{times}\n{heard.said.text}\n\n")


_TRANSCRIPTS: Mapping[str, Callable[[_Heard], ProviderAnswer]] = MappingProxyType(
    {
        "json": lambda heard: json_answer(200, {"text": heard.said.text, "usage": heard.usage}),
        "text": lambda heard: _plain(heard.said.text + "\n"),
        "verbose_json": _verbose,
        "srt": _srt,
        "vtt": _vtt,
    }
)
