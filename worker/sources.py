"""Where the Worker's edge document comes from: the floor, and over it whatever KV has published and somebody signed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

import floor
from access import AccessKeys

from aig_client.core import builtin_policy
from aig_client.core._depth import shallow
from aig_client.core.path._edge import Edge
from aig_client.core.path._edge_document import EdgeDocument, edge_from_text, published
from aig_client.core.path._keys import SECRET_MIN

FRESH: Final = 30.0
"""Seconds that a policy is used before KV is asked again, in the background; POLICY_FRESH_SECONDS says otherwise."""


def _floor() -> EdgeDocument:
    if floor.TEXT is not None:
        return edge_from_text(floor.TEXT.encode())
    return EdgeDocument(principals=(), policy=builtin_policy(), limits={})


@dataclass(slots=True)
class Source:
    """One isolate's policy. What is read here is shared by all its requests; no JavaScript object is kept."""

    document: EdgeDocument = field(default_factory=_floor)
    version: int | None = None
    problem: str | None = None
    looked: float = 0.0
    ready: bool = False
    edge: Edge | None = None
    access: AccessKeys = field(default_factory=AccessKeys)

    def due(self, env: Any) -> bool:
        """Whether KV should be asked."""
        return time.time() - self.looked > float(getattr(env, "POLICY_FRESH_SECONDS", FRESH))

    async def refresh(self, env: Any) -> None:
        """Take what KV has published, if it is signed and whole; else keep what there is, and say so."""
        self.looked = time.time()
        await self._take(env)
        self.ready = True

    async def _take(self, env: Any) -> None:
        store, key = getattr(env, "POLICY", None), getattr(env, "POLICY_KEY", None)
        if store is None or not key:
            return
        try:
            current = await store.get("current")
            if current is None:
                return
            pointer = json.loads(shallow(current))
            version = pointer.get("version") if isinstance(pointer, dict) else None
            if version == self.version and pointer.get("digest") == self.document.digest:
                self.problem = None
                return
            document = published(pointer, (await store.get(f"edge/{version}") or "").encode(), key.encode())
        except Exception as error:  # noqa: BLE001  (whatever it is: the last good policy stays)
            self.problem = f"{type(error).__name__}: {error}"[:300]
            return
        self.document, self.version, self.edge, self.problem = document, version, None, None

    def built(self, env: Any) -> Edge:
        """The edge that the document and this deployment's variables make."""
        if self.edge is None:
            secret = getattr(env, "KEY_SECRET", None)
            self.edge = Edge(
                account_id=env.ACCOUNT_ID,
                gateway_id=env.GATEWAY_ID,
                principals=self.document.principals,
                policy=self.document.policy,
                origin=getattr(env, "GATEWAY_ORIGIN", None) or None,
                token=getattr(env, "GATEWAY_TOKEN", None) or None,
                secret=secret.encode() if secret else None,
                namespace=self.document.namespace,
                epoch=self.document.epoch,
                dispatch=self.document.dispatch,
            )
        return self.edge

    async def keys_of(self, team: str) -> dict[str, object]:
        """Cloudflare Access's public keys of a team."""
        return await self.access.of(team)


def lacking(env: Any) -> str | None:
    """What a deployment should have and has not, as ``/healthz`` says it."""
    if getattr(env, "POLICY", None) is not None and not getattr(env, "POLICY_KEY", None):
        return "POLICY_KEY is not set: nothing is taken from KV"
    if len((getattr(env, "KEY_SECRET", None) or "").encode()) < SECRET_MIN:
        return f"KEY_SECRET is not set, or shorter than {SECRET_MIN} bytes: keys, and tenants in events, are not sealed"
    return None
