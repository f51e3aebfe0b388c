"""`aig policy`: what a policy says, whether it is sound, what changed in it, and how it gets to a Worker."""

from __future__ import annotations

import click

from ._groups import Entry, LazyGroup


@click.group(
    "policy",
    cls=LazyGroup,
    entries=(
        Entry("show", "._policy_show", "The route classes, or one in full."),
        Entry("lint", "._policy_lint", "What is wrong with a policy, or soon will be."),
        Entry("compile", "._policy_compile", "Turn an aig.toml into a policy.json that goes anywhere."),
        Entry("diff", "._policy_diff", "What changed between two policies."),
        Entry("simulate", "._policy_simulate", "What would become of recorded requests, under one policy or two."),
        Entry("token", "._policy_token", "Make a service token for somebody who calls a Worker."),
        Entry("push", "._policy_push", "Publish an aig.toml to a Worker, or go back to the one before."),
    ),
    epilog="""\b
Examples:
  aig policy show summary
  aig policy lint
  aig policy compile -o policy.json
  aig policy diff old.json aig.toml
  aig policy simulate monday.jsonl --policy old.json --against aig.toml

\b
A FILE is an aig.toml, or a policy.json that was compiled from one.""",
)
def command() -> None:
    """Say what the route classes of a policy are, what is wrong with them, and what changed; publish them."""
