"""What the steps of all rules share: how they break off, and how they look things up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias, TypeVar

from schemas.agreement.agreement import Agreement
from schemas.agreement.roster import on_roster
from schemas.agreement.statement import Statement
from schemas.documents.errors import SignatureError
from schemas.documents.ids import UtcTime, utc_text
from schemas.matchlog.agreement_kinds import SignedBody
from schemas.matchlog.entry import Entry
from schemas.rounds.upload import Signature
from schemas.rules.breach import BreachError
from schemas.rules.log_state import LogState, RunState, UploadState
from schemas.rules.project_state import AgreementState, ProjectState
from schemas.rules.round_state import RoundState
from schemas.signing.identity import PublicIdentity
from schemas.signing.signed_times import is_timely

_Stated = TypeVar("_Stated", bound=Statement)
Rule: TypeAlias = Callable[[LogState, Entry], None]

GRACE: Final = timedelta(minutes=1)
# The sweeper runs at least daily; what is still there a day after its time is overdue.
GRACE_DAYS: Final = 1


def break_off(
    rule: str,
    message: str,
    entry: Entry,
    other_index: int | None = None,
    more: Mapping[str, str | int | None] = MappingProxyType({}),
) -> NoReturn:
    """Raise `BreachError` for this entry; `other_index` is that of the entry which it contradicts."""
    evidence = {"kind": entry.kind, "other_index": other_index, **more}
    raise BreachError(rule, message, index=entry.seq, evidence=evidence)


def project_of(log: LogState, entry: Entry) -> ProjectState:
    """Return the project of an entry whose kind has one and whose common steps went well."""
    project = log.projects[entry.of_project]
    if project.bound is None:
        break_off(
            "not-in-force",
            "this happened before an agreement bound the project",
            entry,
            project.made,
        )
    return project


def signer_of(log: LogState, entry: Entry, agreement: Agreement) -> PublicIdentity:
    """Return who signed what the entry holds: the person who acts in it, with the keys they have enrolled."""
    signed = entry.body_as(SignedBody).signed
    if (signed.statement.party, signed.statement.person) != (entry.actor.party, entry.actor.person):
        break_off("signer", "someone acts on what another person signed", entry)
    try:
        signer = signed.verify(agreement)
    except SignatureError as exc:
        break_off("statement-signature", f"a statement does not count: {exc}", entry)
    fault = key_fault(log, entry, signer.key_sha256())
    if fault is not None:
        break_off("signer-key", f"a statement is signed {fault[0]}", entry, fault[1])
    _is_next_word(log, entry, signed.statement)
    was_signed_lately(entry, signed.statement.at)
    return signer


def stated_in(entry: Entry, kind: type[_Stated]) -> _Stated:
    """Return the statement that an entry of this kind of statement holds."""
    statement = entry.body_as(SignedBody).signed.statement
    if not isinstance(statement, kind):
        raise TypeError(f"an entry of the kind {entry.kind} states something else")
    return statement


def was_signed_lately(entry: Entry, at: UtcTime, since: UtcTime | None = None) -> None:
    """Check that what an entry holds was signed shortly before it: not kept back, nor signed for later.

    Args:
        since: when that began which is signed about; None: it is signed to be logged at once.
    """
    begun = None if since is None else datetime.fromisoformat(since)
    if not is_timely(at, datetime.fromisoformat(entry.time), begun):
        break_off("statement-late", "a signed document is of another time than its entry", entry)


def _is_next_word(log: LogState, entry: Entry, stated: Statement) -> None:
    """A party's statement names the one before it, so that none is played again, or late."""
    words = log.projects[stated.project].words
    before, at = words.get(stated.party, (None, ""))
    if stated.before != before or stated.at < at:
        break_off("statement-order", "a statement does not follow its party's one before", entry)
    words[stated.party] = (stated.digest(), stated.at)


def listed_by(project: ProjectState, bound: AgreementState | None, entry: Entry) -> PublicIdentity:
    """Return who acts in an entry as the list of authorized users of their party has them.

    Args:
        bound: what binds the project; None: nothing has begun.
    """
    agreements = (one.agreement for one in reversed(project.bindings))
    binding = None if bound is None else bound.agreement
    listed = on_roster(agreements, binding, entry.actor.party, entry.actor.person or "")
    if listed is None:
        message = "someone acts whom the agreement in force does not list for the party"
        break_off("person-unlisted", message, entry, None if bound is None else bound.seq)
    return listed


def key_fault(log: LogState, entry: Entry, key: str) -> tuple[str, int | None] | None:
    """Return why the person who acts in an entry cannot sign with the key of this digest; None: they can.

    The second item is the entry that says so, None where there is none.
    """
    person = log.persons.get(entry.actor.person or "")
    if person is None or person.party != entry.actor.party:
        return "by someone who was not enrolled for the party", None
    if person.keys["signing"] != key:
        return "with keys that the person has not enrolled", person.seq
    if person.revoked is not None:
        return "after the person's access ended", person.revoked
    return None


def signed_with_own_key(log: LogState, entry: Entry, signature: Signature, rule: str) -> None:
    """Check that a signature names the person who acts in an entry and the key that they have."""
    if (signature.party, signature.person) != (entry.actor.party, entry.actor.person):
        break_off(rule, "someone acts on what another person signed", entry)
    fault = key_fault(log, entry, signature.key)
    if fault is not None:
        break_off(rule, f"a document is signed {fault[0]}", entry, fault[1])


def moment_before(entry: Entry) -> str:
    """Return a time a minute before an entry's own.

    What is allowed is decided when a request comes, and its entry is written a moment later.
    """
    return utc_text(datetime.fromisoformat(entry.time) - GRACE)


def days_of(entry: Entry) -> tuple[str, str]:
    """Return the UTC day of an entry and that of the moment before it: at midnight there are two."""
    # Slicing text is much cheaper than computing with times, and there are a million entries.
    is_early = entry.time[11:16] == "00:00"
    return entry.time[:10], moment_before(entry)[:10] if is_early else entry.time[:10]


def upload_of(log: LogState, entry: Entry, upload: str) -> UploadState:
    """Return an upload that is there, in the entry's project."""
    destroyed = log.destroyed.get(upload)
    if destroyed is not None:
        break_off("upload-destroyed", "an upload is used after it was destroyed", entry, destroyed)
    state = log.uploads.get(upload)
    if state is None or state.project != entry.project:
        break_off("upload-unknown", "an upload is named that the project never received", entry)
    return state


def is_in_time(state: RoundState, entry: Entry) -> None:
    """Check that an entry about an open round is not long after its deadline, at which the broker closes it."""
    last = date.fromisoformat(state.deadline[:10]) + timedelta(days=GRACE_DAYS)
    if days_of(entry)[1] > last.isoformat():
        message = "something happens in a round more than a day after its deadline"
        break_off("round-deadline", message, entry, state.seq)


def run_of(log: LogState, entry: Entry) -> RunState:
    """Return the run that an entry is about."""
    run = log.runs.get(entry.of_object)
    if run is None or run.project != entry.project:
        break_off("run-unknown", "a run is named that the project never asked for", entry)
    return run


def is_under_own_agreement(run: RunState, entry: Entry) -> None:
    """Check that an entry about a run names the agreement under which the run was asked for."""
    if entry.agreement != run.agreement:
        message = (
            "a run goes on, or is released, under another agreement than it was asked for under"
        )
        break_off("run-agreement", message, entry, run.seq)


def difference_reaches_floor(log: LogState, entry: Entry, *counts: int | None) -> None:
    """Check that, of counts that are all shown, the first less the others is at or above the floor."""
    shown = [count for count in counts if count is not None]
    floor = project_of(log, entry).terms.floor
    if len(shown) == len(counts) and 2 * shown[0] - sum(shown) < floor:
        message = "an entry shows counts that differ by less than the floor of the terms"
        break_off("below-floor", message, entry)


def counts_reach_floor(log: LogState, entry: Entry, counts: tuple[int | None, ...]) -> None:
    """Check that every count that is shown is at or above the floor."""
    floor = project_of(log, entry).terms.floor
    if any(count is not None and count < floor for count in counts):
        break_off("below-floor", "an entry shows a count below the floor of the terms", entry)
