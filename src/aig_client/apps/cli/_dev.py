"""`aig dev`: the local AI Gateway on a loopback port, with a line for every request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._dev_log import RequestLog, json_line

if TYPE_CHECKING:
    from socket import socket

    from ..emulator import EmulatorConfig, Scenario
    from ..emulator._journal import Journal

_EXAMPLE = """\b
Example:
  aig dev --auth-token local-token --stored-key openai
  curl http://127.0.0.1:8787/v1/0123456789abcdef0123456789abcdef/demo/openai/chat/completions \\
    -H 'cf-aig-authorization: Bearer local-token' -H 'cf-aig-cache-key: hello' \\
    -d '{"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}'

A fake provider accepts every key that starts with sk-test. The first line printed is the gateway's URL.
Exit codes: 0 stopped, 1 could not start, 2 a wrong option.
"""


@click.command("dev", epilog=_EXAMPLE, short_help="Run a local AI Gateway.")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--account", metavar="ID", help="Account id in the printed URL; every account is served.")
@click.option("--gateway", metavar="ID", help="Gateway id in the printed URL.  [default: demo]")
@click.option("--only-gateway", multiple=True, metavar="ID", help="Serve --gateway and this id only. Repeatable.")
@click.option("--auth-token", multiple=True, metavar="TOKEN", help="Turn gateway authentication on. Repeatable.")
@click.option("--stored-key", multiple=True, metavar="PROVIDER[:ALIAS]", help="A stored key exists. Repeatable.")
@click.option("--provider-key", multiple=True, metavar="KEY", help="A key that fake providers accept. Repeatable.")
@click.option("--cache", type=int, metavar="SECONDS", help="The gateway caches every request, this long.")
@click.option("--latency-ms", type=float, metavar="MS", help="How long fake providers take.  [default: 0]")
@click.option("--upstream", multiple=True, metavar="PROVIDER=URL", help="Call this provider for real. Repeatable.")
@click.option("--scenario", type=click.Path(dir_okay=False, path_type=Path), help="Rules of answers and faults (TOML).")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this SQLite file.")
@click.option("--exit-after", type=float, metavar="SECONDS", help="Stop by itself.")
@click.option("--quiet", is_flag=True, help="No line per request.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, the first when it is ready.")
def command(
    *,
    host: str,
    port: int,
    scenario: Path | None,
    db: Path | None,
    exit_after: float | None,
    quiet: bool,
    as_json: bool,
    **given: object,
) -> None:
    """Run a local AI Gateway with fake providers behind it, until Ctrl-C."""
    try:
        from ..emulator import _serving
    except ModuleNotFoundError as error:
        raise click.ClickException(f"aig dev needs {error.name}: pip install 'aig-client[cli]'") from error
    from ..emulator import Gateway
    from ..emulator._ids import id_source

    try:
        options = Options(**given)  # type: ignore[arg-type]  # click has checked them
        base, rules = _read(scenario, options)
        config = _configured(base, options)
        listener = _listen(host, port)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with listener:
        gateway = Gateway(config, ids=id_source(config.log_id_shape), scenario=rules, journal=_journal(db))
        log = RequestLog(as_json=as_json)
        if not quiet:
            gateway.on_served = log.add
        _serving.serve_until_stopped(
            gateway, listener, lambda origin: _ready(origin, config, as_json=as_json), log.flush, exit_after
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that are settings of the emulator; what was not given leaves the scenario file's alone."""

    account: str | None
    gateway: str | None
    only_gateway: tuple[str, ...]
    auth_token: tuple[str, ...]
    stored_key: tuple[str, ...]
    provider_key: tuple[str, ...]
    cache: int | None
    latency_ms: float | None
    upstream: tuple[str, ...]


def _listen(host: str, port: int) -> socket:
    from ..emulator._serving import loopback_socket

    try:
        return loopback_socket(host, port)
    except OSError as error:
        reason = f"cannot listen on port {port}: {error.strerror}. Choose another with --port."
        raise click.ClickException(reason) from error


def _read(scenario: Path | None, options: Options) -> tuple[EmulatorConfig, Scenario | None]:
    from ..emulator import EmulatorConfig, load_scenario

    # The tokens first: without any, a file's stored keys would be refused.
    base = EmulatorConfig(auth_tokens=frozenset(options.auth_token))
    if scenario is None:
        return base, None
    try:
        loaded = load_scenario(scenario)
    except OSError as error:
        raise ValueError(f"cannot read {scenario}: {error.strerror}") from error
    return loaded.over(base), loaded.scenario


def _configured(base: EmulatorConfig, options: Options) -> EmulatorConfig:
    settings, gateway = base.settings, options.gateway or base.gateway
    if options.cache is not None:
        settings = replace(settings, caching=True, cache_ttl=options.cache)
    gateways = base.gateways
    if options.only_gateway:
        gateways = dict.fromkeys((gateway, *options.only_gateway), settings)
    return replace(
        base,
        account=options.account or base.account,
        gateway=gateway,
        settings=settings,
        gateways=gateways,
        auth_tokens=base.auth_tokens | frozenset(options.auth_token),
        stored_keys=base.stored_keys | frozenset(options.stored_key),
        provider_keys=base.provider_keys | frozenset(options.provider_key),
        latency_ms=base.latency_ms if options.latency_ms is None else options.latency_ms,
        upstreams={**base.upstreams, **dict(_upstream(text) for text in options.upstream)},
    )


def _upstream(text: str) -> tuple[str, str]:
    slug, equals, url = text.partition("=")
    if not equals:
        # Not shown: it may hold a credential.
        raise ValueError("--upstream is written as provider=URL")
    return slug, url


def _journal(db: Path | None) -> Journal | None:
    if db is None:
        return None
    from ..emulator import SqliteJournal
    from ..emulator._journal import JournalError

    try:
        return SqliteJournal(db)
    except JournalError as error:
        raise click.ClickException(str(error)) from error


def _ready(origin: str, config: EmulatorConfig, *, as_json: bool) -> None:
    url = f"{origin}/v1/{config.account}/{config.gateway}"
    if as_json:
        click.echo(json_line("ready", url=url, api=f"{origin}/client/v4"))
        return
    click.echo(url)
    click.echo(f"  aig-client   export AIG_BASE_URL={url}")
    click.echo(f"  openai       export OPENAI_BASE_URL={url}/openai")
    click.echo(f"  anthropic    export ANTHROPIC_BASE_URL={url}/anthropic")
    click.echo(f"  cloudflare   export CLOUDFLARE_BASE_URL={origin}/client/v4")
