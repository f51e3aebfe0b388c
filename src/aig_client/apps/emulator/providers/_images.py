"""OpenAI's images: made, and edited, which here is the same; whole and streamed."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from .._forms import read_form
from .._json import JsonObject, JsonValue, text_of, write
from .._messages import ProviderAnswer
from ._asked import Asked
from ._openai_errors import checked, openai_error
from ._pixels import png
from ._text import EPOCH, is_count, tokens_in
from ._wire import json_answer, sse, sse_answer

_MOST_IMAGES = 10
_MOST_PARTIAL = 3
# What an image of 1024 by 1024 costs with gpt-image-1.
_TOKENS = {"low": 272, "medium": 1056, "high": 4160}


def image_generations(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/images/generations`."""
    payload = checked(asked.payload, "prompt")
    return payload if isinstance(payload, ProviderAnswer) else _images(payload)


def image_edits(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/images/edits`: a form with pictures. Their bytes count, they are not looked at."""
    form = read_form(asked.request.header("content-type") or "", asked.request.body)
    if form is None or not form.files:
        return openai_error(400, "Missing required parameter: 'image'.", param="image")
    fields: JsonObject = {name: _value(text) for name, text in form.fields.items()}
    # Kept as text, so that the pictures shape the answer.
    fields["images"] = [b64encode(data).decode("ascii") for data in form.files.values()]
    payload = checked(fields, "prompt")
    return payload if isinstance(payload, ProviderAnswer) else _images(payload, pictures=len(form.files))


def _value(text: str) -> JsonValue:
    """A form's texts, as JSON would have them."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


@dataclass(frozen=True, slots=True, repr=False)
class _Order:
    payload: JsonObject
    model: str
    count: int
    quality: str
    size: str
    pictures: int

    def picture(self, place: object) -> str:
        return b64encode(png(write([self.model, self.payload.get("prompt"), place]))).decode("ascii")

    @property
    def looks(self) -> dict[str, object]:
        return {"background": "opaque", "output_format": "png", "quality": self.quality, "size": self.size}

    @property
    def usage(self) -> dict[str, object]:
        text, images = tokens_in(self.payload.get("prompt")), 100 * self.pictures
        made = _TOKENS.get(self.quality, 1056) * self.count
        return {
            "input_tokens": text + images,
            "input_tokens_details": {"text_tokens": text, "image_tokens": images},
            "output_tokens": made,
            "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
            "total_tokens": text + images + made,
        }


def _images(payload: JsonObject, pictures: int = 0) -> ProviderAnswer:
    model = text_of(payload.get("model")) or "gpt-image-2"
    count = payload.get("n") or 1
    if not isinstance(count, int) or not is_count(count) or not 1 <= count <= _MOST_IMAGES:
        return openai_error(400, f"Invalid 'n': between 1 and {_MOST_IMAGES}.", param="n", code="invalid_value")
    if (payload.get("output_format") or "png") != "png":
        message = "The emulator draws png alone."
        return openai_error(400, message, param="output_format", code="invalid_value")
    quality = text_of(payload.get("quality")) or "auto"
    size = text_of(payload.get("size")) or "auto"
    order = _Order(payload, model, count, _known(quality, "medium"), _known(size, "1024x1024"), pictures)
    # Everything that is not of the old family, which was retired, speaks as the new one.
    if not model.startswith("dall-e"):
        return _gpt_image(order)
    if payload.get("response_format") == "b64_json":
        data = [{"b64_json": order.picture(place)} for place in range(count)]
    else:
        # RFC 2606: `.invalid` is no host. Nothing can be fetched there.
        data = [{"url": f"https://images.invalid/{_name(payload, place)}.png"} for place in range(count)]
    return json_answer(200, {"created": EPOCH, "data": data})


def _gpt_image(order: _Order) -> ProviderAnswer:
    if "response_format" in order.payload:
        message = "Unknown parameter: 'response_format'."
        return openai_error(400, message, param="response_format", code="unknown_parameter")
    if order.payload.get("stream") is True:
        return sse_answer(_frames(order))
    data = [{"b64_json": order.picture(place)} for place in range(order.count)]
    return json_answer(200, {"created": EPOCH, **order.looks, "data": data, "usage": order.usage})


def _frames(order: _Order) -> Iterator[bytes]:
    partial = order.payload.get("partial_images")
    for place in range(min(partial, _MOST_PARTIAL) if isinstance(partial, int) else 0):
        kind = "image_generation.partial_image"
        shown = {"partial_image_index": place, "b64_json": order.picture(["partial", place])}
        yield sse({"type": kind, "created_at": EPOCH, **order.looks, **shown}, kind)
    for place in range(order.count):
        kind = "image_generation.completed"
        shown = {"b64_json": order.picture(place), "usage": order.usage}
        yield sse({"type": kind, "created_at": EPOCH, **order.looks, **shown}, kind)


def _known(value: str, otherwise: str) -> str:
    return otherwise if value == "auto" else value


def _name(payload: JsonObject, place: int) -> str:
    return hashlib.sha256(write([payload.get("prompt"), place])).hexdigest()[:24]
