"""The web application of the service, apart from the broker's."""

from __future__ import annotations

import re

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.extras.anonlink.endpoints import router
from app.extras.anonlink.service import Service
from app.http.envelope import Envelope
from app.http.metrics import Metrics
from app.http.problems import install_refusals
from app.version import VERSION


class MergedSlashes:
    """Takes several slashes of a path for one, as the old service's proxy did: some clients add one."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope["path"] = re.sub("/{2,}", "/", scope["path"])
        await self._app(scope, receive, send)


def create_app(service: Service) -> FastAPI:
    """Return the application that serves this service."""
    app = FastAPI(
        title="Blindlink, for clients of anonlink-entity-service",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(router)
    app.state.service = service
    app.add_middleware(MergedSlashes)
    app.add_middleware(Envelope, metrics=Metrics())
    install_refusals(app)
    return app
