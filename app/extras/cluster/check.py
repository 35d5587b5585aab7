"""What `doctor` says of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.certificates import end_of
from app.errors import ConfigurationError
from app.extras.cluster.place import place_in

if TYPE_CHECKING:
    from app.broker import Broker


def check(broker: Broker) -> str:
    """Return how the cluster that the settings name fares."""
    place = place_in(broker.settings)
    if place is None:
        return "none; workers on this database share runs without one"
    ends = min(end_of(place.ca_file), end_of(place.cert_file))
    # Not before: it needs Dask.
    from app.extras.cluster.client import connected, strength_of  # noqa: PLC0415

    with connected(place) as client:
        found = strength_of(client)
    if not found.n_workers:
        raise ConfigurationError("the scheduler answers, and has no worker")
    return (
        f"answers; workers: {found.n_workers}, of which help with runs: {found.n_brokers}; "
        f"certificates until {ends}"
    )
