"""What is kept of the files of links of this agency."""

from __future__ import annotations

from encoding.cli.parts.own_ledger import Seat, required_space
from encoding.sharing.links_of_rounds import LinksOfRounds


def own_links(seat: Seat) -> LinksOfRounds:
    """Return what is kept of the files of links of this agency's ID space; use it under the workspace's lock.

    Raises:
        NotReadyError: the agreement gives this agency no matches of its own records.
    """
    session = seat.session
    return LinksOfRounds(session.workspace, session.project, required_space(seat))
