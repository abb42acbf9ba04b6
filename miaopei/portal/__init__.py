"""Pages for people and an HTTP API for programs over one member's record; both only read.

`app` builds the application from a store's snapshots and `Settings`; `serve` runs it, on this
machine only unless told otherwise. Which database, keys and bank stand behind it is `wiring`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .settings import HOST, PORT, Settings, Snapshots

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["HOST", "PORT", "Settings", "app", "serve"]


def app(store: Snapshots, settings: Settings | None = None) -> FastAPI:
    """The whole application over one member's store."""
    from .build import build

    return build(store, settings or Settings())


def serve(application: FastAPI, host: str = HOST, port: int = PORT) -> None:
    """Answer requests until told to stop (SIGINT, SIGTERM)."""
    import uvicorn

    uvicorn.run(
        application,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        limit_concurrency=200,
    )
