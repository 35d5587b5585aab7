"""Hands the provider of the single sign-on to endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from app.errors import NotFoundError
from app.extras.sign_on.provider import Provider

if TYPE_CHECKING:
    from app.settings import Settings


def provider_in(settings: Settings) -> Provider | None:
    """Return the provider that the settings name; None: there is no single sign-on here."""
    return None if settings.sso_issuer is None else Provider(settings)


async def provider_of(request: Request) -> Provider:
    """Return the provider, where there is one; where there is none, nothing of the single sign-on is there."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFoundError("There is nothing here.")
    return provider


WiredProvider = Annotated[Provider, Depends(provider_of)]
