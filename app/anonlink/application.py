"""The web application of the service, apart from the broker's."""

from __future__ import annotations

from fastapi import FastAPI

from app.anonlink.endpoints import router
from app.anonlink.service import Service
from app.http.envelope import Envelope
from app.http.metrics import Metrics
from app.http.problems import install_refusals
from app.version import VERSION


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
    app.add_middleware(Envelope, metrics=Metrics())
    install_refusals(app)
    return app
