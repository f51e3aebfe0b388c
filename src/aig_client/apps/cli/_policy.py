"""`aig policy`: what a policy says, whether it is sound, and what changed in it."""

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
    ),
    epilog="""\b
Examples:
  aig policy show summary
  aig policy lint
  aig policy compile -o policy.json
  aig policy diff old.json aig.toml

\b
A FILE is an aig.toml, or a policy.json that was compiled from one.""",
)
def command() -> None:
    """Say what the route classes of a policy are, what is wrong with them, and what changed."""
