"""The command `aig` and its table of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from ._groups import Entry, LazyGroup
from ._guard import guarded


class Root(LazyGroup):
    """The top of the tree: whatever goes wrong below ends here, as one sentence and an exit code."""

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """Run one command and return its exit code; nothing is raised."""
        words = list(sys.argv[1:] if arguments is None else arguments)
        # A prompt of one word could be `--json` too; then an error is said as JSON, which harms nobody.
        return guarded(lambda: super(Root, self).main(words, "aig", standalone_mode=False), as_json="--json" in words)

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> Any:  # noqa: ANN401  (click's signature)
        """What click's test runner calls: as a process would, with ``SystemExit``."""
        raise SystemExit(self.run(args))


@click.group(
    cls=Root,
    entries=(
        Entry("dev", "._dev", "Run a local AI Gateway."),
        Entry("key", "._key", "Cache keys: print one, explain it, or say why two requests missed each other."),
        Entry("plan", "._plan", "Say which model and headers a request would get, and why."),
        Entry("policy", "._policy", "Route classes: show, check, compile, compare, simulate, publish to a Worker."),
        Entry("models", "._models", "What models can do and cost, and which ones a class may choose."),
        Entry("call", "._call", "Send one request: answer, metadata and receipt."),
        Entry("bench", "._bench", "Replay a file of requests: hit rate and latency."),
        Entry("url", "._url", "Say whether a URL is an AI Gateway URL, and why."),
        Entry("doctor", "._doctor", "Check configuration, credentials, SDKs, proxies and the gateway."),
        Entry("schema", "._schema", "Print the JSON Schema of what a command prints with --json."),
    ),
    epilog="""\b
Example:
  aig key diff monday.json tuesday.json

\b
Exit codes: 0 good, 1 something was found or somebody said no, 2 wrong usage or input.
Every command takes --help; AIG_DEBUG=1 shows the traceback of an error.""",
)
@click.version_option(package_name="aig-client", message="%(prog)s %(version)s")
def cli() -> None:
    """Work with Cloudflare AI Gateway from the command line: try it locally, understand cache keys, find mistakes."""
