"""The web application: the one place that wires routes, gate and refusals together."""

from __future__ import annotations

from fastapi import FastAPI

from app.broker import Broker


def create_app(broker: Broker) -> FastAPI:
    """Return the application that serves this broker.

    Raises:
        ConfigurationError: routes and policy table do not belong to each other one to one.
    """
    raise NotImplementedError
