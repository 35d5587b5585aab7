"""Hands the broker and the single sign-on to endpoints; apart, so that commands need no web framework."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from app.broker import Broker


async def broker_of(request: Request) -> Broker:
    """Return the broker that serves this request."""
    broker: Broker = request.app.state.broker
    return broker


class SignOn(Protocol):
    """The single sign-on of an application, as the pages know it; `app.extras.sign_on` is it."""

    @property
    def name(self) -> str:
        """What it is called on the pages."""

    def logout_address_if_there(self, id_token: str) -> str | None:
        """Return where the browser ends its session there too; None: nowhere, or it does not answer."""


def sign_on_of(request: Request) -> SignOn | None:
    """Return the single sign-on of the application that serves a request; None: it has none."""
    sign_on: SignOn | None = request.app.state.provider
    return sign_on


WiredBroker = Annotated[Broker, Depends(broker_of)]
