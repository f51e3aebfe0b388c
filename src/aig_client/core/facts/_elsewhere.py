"""Where any host at all reads a bound, a model, or how many answers to give: names that no one endpoint has together.

``_shapes`` says where the body of one kind of endpoint has them. Who is held to a policy may write another host's name.
Sources: the providers' own references, as of 2026-11.
"""

from __future__ import annotations

from typing import Final

from ._shapes import SHAPES

CAPS: Final = (
    *dict.fromkeys(name for shape in SHAPES.values() for name in shape.caps),
    *("maxTokens", "max_new_tokens", "max_gen_len", "maxTokenCount", "max_tokens_to_sample"),  # Bedrock's models, HF
)
"""Bounds on the output, in tokens."""

THINKING: Final = (("thinking", "budget_tokens"), ("reasoning", "max_tokens"))
"""Objects that bound what is thought, and their member: Anthropic (interleaved, more than the output), OpenRouter."""

HOLDERS: Final = (
    *("input", "parameters", "generationConfig", "generation_config", "inferenceConfig", "textGenerationConfig"),
    "additionalModelRequestFields",  # Bedrock's Converse hands it on to the model as it is
)
"""Objects of a body in which bounds may stand."""

QUESTIONS: Final = "instances"
"""A list of bodies, each of which is answered: Vertex's ``predict``."""

ANSWERS: Final = ("n", "best_of", "candidateCount", "candidate_count", "sampleCount")
"""How many answers to give, each as long as the bound: OpenAI and who copies it, Gemini, Vertex."""

WRITTEN_AS_TEXT: Final = ANSWERS[2:]
"""Those that protobuf's JSON may write in quotes."""

RIVALS: Final = ("models", "fallbacks")
"""Lists of models for the host to fall back to: OpenRouter's names, Anthropic's objects with bounds of their own."""

MODELS: Final = ("model_id", "modelId", "model_name", "version", "preset")
"""The model under another name: Cartesia and ElevenLabs, Bedrock, Replicate, OpenRouter."""

TOOLS: Final = ("tools", "plugins")
"""Lists of what may ask a model of its own, in ``model`` or ``parameters.model``: OpenAI's pictures, OpenRouter."""

ROUTED: Final = ("models", "allowed_models")
"""Lists of models that such a tool may ask."""
