"""What `doctor` says of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.extras.exhaustive import kernel_name

if TYPE_CHECKING:
    from app.broker import Broker


def check(_: Broker) -> str:
    """Return how plain CLKs are compared here."""
    return f"matching by {kernel_name()}"
