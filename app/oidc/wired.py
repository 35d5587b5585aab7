"""Hands the provider of the single sign-on to endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from app.errors import NotFoundError
from app.oidc.provider import Provider

if TYPE_CHECKING:
    from app.settings import Settings


def provider_in(settings: Settings) -> Provider | None:
    """Return the provider that the settings name; None: there is no single sign-on here.

    Raises:
        ConfigurationError: as `Provider`.
    """
    return None if settings.sso_issuer is None else Provider(settings)


def known_provider(request: Request) -> Provider | None:
    """Return the provider of the application that serves a request; None: it has none."""
    provider: Provider | None = request.app.state.provider
    return provider


async def provider_of(request: Request) -> Provider:
    """Return the provider, where there is one; where there is none, nothing of the single sign-on is there."""
    provider = known_provider(request)
    if provider is None:
        raise NotFoundError("There is nothing here.")
    return provider


WiredProvider = Annotated[Provider, Depends(provider_of)]
