"""A policy of the tests' own: providers and models that the built-in catalog knows nothing about."""

from __future__ import annotations

from pathlib import Path

POLICY = """
[policy]
epoch = "7"
providers = ["fireworks", "baseten"]

[classes.summary]
strategy = "cheapest"
fallbacks = 1
limits = {max_output_tokens = 100, max_temperature = 0.5, deadline = 20}

[classes.split]
description = "Half and half."
strategy = "weighted"
targets = [
  {provider = "fireworks", model = "small", weight = 1},
  {provider = "fireworks", model = "large", weight = 1},
]

[classes.plain]
tools = "strip"
targets = ["fireworks/mute"]

[models."fireworks/small"]
context_window = 8000
max_output_tokens = 4000
tools = true
streaming = true
structured_output = "native"
reasoning = "none"
reasoning_traces = false
prices = [{input = 1_000_000_000, output = 2_000_000_000}]
source = "made up"
as_of = "2026-11-01"

[models."fireworks/large"]
context_window = 300000
max_output_tokens = 8000
input_modalities = ["text", "image"]
tools = true
streaming = true
structured_output = "native"
reasoning = "none"
reasoning_traces = false
prices = [{input = 3_000_000_000, output = 9_000_000_000}]
as_of = "2026-11-01"

[models."baseten/mid"]
context_window = 16000
tools = true
streaming = true
reasoning = "none"
reasoning_traces = false
prices = [{input = 2_000_000_000, output = 4_000_000_000}]
as_of = "2026-11-01"

[models."fireworks/mute"]
context_window = 8000
tools = false
reasoning = "none"
reasoning_traces = false
as_of = "2026-11-01"
"""


def toml(folder: Path, text: str = POLICY, name: str = "aig.toml") -> str:
    """A policy's file; its name."""
    (folder / name).write_text(text, "utf-8")
    return name
