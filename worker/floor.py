"""The edge document that is deployed with the code: what holds until KV has another one, or where KV has none.

None stands for the built-in route classes and nobody who may call. `docs/how-to/deploy-worker.md` says how to put
your own here.
"""

TEXT: str | None = None
