"""The step of an agency in mode `blind`: sealed link IDs beside its record IDs, which it cannot open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.files import refuse_to_overwrite
from encoding.people.peers import read_peers
from encoding.project.agreement.agreements import require_agreed_run, trusted_peers
from encoding.project.agreement.rosters import persons_then
from encoding.project.log_copies import log_under_lock
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.records.agency_file import agency_file
from encoding.rounds.history import round_history
from encoding.sharing.blind_links import BLIND_LINKS_START, write_blind_links
from encoding.transfers.blind_fetch import (
    fetch_blind,
    join_blind,
    refuse_other_receivers,
)
from encoding.transfers.matches import say_whole
from schemas.matchlog.kinds import BlindReleasePrepared

if TYPE_CHECKING:
    from collections.abc import Collection

    from encoding.broker.client import BrokerClient
    from encoding.log.trust import Trust
    from schemas.api.bodies import ProjectView, ReleaseView
    from schemas.signing.identity import PublicIdentity


@dataclass(frozen=True, slots=True)
class BlindLinksWritten:
    """Which release was written where; `missing` link IDs belong to records that the file has not."""

    path: Path
    recipient: str
    release: str
    run: str
    links: int
    missing: int

    def to_document(self) -> dict[str, object]:
        """Return what `--json` prints."""
        return {
            "file": str(self.path),
            "for": self.recipient,
            "release": self.release,
            "run": self.run,
            "links": self.links,
            "missing": self.missing,
        }

    def sentence(self) -> str:
        """Return what is said without it."""
        return (
            f"{self.links:,} records have a link ID that only {self.recipient} can open, in {self.path};"
            f" next: blindlink deliver {self.recipient}"
        )


def blind_path(session: Session, view: ProjectView, recipient: str, partner: str | None) -> Path:
    """Return where sealed link IDs are kept, beside the file of links: one file a partner of this agency."""
    links = session.config.resolve(session.config.sections.output.links)
    several = f"-with-{partner}" if len(view.terms.providers) > 2 else ""
    return links.with_name(f"{links.stem}-for-{recipient}{several}{links.suffix}")


def blind_links(
    session: Session,
    client: BrokerClient,
    trust: Trust,
    view: ProjectView,
    *,
    release: ReleaseView,
    source: Source,
    output: Path | None = None,
    force: bool = False,
) -> BlindLinksWritten:
    """Fetch a blind release, hold it against the log, and replace the file at the very end."""
    recipient = release.recipient
    path = output or blind_path(session, view, recipient, release.partner)
    refuse_to_overwrite(path, own_start=BLIND_LINKS_START, force=force)
    note_file(session, "link-table", path)
    require_agreed_run(session, client, client.run(release.run), for_release=True)
    trusted = _trusted(session, client, trust, release)
    with session.workspace.lock():
        fetched = fetch_blind(client, release, session.party, trust)
        if trusted is None:
            session.warn(
                f"nobody of {recipient} is trusted yet, so only the broker says who can open the link IDs;"
                f" compare fingerprints: blindlink identity trust {recipient} FINGERPRINT"
            )
        else:
            refuse_other_receivers(fetched.header, trusted)
        file = agency_file(session.config, source.file, source.id_column)
        joined = join_blind(session.workspace, fetched, file)
        write_blind_links(path, fetched.header, joined.links)
    # At the very end, since no job fetches it again once that is said.
    say_whole(client, release)
    if joined.n_missing:
        session.warn(
            f"{joined.n_missing:,} link IDs belong to records that {file.path.name} does not have"
        )
    return BlindLinksWritten(
        path, recipient, release.release, release.run, len(joined.links), joined.n_missing
    )


def _trusted(
    session: Session, client: BrokerClient, trust: Trust, release: ReleaseView
) -> Collection[PublicIdentity] | None:
    """Return the persons of its recipient who are trusted here, with all keys that a release may be sealed to.

    Those are the newest ones, and those that they had when the log got it; None: nobody is trusted.
    """
    party = release.recipient
    if not read_peers(session.workspace.peers).of(party):
        return None
    shown = client.identities(session.project).identities
    with session.workspace.lock():
        newest = trusted_peers(session, shown).trusted_of(party, shown)
        history = round_history(log_under_lock(session, client, trust).entries, session.project)
        prepared = (
            one
            for one in history.entries
            if one.object == release.release and isinstance(one.body, BlindReleasePrepared)
        )
        then = (persons_then(session, client, party, history, one) for one in prepared)
        return [*newest, *next(then, [])]
