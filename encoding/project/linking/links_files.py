"""The end of a round at this agency: link IDs beside record IDs, what changed, and who has no link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from encoding.errors import ChangeHeldError
from encoding.files import is_same_file, refuse_to_overwrite
from encoding.ledger.book import Ledger, retired_of
from encoding.ledger.ledger_file import held_as_of
from encoding.ledger.values import Reason, Turn
from encoding.packing.handles import derive_map_keys, key_text
from encoding.packing.snapshot import Snapshots
from encoding.packing.withdrawals import Withdrawn
from encoding.project.context import Context
from encoding.project.linking.own_links import accept_change, own_links
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.records.agency_file import agency_file
from encoding.sharing.change_report import (
    CHANGES_START,
    Between,
    LinkChange,
    OwnRecords,
    changes_between,
    counts_of,
    exceeds,
    write_changes,
)
from encoding.sharing.links_file import LINKS_START, Link, write_links
from encoding.sharing.links_of_rounds import (
    Acceptance,
    AppliedRelease,
    HeldChange,
    LinksOfRound,
    keys_of,
    links_as_of,
)
from encoding.sharing.unmatched_records import (
    UNMATCHED_START,
    Unmatched,
    WithoutLink,
    write_unmatched,
)
from encoding.transfers.matches import keyed_chunks
from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.policy_words import percent
from schemas.documents.ids import LinkId

_USUAL_STEM: Final = "links"


@dataclass(frozen=True, slots=True)
class LinksOrder:
    """How links are to be written; `accepted` is why someone accepts how many end, null: nobody does."""

    source: Source
    output: Path | None = None
    force: bool = False
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class MatchedRecords:
    """The records that a round matched up to one of its releases, by record key; `latest` this release matched.

    `partners` are those with whom the round had a result, `undecided` records that wait for reviewers.
    """

    turn: Turn
    partners: tuple[str, ...]
    records: frozenset[str] = field(repr=False)
    latest: frozenset[str] = field(repr=False)
    undecided: frozenset[str] = field(repr=False)

    @property
    def round(self) -> int:
        """The round."""
        return self.turn.round


@dataclass(frozen=True, slots=True)
class LinksWritten:
    """Of which round the link IDs are, and where they were written.

    `pending` matches have no link ID yet, since a partner's claims were missing when the round was closed;
    `missing` link IDs belong to records that the file has not. `changes` counts them by their kinds,
    `unmatched` the records that are listed as having no link.
    """

    files: LinkFiles
    round: int
    links: int
    pending: int
    missing: int
    changes: Mapping[str, int]
    unmatched: int

    def to_document(self) -> dict[str, object]:
        """Return it as a document."""
        return {
            "file": str(self.files.links),
            "round": self.round,
            "links": self.links,
            "pending": self.pending,
            "missing": self.missing,
            "changes": dict(self.changes),
            "changes_file": str(self.files.changes),
            "unmatched": self.unmatched,
            "unmatched_file": str(self.files.unmatched),
        }

    def sentence(self) -> str:
        """Return what is said of it."""
        said = f"round {self.round}: {self.links:,} records have a link ID, in {self.files.links}"
        counted = {"new": self.changes["new"], "ended": self.changes["ended"]}
        counted["changed"] = sum(self.changes.values()) - sum(counted.values())
        told = ", ".join(f"{n:,} {what}" for what, n in counted.items() if n)
        said += f"; {told}: see {self.files.changes.name}" if told else "; none changed"
        return f"{said}; {self.pending:,} matches have none yet" if self.pending else said


@dataclass(frozen=True, slots=True)
class LinkFiles:
    """The file of links, and beside it what changed and who has no link."""

    links: Path
    changes: Path
    unmatched: Path

    @classmethod
    def beside(cls, links: Path) -> LinkFiles:
        """Return the files that belong to a file of links, named for it unless it has the usual name."""
        start = "" if links.stem == _USUAL_STEM else f"{links.stem}-"
        return cls(
            links, *(links.with_name(f"{start}{name}.csv") for name in ("changes", "unmatched"))
        )

    def report(self, suffix: str) -> Path:
        """Return where the report of the round stands, as `html` or `json`."""
        start = self.unmatched.name.removesuffix("unmatched.csv")
        return self.links.with_name(f"{start}round-report.{suffix}")

    def claim(self, session: Session, *, force: bool) -> None:
        """Refuse to overwrite what is no such file, and note all three for their destruction."""
        own = (
            (self.links, LINKS_START),
            (self.changes, CHANGES_START),
            (self.unmatched, UNMATCHED_START),
        )
        for path, start in own:
            refuse_to_overwrite(path, own_start=start, force=force)
        note_file(session, "link-table", *(path for path, _ in own))


def write_links_of_round(
    context: Context, found: MatchedRecords, order: LinksOrder
) -> LinksWritten:
    """Write the links of a round, its changes, and who has no link; the links come last.

    The same round again gives the same files, less what was unlinked meanwhile.
    """
    session = context.session
    usual = session.links_path
    files = LinkFiles.beside(order.output or usual)
    files.claim(session, force=order.force)
    with session.workspace.lock():
        written = _Writing(context, found, order, files).write()
    if usual.exists() and not is_same_file(files.links, usual):
        session.warn(
            f"{usual.name} stays as it was until the next round; to write it, too: blindlink links"
        )
    return written


class _Writing:
    """One round's links as they are written, under the workspace's lock."""

    def __init__(
        self, context: Context, found: MatchedRecords, order: LinksOrder, files: LinkFiles
    ) -> None:
        session = context.session
        self._terms, self._n_passes = context.view.terms, len(context.view.profile.passes)
        self._session, self._found, self._order, self._files = session, found, order, files
        self._rounds, self._is_lasting = own_links(context), context.is_lasting
        self._ledger = context.ledger_file.read()
        self._left_out = _left_out(self._ledger, found)
        self._held = _held(self._ledger, found, self._left_out)
        retired = retired_of(self._ledger.vetoes())
        self._unlinked = {record for link in retired for record in self._ledger.bearers(link)}
        self._former = self._rounds.newest(before=found.round)
        former = () if self._former is None else self._former.records
        # Of the links in force: the record ID of each record key.
        self._names = keys_of(session.workspace, session.project, former)
        self._snapshots = Snapshots(session.workspace, session.project)
        self._now = self._snapshots.of_round(found.round)

    def write(self) -> LinksWritten:
        session, found = self._session, self._found
        read = self._read_file()
        changes = self._changes(read)
        acceptance = self._settle(changes, read)
        n_unmatched = write_unmatched(self._files.unmatched, read.unlinked.values())
        write_changes(self._files.changes, changes)
        links = sorted(Link(name, self._held[key].hex()) for key, name in read.linked.items())
        write_links(self._files.links, links)
        waiting = [
            r for r, why in self._left_out.items() if why == "pending" and r not in self._held
        ]
        self._keep(links, waiting, acceptance)
        missing = len(self._held) - len(links)
        if missing:
            session.warn(f"{missing:,} link IDs belong to records that the file does not have")
        if not self._now:
            session.warn(
                f"what was encoded in round {found.round} is no longer known here, so no reasons can be given"
            )
        return LinksWritten(
            self._files,
            found.round,
            len(links),
            len(waiting),
            missing,
            counts_of(changes),
            n_unmatched,
        )

    def _read_file(self) -> _FileRead:
        session = self._session
        workspace, project, source = session.workspace, session.project, self._order.source
        withdrawn = Withdrawn(workspace.withdrawn(project), project, workspace.key())
        keys = derive_map_keys(workspace.key(), project)
        without = WithoutLink(
            self._now, self._left_out, self._unlinked, self._n_passes, self._found.undecided
        )
        former = list(self._names.values())
        gone = withdrawn.among(former).tolist()
        read = _FileRead(
            withdrawn={key for key, is_out in zip(self._names, gone, strict=True) if is_out}
        )
        file = agency_file(session.config, source.file, source.id_column)
        for record_ids, of_chunk in keyed_chunks(file, keys):
            are_withdrawn = withdrawn.among(record_ids)
            # In a large file hardly anybody has a link, and nothing is wrong with most.
            may_be_said = are_withdrawn | ~without.have_nothing(of_chunk)
            for at, record_id in enumerate(record_ids):
                key = key_text(of_chunk, at)
                if key in self._names:
                    read.still_there.add(key)
                if key in self._held:
                    read.linked[key] = record_id
                elif record_id and (may_be_said[at] or without.concerns(key)):
                    one = without.of(key, record_id, is_withdrawn=bool(are_withdrawn[at]))
                    if one is not None:
                        read.unlinked[key] = one
        return read

    def _changes(self, read: _FileRead) -> tuple[LinkChange, ...]:
        former = self._former
        between = Between(
            before={} if former is None else links_as_of(self._ledger, former, self._names),
            now={key: self._held[key] for key in read.linked},
            since=None if former is None else former.turn_of_ledger(),
            names=self._names | read.linked,
            waited=() if former is None else frozenset(former.waiting),
            is_compared=former is None or {*former.partners} <= {*self._found.partners},
            is_lasting=self._is_lasting,
        )
        own = OwnRecords(
            now=self._now,
            before=None if former is None else self._snapshots.of_round(former.round),
            withdrawn=read.withdrawn,
            missing=self._names.keys() - read.still_there,
            undecided=self._found.undecided,
        )
        return changes_between(between, self._ledger, own)

    def _settle(self, changes: Sequence[LinkChange], read: _FileRead) -> Acceptance | None:
        """Return who accepts that so many links end; null where no more do than is agreed.

        Where the round's links are in force already, they are what the new ones are held against.
        """
        written, session = self._rounds.read(self._found.round), self._session
        in_force = written or self._former
        n_ended = sum(one.ends_a_link for one in changes)
        if written is not None:
            names = keys_of(session.workspace, session.project, written.records)
            n_ended = len(names.keys() - read.linked.keys() - self._unlinked)
        if in_force is None or not self._exceeds(n_ended, len(in_force.records)):
            if self._order.accepted is not None:
                session.say("there was nothing to accept: no more links end than is agreed")
            return None if written is None else written.accepted
        held = HeldChange(
            round=self._found.round,
            in_force_round=in_force.round,
            ended=n_ended,
            in_force=len(in_force.records),
        )
        if self._order.accepted is None:
            write_changes(self._files.changes, changes)
            if written is None:
                self._rounds.hold(held)
            raise _held_error(held, self._terms, self._files)
        reason = self._order.accepted
        return accept_change(session, reason, ended=held.ended, in_force=held.in_force)

    def _exceeds(self, n_ended: int, n_in_force: int) -> bool:
        return exceeds(n_ended, n_in_force, self._terms.most_ended, self._terms.floor)

    def _keep(
        self, links: Sequence[Link], waiting: Sequence[str], acceptance: Acceptance | None
    ) -> None:
        turn = self._ledger.last
        self._rounds.keep(
            LinksOfRound(
                round=self._found.round,
                release=self._found.turn.release,
                ledger=None if turn is None else AppliedRelease(**turn._asdict()),
                partners=self._found.partners,
                accepted=acceptance,
                records=tuple(link.record_id for link in links),
                waiting=tuple(sorted(waiting)),
            )
        )
        # The same round may be written again, and is held against the one before once more.
        self._snapshots.forget_before(
            self._found.round if self._former is None else self._former.round
        )


@dataclass(slots=True, repr=False)
class _FileRead:
    """What one reading of the agency's file found, by record key.

    `linked` are record IDs of records with a link ID, `still_there` records of the links in force, `withdrawn`
    those of them that were withdrawn.
    """

    withdrawn: Collection[str]
    linked: dict[str, str] = field(default_factory=dict)
    unlinked: dict[str, Unmatched] = field(default_factory=dict)
    still_there: set[str] = field(default_factory=set)


def refuse_held(context: Context) -> None:
    """Refuse to end as if all were well, where a round's links wait to be accepted."""
    session = context.session
    with session.workspace.lock():
        found = own_links(context).held()
    if found is not None:
        files = LinkFiles.beside(session.links_path)
        raise _held_error(found, context.view.terms, files)


def _held_error(change: HeldChange, terms: ProjectTerms, files: LinkFiles) -> ChangeHeldError:
    """Return that the links of a round wait to be accepted."""
    share = f"{change.ended / max(1, change.in_force):.1%}"
    return ChangeHeldError(
        f"{change.ended:,} of {change.in_force:,} links in force end in round {change.round} ({share}); the"
        f" agreement allows at most {percent(terms.most_ended or '1')}, so {files.links.name} is still that of"
        f" round {change.in_force_round}",
        hint=f"check {files.changes.name}; if it is right: blindlink links --accept-change REASON",
    )


def _left_out(ledger: Ledger, found: MatchedRecords) -> Mapping[str, Reason]:
    """Return the records that the round matched and gave nothing; all of a release that was not applied."""
    if ledger.last is None or ledger.last.round != found.round:
        return dict.fromkeys(found.records, "pending")
    if ledger.last < found.turn:
        return {**ledger.left_out, **dict.fromkeys(found.latest, "pending")}
    return ledger.left_out


def _held(
    ledger: Ledger, found: MatchedRecords, left_out: Mapping[str, Reason]
) -> dict[str, LinkId]:
    """Return the link IDs of the round, by record key; of a match that is pending the old one stands.

    What this agency unlinked since is left out at once; what it linked again counts from the next round on.
    """
    if ledger.last is None:
        return {}
    held, retired = held_as_of(ledger, ledger.last), retired_of(ledger.vetoes())
    return {
        record: held[record].link
        for record in found.records
        if record in held
        and left_out.get(record, "pending") == "pending"
        and held[record].link not in retired
    }
