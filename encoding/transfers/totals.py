"""Fetches the total that a run found, for a party that receives a count and no link ID."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.broker.client import BrokerClient
from encoding.errors import NotReadyError
from encoding.log.trust import Trust
from encoding.transfers.matches import fetch_release
from schemas.api.releases import ReleaseView


@dataclass(frozen=True, slots=True)
class Total:
    """How many people a run found in several files; null where that lies below the smallest count shown."""

    release: str
    run: str
    total: int | None


def fetch_total(
    client: BrokerClient, project: str, party: str, trust: Trust, run: str | None = None
) -> Total:
    """Return the newest total for this party, or that of a run, once the match log vouches for it.

    Raises:
        NotReadyError: there is none.
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    release = _newest(client, project, party, run)
    header = fetch_release(client, release, trust).header
    return Total(header.release, header.run, header.total)


def _newest(client: BrokerClient, project: str, party: str, run: str | None) -> ReleaseView:
    for release in client.releases(project).releases:
        is_wanted = (release.recipient, release.mode) == (party, "count")
        if is_wanted and (run is None or release.run == run):
            return release
    raise NotReadyError(
        "no total has been released to this party yet", hint="see: blindlink status"
    )
