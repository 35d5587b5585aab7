"""Everything that a request or the worker needs, opened once from the settings and passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from app.blobs import BlobStore
from app.clock import Clock, utc_now
from app.db import Database
from app.security.keystore import KeyStore
from app.settings import Settings

if TYPE_CHECKING:
    from app.matchlog.service import MatchLog


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker's stores, log and clock."""

    settings: Settings
    database: Database
    keystore: KeyStore
    blobs: BlobStore
    log: MatchLog
    clock: Clock


def open_broker(settings: Settings, *, clock: Clock = utc_now) -> Broker:
    """Open the stores that `init` made.

    Raises:
        ConfigurationError: a key, the database or a durability setting is missing or unsafe.
    """
    raise NotImplementedError


def broker_of(request: Request) -> Broker:
    """Return the broker that serves this request."""
    broker: Broker = request.app.state.broker
    return broker


WiredBroker = Annotated[Broker, Depends(broker_of)]
