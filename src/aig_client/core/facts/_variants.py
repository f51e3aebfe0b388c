"""Request headers that shape an answer, and so belong in a cache key: rows, with their source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SHAPING_HEADERS: Final = frozenset(
    {
        b"anthropic-version",  # Anthropic API: versioning
        b"anthropic-beta",  # Anthropic API: beta headers switch features of the answer
        b"openai-beta",  # OpenAI API: assistants and realtime versions
        b"cartesia-version",  # contract 3.2
        b"x-fal-target-url",  # contract 3.2: names the upstream
        b"x-goog-user-project",  # Google Cloud: which project's deployment and quota answers
        b"accept-language",  # content negotiation (RFC 9110 12.5.4)
        b"openai-organization",  # OpenAI API: whose fine-tuned models, files and settings answer
        b"openai-project",
        b"prefer",  # Replicate: wait for the prediction, or answer with where it will be
        b"x-amzn-bedrock-guardrailidentifier",  # Bedrock InvokeModel: a guardrail over prompt and answer
        b"x-amzn-bedrock-guardrailversion",
        b"x-amzn-bedrock-performanceconfig-latency",
        b"x-amzn-bedrock-trace",
    }
)
_MEDIA: Final = (b"audio/", b"image/", b"video/")  # ElevenLabs and others choose the format of a file by `accept`


def variant_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The answer-shaping headers as text: sorted ``name: value`` lines, or ``""``."""
    found = [
        f"{lowered.decode('latin-1')}: {value.decode('latin-1').strip()}"
        for name, value in headers
        if (lowered := name.lower()) in SHAPING_HEADERS or (lowered == b"accept" and value.startswith(_MEDIA))
    ]
    return "\n".join(sorted(found)) if found else ""
