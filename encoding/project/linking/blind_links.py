"""The step of an agency in mode `blind`: sealed link IDs beside its record IDs, which it cannot open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from encoding.files import refuse_to_overwrite
from encoding.people.peers import read_peers
from encoding.project.agreement.agreements import require_agreed_run, trusted_peers
from encoding.project.agreement.rosters import persons_then
from encoding.project.context import Context, Known, log_under_lock
from encoding.project.noted_files import note_file
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
from schemas.api.releases import ReleaseView
from schemas.matchlog.release_kinds import BlindReleasePrepared
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


def blind_path(known: Known, recipient: str, partner: str | None) -> Path:
    """Return where sealed link IDs are kept, beside the file of links: one file a partner of this agency."""
    links = known.session.links_path
    several = f"-with-{partner}" if len(known.view.terms.providers) > 2 else ""
    return links.with_name(f"{links.stem}-for-{recipient}{several}{links.suffix}")


def blind_links(
    context: Context,
    *,
    release: ReleaseView,
    source: Source,
    output: Path | None = None,
    force: bool = False,
) -> BlindLinksWritten:
    """Fetch a blind release, hold it against the log, and replace the file at the very end."""
    session, client, recipient = context.session, context.client, release.recipient
    path = output or blind_path(context, recipient, release.partner)
    refuse_to_overwrite(path, own_start=BLIND_LINKS_START, force=force)
    note_file(session, "link-table", path)
    require_agreed_run(session, client, client.run(release.run), for_release=True)
    trusted = _trusted(context, release)
    with session.workspace.lock():
        fetched = fetch_blind(client, release, session.party, context.trust)
        if trusted is None:
            session.warn(
                f"nobody of {recipient} is trusted yet, so only the broker says who can open the link IDs;"
                f" compare fingerprints: blindlink people trust {recipient} FINGERPRINT"
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


def _trusted(context: Context, release: ReleaseView) -> Collection[PublicIdentity] | None:
    """Return the persons of its recipient who are trusted here, with all keys that a release may be sealed to.

    Those are the newest ones, and those that they had when the log got it; None: nobody is trusted.
    """
    session, client, party = context.session, context.client, release.recipient
    if not read_peers(session.workspace.peers).of(party):
        return None
    shown = client.identities(session.project).identities
    with session.workspace.lock():
        newest = trusted_peers(session, shown).trusted_of(party, shown)
        entries = log_under_lock(session, client, context.trust).entries
        history = round_history(entries, session.project)
        run = client.run(release.run)
        history.refuse_unfinished(run.run, run.specification.digest())
        prepared = (
            one
            for one in history.entries
            if one.object == release.release and isinstance(one.body, BlindReleasePrepared)
        )
        then = (persons_then(context, party, history, one) for one in prepared)
        return [*newest, *next(then, [])]
