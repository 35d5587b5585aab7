"""What `doctor` says of the single sign-on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import ConfigurationError
from app.extras.sign_on.errors import ProviderFailedError
from app.extras.sign_on.wired import provider_in

if TYPE_CHECKING:
    from app.broker import Broker


def check(broker: Broker) -> str:
    """Return how the provider that the settings name answers."""
    provider = provider_in(broker.settings)
    if provider is None:
        return "none; people sign in to the pages with their keys"
    try:
        provider.metadata()
        n_keys = len(provider.keys())
    except ProviderFailedError as exc:
        raise ConfigurationError(
            f"{provider.issuer} does not answer as it should: {exc.reason}",
            hint="see docs/operator.md, single sign-on",
        ) from exc
    return f"{provider.issuer} answers, and shows keys: {n_keys}"
