"""Messages by webhook: JSON over HTTPS, authenticated by a key that both sides have."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Sequence
from typing import Final

import httpx2

from app.broker import Broker
from app.deadlines.messages import message_of
from app.deadlines.service import Late
from app.errors import NotSentError
from schemas.shared.trust import trust_only

NAME: Final = "webhook"
TIMEOUT_S: Final = 20.0
SIGNATURE_HEADER: Final = "Blindlink-Signature"


class WebhookOutlet:
    """Posts all that is overdue to one address."""

    name = NAME
    party = None

    def __init__(self, broker: Broker) -> None:
        """Take the broker, whose settings have the address."""
        self._broker = broker

    def send(self, lates: Sequence[Late]) -> None:
        """Post one message about all of these, or about none for a trial.

        Raises:
            NotSentError: the receiver did not answer with a status from 200 to 299; no redirect is followed.
            ConfigurationError: a file of the settings cannot be read.
        """
        settings = self._broker.settings
        body = message_of(lates, settings.address, self._broker.machine_clock()).to_canonical()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature_of(body, settings.webhook_secret()),
        }
        try:
            verify: ssl.SSLContext | bool = True
            if settings.webhook_ca_file is not None:
                verify = trust_only(settings.webhook_ca_file)
            with (
                httpx2.Client(verify=verify, timeout=TIMEOUT_S, follow_redirects=False) as client,
                # What it answers is not read: its status says all.
                client.stream(
                    "POST", settings.webhook_url or "", content=body, headers=headers
                ) as answer,
            ):
                is_taken = answer.is_success
        # Neither exception nor answer is passed on: they hold the address.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
            raise NotSentError(
                "webhook-unreachable", "The webhook cannot be reached, or is not trusted."
            ) from None
        if not is_taken:
            raise NotSentError("webhook-refused", "The webhook did not take the message.")


def signature_of(body: bytes, secret: bytes) -> str:
    """Return the header that authenticates a body: HMAC-SHA256 in hexadecimal."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
