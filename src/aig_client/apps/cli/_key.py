"""`aig key`: what the cache key of a request is, and why."""

from __future__ import annotations

import click

from ._groups import DefaultGroup, Entry


@click.group(
    "key",
    cls=DefaultGroup,
    entries=(
        Entry("print", "._key_print", "Print the key; what 'aig key FILE' does."),
        Entry("explain", "._key_explain", "A digest of each component and each field, and what is left out."),
        Entry("diff", "._key_diff", "The JSON pointers at which two requests part, and what looks volatile."),
    ),
    epilog="""\b
Examples:
  aig key body.json --tenant acme
  aig key explain body.json --tenant acme
  aig key diff monday.json tuesday.json

\b
A FILE holds the JSON body of a request, or a capture: {"url": ..., "headers": {...}, "body": {...}}.
- is the standard input; a file that is called 'diff' is ./diff.""",
)
def command() -> None:
    """Say what the cache key of a request is, and why: `aig key FILE`, `aig key explain FILE`, `aig key diff A B`."""
