"""Hands the broker to endpoints; apart from it, so that the operator's commands need no web framework."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.broker import Broker


async def broker_of(request: Request) -> Broker:
    """Return the broker that serves this request."""
    broker: Broker = request.app.state.broker
    return broker


WiredBroker = Annotated[Broker, Depends(broker_of)]
