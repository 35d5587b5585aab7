"""The gate before every endpoint: finds the route's policy row, and who calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.security.actor import Actor


def current_actor(request: Request) -> Actor:
    """Return who calls; the gate has let the request through already.

    On an anonymous route there is nobody: asking is a fault of ours.
    """
    actor: Actor = request.state.actor
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]
