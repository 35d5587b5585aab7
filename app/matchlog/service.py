"""The match log as the rest of the broker writes it.

An entry is appended in the transaction of the change that it records, so that both are there or neither.
Each call is one batch and ends with one signed checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.clock import Clock, LogClock, parse_utc, utc_now, utc_text
from app.db import began_s
from app.errors import (
    ConfigurationError,
    LastCheckpointMissingError,
    LogAheadError,
    LogInconsistentError,
    LogKeyMismatchError,
    LogNotStartedError,
    LogRolledBackError,
    LogStartedError,
)
from app.ids import new_id
from app.matchlog import repository
from app.matchlog.draft import SOFTWARE, Appended, EntryDraft
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.models import NO_PROJECT
from app.matchlog.proofs import root_of_stored
from app.matchlog.repository import Chain, Head
from app.matchlog.signers import hold_to_signers
from schemas.documents.canonical import JsonValue
from schemas.documents.document import describe_invalid
from schemas.documents.errors import EntryError
from schemas.documents.ids import REQUEST_PREFIX
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from schemas.matchlog.entry import Actor, Entry, entry_bytes
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_kinds import Exported, LogKeyRotated, LogStarted
from schemas.signing.note import NoteSigner, VerifierKey
from schemas.signing.signatures import sign_document


class MatchLog:
    """Appends to the log and signs its checkpoints, one log a database.

    Order: `start` once, then `append` in any number of transactions. Callers hold a writer's transaction
    (`Database.write`); nothing here commits. `last_checkpoint` is None in tests of other parts only:
    without it a rolled back database goes unnoticed. Where another process has handed the log to a new key,
    this one takes that up from `keys`, if it is there. What is appended is decided by `clock`.
    """

    def __init__(
        self,
        signer: NoteSigner,
        last_checkpoint: LastCheckpointFile | None = None,
        *,
        keys: Callable[[], Sequence[NoteSigner]] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """Sign with this key, under its name, which is the log's origin; `keys` are those that may follow."""
        self._signer = signer
        self._last = last_checkpoint
        self._keys = keys
        self.clock = LogClock(clock)

    @property
    def key(self) -> VerifierKey:
        """The key that this process signs with, as far as it knows; its name is the log's origin."""
        return self._signer.verifier_key

    def now(self, session: Session) -> datetime:
        """Return the time of an entry that were appended now: what is counted from an entry is counted from it.

        A clock that was ahead for a while leaves entries of a time that is still to come.
        """
        return max(self.clock(), parse_utc(_started(repository.read_head(session)).time))

    def follow_clock(self, session: Session) -> None:
        """Let the clock follow a log that other processes have written, before anything is decided."""
        head = repository.read_head(session)
        if head is not None:
            self.clock.follow(head.time)

    def start(self, session: Session, software: str, actor: Actor = SOFTWARE) -> Appended:
        """Begin the log with its first entry."""
        if repository.read_head(session) is not None:
            raise LogStartedError("this database has a match log already")
        repository.add_head(session, self.key.text, utc_text(self.clock()))
        body = LogStarted(origin=self.key.name, key=self.key.text, software=software)
        return self.append(session, [EntryDraft(body, actor=actor)])[0]

    def append(self, session: Session, drafts: Sequence[EntryDraft]) -> tuple[Appended, ...]:
        """Append entries as one batch, sign its checkpoint, and return where they stand.

        Times never go back, even if the clock does. Of no drafts nothing is written.

        Raises:
            NotAuthenticatedError, request-unsigned, request-agreement: as `hold_to_signers`.
            LogNotStartedError, LogKeyMismatchError, LastCheckpointMissingError: the broker is set up wrongly.
            LogRolledBackError, LogInconsistentError: the database contradicts what was signed.
        """
        if not drafts:
            return ()
        head = _started(repository.lock_head(session))
        frontier = self._frontier_to_continue(session, head)
        self._require_known(session, head)
        entries, appended = self._entries(session, head, drafts)
        hold_to_signers(session, entries, self.key.name)
        size, time = head.size + len(entries), entries[-1].time
        _store_leaves(session, frontier, entries, appended)
        note = sign_checkpoint(Checkpoint(self.key.name, size, frontier.root()), self._signer)
        repository.add_checkpoint(session, size, head.batch, note)
        repository.move_head(
            session, size=size, batch=head.batch + 1, time=time, frontier=frontier.to_bytes()
        )
        if self._last is not None:
            self._last.advance_after_commit(session, note)
        event.listen(session, "after_commit", lambda _: self.clock.follow(time), once=True)
        return appended

    def append_export(
        self,
        session: Session,
        actor: Actor,
        project: str | None = None,
        agreement: str | None = None,
        *,
        what: str = "log",
        request: str | None = None,
    ) -> Appended:
        """Log that the log is about to be handed out, whole or as one project's view.

        Give the result's `size` to `export_bundle`: such a bundle ends with this entry, which fixes all that
        a reader of the project sees before it.
        """
        body = Exported(what=what)
        draft = EntryDraft(body, actor=actor, project=project, agreement=agreement, request=request)
        return self.append(session, [draft])[0]

    def rotate_key(
        self, session: Session, new_signer: NoteSigner, actor: Actor = SOFTWARE
    ) -> MatchLog:
        """Hand the log over to a new key and return the log that signs with it.

        The hand-over itself, a batch of its own, is signed by the old key; a process that has no other can
        append nothing after that.

        Raises:
            ConfigurationError: the new key has another name than the log, or is the old one.
        """
        # Under the lock, so that of two who rotate at once the second one hands over from the first one's key.
        old, new = self.follow_key(session).text, new_signer.verifier_key.text
        if new_signer.name != self.key.name or old == new:
            raise ConfigurationError("the new log key must be another key under the log's own name")
        document = {"log": self.key.name, "new": new, "old": old}
        possession = sign_document("key-rotation", document, new_signer.private_key)
        body = LogKeyRotated(old=old, new=new, possession=possession)
        (appended,) = self.append(session, [EntryDraft(body, actor=actor)])
        repository.change_key(session, appended.size, new)
        return MatchLog(new_signer, self._last, keys=self._keys, clock=self.clock)

    def follow_key(self, session: Session) -> VerifierKey:
        """Take up the key in force, if another process has handed the log over, and return it.

        It stays in force until the caller's transaction ends.
        """
        self._follow_signer(_started(repository.lock_head(session)))
        return self.key

    def sign(self, kind: str, document: JsonValue) -> str:
        """Return the signature of this kind by the log's key over a document of the broker's.

        Raises:
            SignatureError, CanonicalError: as `sign_document`.
        """
        return sign_document(kind, document, self._signer.private_key)

    def check(self, session: Session) -> None:
        """Check that the database continues what was signed, as `append` does, without locking the log.

        Nothing was asked of the session before.
        """
        # First: what others sign from now on is in the snapshot that the next statement takes, or not in the
        # file as it was read. The other way round, a commit in between would look like a rollback.
        signed = self._last_signed()
        self._continued(session, _started(repository.read_head(session)), signed)

    def _require_known(self, session: Session, head: Head) -> None:
        """Refuse what may have been decided by a clock far behind the newest entry."""
        self.clock.follow(head.time)
        if self.clock.was_behind(began_s(session)):
            raise LogAheadError("the log's time is ahead of this process's", hint="try again")

    def _frontier_to_continue(self, session: Session, head: Head) -> Frontier:
        """Return the frontier of the log, whose head is locked, so that nobody signs meanwhile."""
        return self._continued(session, head, self._last_signed())

    def _last_signed(self) -> Checkpoint | None:
        """Return the checkpoint that was signed last, as far as is remembered; None: nothing is."""
        try:
            return None if self._last is None else self._last.read()
        except LastCheckpointMissingError:
            return None

    def _continued(self, session: Session, head: Head, signed: Checkpoint | None) -> Frontier:
        # Before the key: an older database also names an older key, and that is not what is wrong.
        if signed is not None:
            _require_as_long(head, signed)
        self._follow_signer(head)
        frontier = Frontier.from_bytes(head.size, head.frontier)
        if head.size:
            _require_last_signed(session, head, frontier)
        # A crash between the log's first commit and the file's first write leaves that and no more.
        if signed is None and self._last is not None and head.batch > 1:
            raise LastCheckpointMissingError(
                "the file that remembers the log's last checkpoint is gone",
                hint="put it back; if it is lost: docs/operator.md#if-something-is-wrong",
            )
        if signed is not None:
            _require_not_rolled_back(session, head, frontier, signed)
        return frontier

    def _follow_signer(self, head: Head) -> None:
        if head.key == self.key.text:
            return
        at_hand = () if self._keys is None else self._keys()
        signer = next((one for one in at_hand if one.verifier_key.text == head.key), None)
        if signer is None:
            raise LogKeyMismatchError(
                "the log is signed by another key than the one in the key file"
            )
        self._signer = signer

    def _entries(
        self, session: Session, head: Head, drafts: Sequence[EntryDraft]
    ) -> tuple[list[Entry], tuple[Appended, ...]]:
        """Give each draft its place; the head is locked, so that no other entry comes between."""
        time = max(utc_text(self.clock()), head.time)
        scopes = {NO_PROJECT, *(draft.project or NO_PROJECT for draft in drafts)}
        chains = {scope: repository.chain_of(session, scope) for scope in scopes}
        entries, appended = [], []
        for seq, draft in enumerate(drafts, start=head.size):
            scope = draft.project or NO_PROJECT
            place = _Place(seq, head.batch, time, chains[scope], chains[NO_PROJECT])
            entries.append(_entry(draft, place))
            appended.append(_appended(entries[-1], head.size + len(drafts)))
            chains[scope] = Chain(chains[scope].length + 1, appended[-1].leaf_hash)
        return entries, tuple(appended)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands: in the log, in its batch, after the entries of its project and those of none."""

    seq: int
    batch: int
    time: str
    own: Chain
    broker_wide: Chain


def _started(head: Head | None) -> Head:
    if head is None:
        raise LogNotStartedError(
            "this database has no match log yet", hint="run blindlink-broker init"
        )
    return head


def _entry(draft: EntryDraft, at: _Place) -> Entry:
    has_signed = KINDS[draft.kind].duties is not None and draft.outcome != "refused"
    try:
        return Entry(
            kind=draft.kind,
            seq=at.seq,
            batch=at.batch,
            place=at.own.length,
            previous=_hex(at.own.leaf),
            broker_wide=None if draft.project is None else _hex(at.broker_wide.leaf),
            time=at.time,
            request=draft.request or new_id(REQUEST_PREFIX),
            actor=draft.actor if has_signed else draft.actor.model_copy(update={"signed": None}),
            project=draft.project,
            agreement=draft.agreement,
            purpose=draft.purpose,
            object=draft.object,
            outcome=draft.outcome,
            body=draft.body,
        )
    except ValidationError as exc:
        raise EntryError(f"log entry: {describe_invalid(exc)}") from None


def _hex(leaf: bytes | None) -> str | None:
    return None if leaf is None else leaf.hex()


def _appended(entry: Entry, size: int) -> Appended:
    raw = entry_bytes(entry)
    return Appended(
        seq=entry.seq,
        batch=entry.batch,
        time=entry.time,
        entry=raw,
        leaf_hash=hash_leaf(raw),
        size=size,
    )


def _store_leaves(
    session: Session, frontier: Frontier, entries: Sequence[Entry], appended: Sequence[Appended]
) -> None:
    rows = [
        {
            "seq": leaf.seq,
            "entry": leaf.entry,
            "leaf_hash": leaf.leaf_hash,
            "project": entry.project or NO_PROJECT,
            "place": entry.place,
        }
        for entry, leaf in zip(entries, appended, strict=True)
    ]
    repository.add_leaves(session, rows)
    repository.add_nodes(
        session, [node for leaf in appended for node in frontier.append(leaf.leaf_hash)]
    )


def _require_last_signed(session: Session, head: Head, frontier: Frontier) -> None:
    # C2SP tlog-checkpoint: a log must not sign what is inconsistent with what it signed before. The new
    # tree extends the frontier, so it is enough that the frontier is the last signed tree.
    note = repository.find_checkpoint(session, head.size)
    signed = None if note is None else parse_checkpoint(note)[0]
    if signed is None or signed.root != frontier.root():
        raise LogInconsistentError("the stored tree is not the one that was signed last")


def _require_as_long(head: Head, signed: Checkpoint) -> None:
    if signed.origin != head.origin:
        raise ConfigurationError("the file of the last checkpoint belongs to another log")
    if signed.size > head.size:
        raise LogRolledBackError(
            "the database is older than the last checkpoint that was signed",
            hint="restore a newer backup; until then the broker only reads",
        )


def _require_not_rolled_back(
    session: Session, head: Head, frontier: Frontier, signed: Checkpoint
) -> None:
    root = frontier.root() if signed.size == head.size else root_of_stored(session, signed.size)
    if root != signed.root:
        raise LogInconsistentError("the stored tree does not continue the last signed checkpoint")
