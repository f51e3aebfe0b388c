"""`aig policy push`: publish an edge document in Workers KV, signed, or go back to the one before."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import click

from ...core.path._edge_document import digest_of_text
from ._choices import today
from ._command import OutcomeCommand
from ._guard import InputError
from ._outcome import Block, Outcome, facts, line
from ._policies import tables_of
from ._published import Store, current_of, document_of, open_store, signed

EXAMPLE: Final = """\b
Example:
  aig policy push --namespace-id 0f2ac74b498b48028cb68387c421e279
  aig policy push --namespace-id 0f2ac74b498b48028cb68387c421e279 --rollback

\b
Of the environment: AIG_POLICY_KEY, the Worker's secret POLICY_KEY, which signs; and CLOUDFLARE_API_TOKEN, which
may edit Workers KV Storage. Push from one place at a time: KV has no lock.

Exit codes: 0 published, or nothing to do, 1 Cloudflare said no, 2 wrong usage or input.
"""

Did = Literal["published", "unchanged", "rolled_back"]


@dataclass(frozen=True, slots=True)
class PushResult:
    """What KV says is current now, or would with ``dry_run``; ``replaced`` is the version that was."""

    SCHEMA: ClassVar[str] = "aig.policy.push/1"

    did: Did
    dry_run: bool
    version: int
    digest: str
    replaced: int | None
    previous: int | None
    bytes: int
    principals: tuple[str, ...]


@click.command("push", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Publish an aig.toml to a Worker.")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--namespace-id", metavar="ID", required=True, help="The KV namespace that the Worker has as POLICY.")
@click.option("--account-id", metavar="ID", help="The account.  [default: CLOUDFLARE_ACCOUNT_ID, or the file's]")
@click.option("--rollback", is_flag=True, help="Go back to the version before; once more undoes it.")
@click.option("--dry-run", is_flag=True, help="Say what would be published, and write nothing.")
def command(**options: Any) -> Outcome[PushResult]:  # noqa: ANN401  (click's keywords)
    """Compile FILE, by default ./aig.toml, and make it what the Worker decides by, within its next half minute.

    The document is written and read back before anything points to it; a Worker takes it only with its signature.
    """
    key = _secret("AIG_POLICY_KEY", "the secret that the Worker has as POLICY_KEY").encode()
    token = _secret("CLOUDFLARE_API_TOKEN", "a token that may edit Workers KV Storage")
    with open_store(token, options["account_id"], options["namespace_id"], options["file"]) as store:
        if options["rollback"]:
            result = _roll_back(store, key, dry_run=options["dry_run"])
        else:
            result = _publish(store, key, options["file"], dry_run=options["dry_run"])
    return Outcome(result, _render)


def _secret(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise InputError(f"{name} is not set: it is {what}.")
    if value != value.strip() or not value.isprintable():
        raise InputError(f"{name} begins or ends with white space, or holds what cannot be printed: set it again.")
    return value


def _publish(store: Store, key: bytes, file: str | None, *, dry_run: bool) -> PushResult:
    from ...schema._edge import compile_edge, edge_text

    tables, source = tables_of(file)
    document = compile_edge(tables, today=today(), source=source)
    text = edge_text(document).encode()
    digest = digest_of_text(text)
    current = current_of(store)
    genuine = current is not None and current.is_by(key)
    principals = document["principals"]
    assert isinstance(principals, dict)
    names = tuple(principals)
    if current is not None and genuine and current.digest == digest:
        before = current.previous_version
        return PushResult("unchanged", dry_run, current.version, digest, None, before, len(text), names)
    replaced = current.version if current is not None else None
    pointer = signed(
        1 if current is None else current.last_version + 1,
        digest,
        key,
        previous=current if genuine else None,  # what this key has not signed must not come back by it
    )
    if not dry_run:
        store.write(f"edge/{pointer.version}", text)
        if store.read(f"edge/{pointer.version}") != text:
            named = f"edge/{pointer.version}"
            raise click.ClickException(f"What KV gives back for {named} is not what was written: push again.")
        store.write("current", pointer.text())
    before = pointer.previous_version
    return PushResult("published", dry_run, pointer.version, digest, replaced, before, len(text), names)


def _roll_back(store: Store, key: bytes, *, dry_run: bool) -> PushResult:
    current = current_of(store)
    if current is None:
        raise InputError("Nothing is published in this namespace: push first.")
    if current.previous is None:
        raise InputError(f"Version {current.version} names none before it: push the file that you want instead.")
    text = store.read(f"edge/{current.previous.version}")
    document = document_of(current.previous, text, key)
    target = signed(current.previous.version, current.previous.digest, key, previous=current)
    if not dry_run:
        store.write("current", target.text())
    return PushResult(
        "rolled_back",
        dry_run,
        target.version,
        target.digest,
        current.version,
        current.version,
        len(text or b""),
        tuple(one.name for one in document.principals),
    )


def _render(result: PushResult) -> Iterable[Block]:
    words: dict[Did, str] = {
        "published": "Would publish" if result.dry_run else "Published",
        "unchanged": "Already published:",
        "rolled_back": "Would go back to" if result.dry_run else "Went back to",
    }
    yield line(f"{words[result.did]} version {result.version}.", "strong")
    yield line()
    yield facts(
        [
            ("digest", result.digest),
            ("replaces", result.replaced),
            ("rollback goes to", result.previous),
            ("bytes", result.bytes),
            ("principals", ", ".join(result.principals)),
        ]
    )
