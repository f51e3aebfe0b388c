"""`python -m aig_client.apps.emulator`: the emulator from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._config import EmulatorConfig
from ._routes import PROVIDERS

_EXAMPLE = """\
example:
  python -m aig_client.apps.emulator --port 8787 --auth-token local-token --stored-key openai

  curl http://127.0.0.1:8787/v1/0123456789abcdef0123456789abcdef/demo/openai/chat/completions \\
    -H 'cf-aig-authorization: Bearer local-token' -H 'cf-aig-cache-key: hello' \\
    -d '{"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}'

A fake provider accepts every key that starts with sk-test.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal or `--exit-after`. Exit code 0: stopped, 1: cannot start, 2: wrong option."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        from ._server import create_app
        from ._serving import Server, loopback_socket, origin_of
    except ModuleNotFoundError as error:
        print(f"the emulator needs {error.name}: pip install 'aig-client[emulator]'", file=sys.stderr)
        return 1
    port: int = options.port
    host: str = options.host
    exit_after: float | None = options.exit_after
    try:
        config = _config(options)
        listener = loopback_socket(host, port)
    except ValueError as error:
        parser.error(str(error))
    except OverflowError:
        parser.error(f"--port must be 0 to 65535, not {port}")
    except OSError as error:
        print(f"cannot listen on port {port}: {error.strerror}; choose another with --port", file=sys.stderr)
        return 1
    url = f"{origin_of(listener)}/v1/{config.account}/{config.gateway}"
    with listener:
        server = Server(create_app(config), lambda: print(url, flush=True), exit_after=exit_after)
        server.run([listener])
    return 0


def _config(options: argparse.Namespace) -> EmulatorConfig:
    existing: list[str] | None = options.only_gateway
    gateway: str = options.gateway
    return EmulatorConfig(
        account=options.account,
        gateway=gateway,
        gateways=frozenset((gateway, *existing)) if existing is not None else None,
        auth_tokens=frozenset(options.auth_token),
        stored_keys=frozenset(options.stored_key),
        provider_keys=frozenset(options.provider_key),
        cache_by_default=options.cache,
        cache_ttl=options.cache_ttl,
        latency_ms=options.latency_ms,
        upstreams=dict(options.upstream),
    )


def _upstream(text: str) -> tuple[str, str]:
    slug, equals, url = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("write it as provider=URL")
    return slug, url


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aig_client.apps.emulator",
        description="A local AI Gateway on loopback. Prints its URL as one line when it is ready.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_address(parser)
    _add_behaviour(parser, ", ".join(PROVIDERS))
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    defaults = EmulatorConfig()
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    add("--port", type=int, default=8787, help="0 takes a free one (default: %(default)s)")
    add("--account", default=defaults.account, help="account id in the printed URL; every account is served")
    add("--gateway", default=defaults.gateway, help="gateway id in the printed URL (default: %(default)s)")
    add("--only-gateway", action="append", metavar="ID", help="serve --gateway and this id only; repeatable")
    add("--exit-after", type=float, metavar="SECONDS", help="stop by itself after this time")


def _add_behaviour(parser: argparse.ArgumentParser, providers: str) -> None:
    add = parser.add_argument
    guarded = "turn gateway authentication on; repeatable"
    add("--auth-token", action="append", default=[], metavar="TOKEN", help=guarded)
    stored = f"a stored key exists for {providers}; repeatable"
    add("--stored-key", action="append", default=[], metavar="PROVIDER", help=stored)
    accepted = "a key that the fake providers accept too; repeatable"
    add("--provider-key", action="append", default=[], metavar="KEY", help=accepted)
    add("--cache", action="store_true", help="the gateway caches by default")
    add("--cache-ttl", type=int, metavar="SECONDS", help="the gateway's own cache lifetime")
    add("--latency-ms", type=float, default=0.0, metavar="MS", help="wait of the fake providers (default: 0)")
    real = "call this provider for real; the URL stands for what the slug replaces, e.g. https://api.openai.com/v1"
    add("--upstream", type=_upstream, action="append", default=[], metavar="PROVIDER=URL", help=real)


if __name__ == "__main__":
    sys.exit(main())
