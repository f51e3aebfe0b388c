"""Where a gateway under test is, and what opens it: the same for one in this process and for one on a socket."""

from __future__ import annotations

from abc import abstractmethod

from ._config import EmulatorConfig


class Located:
    """What a client needs to know of a gateway. Who inherits has ``config`` and says the ``origin``."""

    config: EmulatorConfig

    @property
    @abstractmethod
    def origin(self) -> str:
        """Scheme, host and port."""

    @property
    def account(self) -> str:
        """The account id in its URLs. Every other one is served too."""
        return self.config.account

    @property
    def gateway(self) -> str:
        """The gateway id in its URLs."""
        return self.config.gateway

    @property
    def token(self) -> str | None:
        """A Cloudflare token that it takes, if it asks for one."""
        return min(self.config.auth_tokens, default=None)

    @property
    def auth_headers(self) -> dict[str, str]:
        """The header that opens it, for a client that does not know aig-client."""
        return {} if self.token is None else {"cf-aig-authorization": f"Bearer {self.token}"}

    def base_url(self, provider: str | None = None) -> str:
        """The base URL of a provider slug or of `compat`; without one what provider slugs stand under."""
        base = f"{self.origin}/v1/{self.account}/{self.gateway}"
        return base if provider is None else f"{base}/{provider}"
