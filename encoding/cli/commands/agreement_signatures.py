"""`blindlink agreement send|sign|accept|status`: from a draft to what every party has signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from encoding.agreement.files import read_proposal
from encoding.agreement.kept_agreements import KeptAgreement
from encoding.agreement.text import agreement_lines, changed_lines
from encoding.agreement.verification import (
    require_keys,
    require_log,
    require_next,
    untrusted_keys,
    verified,
)
from encoding.agreement.words import signature_chapter, state_of
from encoding.cli.terminal import prompts
from encoding.cli.terminal.standing_approvals import DEFAULT_RUNS, RUNS, approve_in_advance
from encoding.errors import (
    AgreementFileError,
    AgreementUntrustedError,
    BrokerRefusedError,
    NotReadyError,
    UntrustedKeyError,
)
from encoding.project.agreement.seats import (
    Seat,
    accept_agreement,
    read_digest,
    seat,
    trust_persons,
)
from encoding.project.session import Session
from schemas.agreement.chapter_limits import listed
from schemas.agreement.chapters import grouped
from schemas.agreement.statement import Counsel, SignedStatement
from schemas.documents.errors import DocumentError
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from schemas.agreement.agreement import Agreement
    from schemas.agreement.negotiation import AgreementView
    from schemas.signing.identity import PublicIdentity

_Function = TypeVar("_Function", bound=Callable[..., Any])


def signing_options(function: _Function) -> _Function:
    """Add what is said about counsel, the keys and runs in advance."""
    options = (
        click.option("--counsel-name", help="Name of the counsel who has signed the sheet."),
        click.option("--counsel-title", help="Title of that counsel."),
        click.option(
            "--counsel-date", help="Day on which that counsel has signed, such as 2026-08-24."
        ),
        click.option(
            "--keys-compared",
            is_flag=True,
            help="You have compared each fingerprint in the agreement with its person.",
        ),
        click.option(
            "--until", help="With --standing, the last day; the agreement's, if left out."
        ),
        click.option(
            "--runs",
            type=RUNS,
            default=DEFAULT_RUNS,
            show_default=True,
            help="With --standing, the number of runs to approve at most.",
        ),
        click.option(
            "--yes",
            is_flag=True,
            help="Don't ask for confirmation of an amendment that needs no counsel, or of --standing.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Entry:
    """What was given on the command line about the sheet, the keys, runs and consent; null is asked for."""

    fingerprint: str | None
    counsel_name: str | None
    counsel_title: str | None
    counsel_date: str | None
    keys_compared: bool
    until: str | None
    runs: int
    yes: bool

    @classmethod
    def of(cls, given: dict[str, Any], fingerprint: str | None) -> Entry:
        """Take the values of `signing_options` out of those of all options."""
        names = (one.name for one in fields(cls) if one.name != "fingerprint")
        return cls(fingerprint=fingerprint, **{name: given.pop(name) for name in names})


@click.command(
    "send",
    short_help="Send a draft to the broker, for all parties to read.",
    epilog="Example: blindlink agreement send foster-k12.agreement-1.json",
)
@click.argument("source", type=FILE)
@click.pass_obj
def send(session: Session, /, *, source: Path) -> None:
    """Send the draft in SOURCE to the broker, where every party that it names can read it.

    It binds nobody until every party has signed it. Sending it again changes nothing.
    """
    with seat(session) as at:
        drafted = _from_file(at, source)
        shown = verified(at.client.propose_agreement(at.project, drafted.proposal()))
        refuse_other(shown, drafted.digest)
    session.say(f"agreement {shown.agreement.number} can be read by all its parties now")
    click.echo(grouped(shown.digest))


@click.command(
    "sign",
    short_help="Sign an agreement for your party.",
    epilog="Example: blindlink agreement sign",
)
@click.argument("source", required=False, type=FILE)
@click.option(
    "--fingerprint",
    help="The fingerprint on counsel's sheet, all 64 characters; nothing is asked about it then.",
)
@click.option(
    "--standing",
    is_flag=True,
    help="Also approve runs in advance, as soon as every party has signed; you need the duty approver.",
)
@signing_options
@click.pass_obj
def sign(
    session: Session,
    /,
    *,
    source: Path | None,
    fingerprint: str | None,
    standing: bool,
    **given: Any,
) -> None:
    """Sign an agreement for your party: the draft in SOURCE, or else the one that waits at the broker.

    You see it in plain words, and what it changes. You compare the fingerprint with the sheet that counsel has
    signed in ink, and give counsel's name, title and date. An amendment that needs no counsel is shown and
    signed. You need the duty steward. With --standing, the last to sign has also approved runs in advance;
    everyone who signed earlier gives the same command once more. If the agreement begins later, all do so then.
    """
    entry = Entry.of(given, fingerprint)
    with seat(session) as at:
        if standing:
            signed_and_approved(at, source, entry)
        else:
            _sign(at, source, entry)


def signed_and_approved(at: Seat, source: Path | None, entry: Entry) -> KeptAgreement:
    """Sign, unless the party has, and approve runs in advance if all have; return the agreement."""
    if "approver" not in at.own.public.duties:
        raise click.UsageError("this needs the duty approver, which you do not have")
    if source is None and not at.waiting():
        kept = at.last_signed()
        _refuse_unfinished(at, kept)
    else:
        kept = _sign(at, source, entry)
    if kept.missing():
        at.session.say(
            "runs are not approved yet: once all have signed, type the same command again"
        )
    elif not kept.has_begun(at.session.now().date()):
        at.session.say(
            f"runs are not approved yet: agreement {kept.agreement.number} begins on"
            f" {kept.agreement.start}; type the same command again then"
        )
    else:
        approve_in_advance(at, kept, entry.until, entry.runs, yes=entry.yes)
    return kept


@click.command(
    "accept",
    short_help="Keep the agreement with the fingerprint on counsel's sheet.",
    epilog="Example: blindlink agreement accept 3b1f... (all 64 characters)",
)
@click.argument("fingerprint", nargs=-1, required=True)
@click.pass_obj
def accept(session: Session, /, *, fingerprint: tuple[str, ...]) -> None:
    """Keep the agreement that has the FINGERPRINT on counsel's sheet, so that commands go by it.

    Use it where nobody signed the agreement on this computer, such as an analyst's. It verifies every
    signature first. From then on you trust the keys that the agreement lists, since counsel of every party has
    signed that sheet.
    """
    with seat(session) as at:
        shown = accept_agreement(at, "".join(fingerprint))
    session.say(f"agreement {shown.agreement.number} is kept, with the signature of every party")


@click.command(
    "status",
    short_help="Show who has signed each agreement, and who has yet to.",
    epilog="Example: blindlink agreement status --json",
)
@json_option
@click.pass_obj
def status(session: Session, /) -> None:
    """Show where each agreement of the project stands, who has signed it, and who has yet to sign.

    Your computer verifies the signatures itself; it doesn't rely on what the broker says.
    """
    today = session.now().date()
    with seat(session) as at:
        listed = at.client.agreements(at.project)
        shown = [at.follow(at.fetch(one.agreement)) for one in listed.agreements]
        found = [at.known().with_words(kept) for kept in shown]
    document = [_as_json(kept, state_of(kept, today)) for kept in found]
    lines = [line for kept in found for line in _status_lines(kept, state_of(kept, today))]
    none_sent = f"No agreement has been sent to the broker for the project {at.project}."
    emit({"project": at.project, "agreements": document}, lines or [none_sent])


def _sign(at: Seat, source: Path | None, given: Entry) -> KeptAgreement:
    """Sign what is offered, unless the party has, and return it with what the broker shows of it."""
    session = at.session
    offered = _from_file(at, source) if source is not None else _waiting(at)
    agreement = offered.agreement
    require_next(at.refresh(), agreement)
    require_keys(agreement, at.vouched_peers())
    consent = own_consent(at, offered)
    was_signed = consent is not None
    if consent is None:
        _show(at, offered)
        counsel = None
        if agreement.amends is None or given.fingerprint is not None:
            compare_fingerprint(offered.digest, given.fingerprint)
        else:
            _ask_consent(at, agreement, yes=given.yes)
        _compare_keys(at, agreement, keys_compared=given.keys_compared)
        if agreement.amends is None or given.counsel_name is not None:
            counsel = ask_counsel(
                session, given.counsel_name, given.counsel_title, given.counsel_date
            )
        consent = at.signer(agreement).consent(counsel, session.now())
    elif given.fingerprint is not None:
        compare_fingerprint(offered.digest, given.fingerprint)
    kept = hand_in(at, offered, consent, is_new=source is not None)
    _say_signed(session, kept, was_signed=was_signed)
    return kept


def hand_in(
    at: Seat, offered: KeptAgreement, consent: SignedStatement, *, is_new: bool
) -> KeptAgreement:
    """Keep the own consent and send it, a new agreement with it; returns it as the broker shows it."""
    if consent not in offered.consents:
        # Kept first: should the answer be lost, the same signature is sent again.
        at.keep_own(offered.model_copy(update={"consents": (*offered.consents, consent)}))
    if is_new:
        at.client.propose_agreement(at.project, offered.proposal())
    shown = verified(_send_consent(at, offered, consent), offered.digest)
    if consent not in shown.consents:
        raise AgreementUntrustedError("the broker does not show the signature that was sent")
    return at.keep(shown)


def _refuse_unfinished(at: Seat, kept: KeptAgreement) -> None:
    """Refuse to approve under one agreement while the party has signed a newer one that others have not."""
    for summary in at.client.agreements(at.project).agreements:
        if summary.state == "proposed" and summary.number > kept.agreement.number:
            verb = "has" if len(summary.missing) == 1 else "have"
            raise NotReadyError(f"{listed(summary.missing)} {verb} yet to sign the next agreement")


def _from_file(at: Seat, source: Path) -> KeptAgreement:
    proposal = read_proposal(source)
    if proposal.agreement.project != at.project:
        raise AgreementFileError(
            f"the agreement in {source} is of the project {proposal.agreement.project}, not {at.project}"
        )
    require_log(proposal.agreement, at.log)
    return KeptAgreement(agreement=proposal.agreement, profile=proposal.profile)


def _waiting(at: Seat) -> KeptAgreement:
    """Return the newest agreement at the broker that this party has yet to sign."""
    digest = at.waiting()
    if digest is not None:
        return at.fetch(digest)
    raise NotReadyError(
        f"no agreement waits for the signature of {at.party}",
        hint="send the draft first: blindlink agreement send FILE",
    )


def _send_consent(at: Seat, offered: KeptAgreement, consent: SignedStatement) -> AgreementView:
    """Hand in a consent; one that the broker takes no more is kept no more, so that it is signed anew."""
    try:
        return at.client.sign_agreement(at.project, consent)
    except BrokerRefusedError as exc:
        if exc.problem in {"statement-order", "statement-refused"}:
            others = tuple(one for one in offered.consents if one.statement.party != at.party)
            at.keep_own(offered.model_copy(update={"consents": others}))
        raise


def own_consent(at: Seat, offered: KeptAgreement) -> SignedStatement | None:
    """Return what this party has signed already, here or as the broker shows it, verified."""
    kept = at.known().find(offered.digest)
    for signed in (*(kept.consents if kept is not None else ()), *offered.consents):
        if signed.statement.party == at.party:
            return signed
    return None


def _show(at: Seat, offered: KeptAgreement) -> None:
    for line in agreement_lines(offered.agreement, offered.profile):
        click.echo(line)
    before = at.preceding(offered.agreement)
    if before is not None:
        click.echo(f"\nWHAT CHANGES AGAINST AGREEMENT {before.agreement.number}")
        for line in changed_lines(
            (before.agreement, before.profile), (offered.agreement, offered.profile)
        ):
            click.echo(line)


def compare_fingerprint(digest: str, given: str | None, sheet: str = "counsel's sheet") -> None:
    """Make sure that someone has a fingerprint on paper, which is asked for if none is given.

    All of it: who drafts can make two agreements that share any few characters of it in a second (ADR 0087).
    """
    if given is None:
        require_somebody("--fingerprint")
        asked = f"Fingerprint on {sheet}, all 64 characters"
        given = click.prompt(asked, err=True)
    groups = list(zip(grouped(read_digest(given)).split(), grouped(digest).split(), strict=True))
    others = [str(n) for n, (typed, shown) in enumerate(groups, start=1) if typed != shown]
    if others:
        which = f"group{'s' * (len(others) > 1)} {listed(others)} of {len(groups)}"
        raise AgreementUntrustedError(
            f"this does not match {sheet}: the fingerprint is different ({which})",
            hint="nothing was signed; compare these groups with the sheet and type them again; if the sheet"
            " really differs, have counsel read the agreement that is shown here",
        )


def _ask_consent(at: Seat, agreement: Agreement, *, yes: bool) -> None:
    if at.party not in agreement.signers:
        raise NotReadyError(f"this amendment is signed by {agreement.signers[0]} alone")
    if not yes:
        require_somebody("--yes")
        click.confirm(f"Sign this amendment for {at.party}?", err=True, abort=True)


def _compare_keys(at: Seat, agreement: Agreement, *, keys_compared: bool) -> None:
    """Trust the keys that the agreement lists for other parties, once someone says they were compared."""
    unknown = list(untrusted_keys(agreement, at.peers(), at.party))
    ask_whether_compared(unknown, keys_compared=keys_compared)
    trust_persons(at, unknown)


def ask_whether_compared(unknown: Sequence[PublicIdentity], *, keys_compared: bool) -> None:
    """Ask whether someone has compared these fingerprints with their persons."""
    if unknown and not keys_compared:
        require_somebody("--keys-compared")
        click.echo("\nFINGERPRINTS THAT NOBODY HAS COMPARED YET", err=True)
        for person in unknown:
            duties = ", ".join(person.duties)
            click.echo(f"  {person.party} ({duties}): {person.fingerprint()}", err=True)
        question = "Have you compared each of them with its person, by voice or on paper?"
        if not click.confirm(question, err=True):
            raise UntrustedKeyError(
                "nothing was signed: the keys of the other parties must be compared first",
                hint="each person reads theirs from: blindlink people me",
            )


def ask_counsel(session: Session, name: str | None, title: str | None, date: str | None) -> Counsel:
    """Return the counsel who has signed in ink; what is not given is asked for."""
    # An empty text would be asked for, where nobody may be there to answer.
    if not (name and title and date):
        require_somebody("--counsel-name, --counsel-title and --counsel-date")
    today = session.now().date().isoformat()
    given = {
        "name": name or click.prompt("Counsel's name", err=True),
        "title": title or click.prompt("Counsel's title", err=True),
        "date": date or click.prompt("Day on which counsel signed", default=today, err=True),
    }
    try:
        counsel = Counsel.model_validate({key: str(value).strip() for key, value in given.items()})
    except (DocumentError, ValueError):
        raise click.UsageError(
            "give counsel's name, their title, and the day on which they signed, such as 2026-08-24"
        ) from None
    if counsel.date > today:
        raise click.UsageError("counsel must sign before you do, but this day is in the future")
    return counsel


def require_somebody(option: str) -> None:
    """Refuse to ask where nobody is there to answer; `option` says it on the command line."""
    if not prompts.is_interactive():
        raise click.UsageError(f"missing option {option}: there is no terminal to ask you on")


def refuse_other(shown: KeptAgreement, digest: str) -> None:
    """Make sure that the broker shows what was sent."""
    if shown.digest != digest:
        raise AgreementUntrustedError(
            "the broker shows a different agreement from the one you sent"
        )


def _say_signed(session: Session, kept: KeptAgreement, *, was_signed: bool) -> None:
    said = "was signed before, with the counsel named then" if was_signed else "signed"
    if kept.missing():
        missing = kept.missing()
        verb = "has" if len(missing) == 1 else "have"
        session.say(f"{said}; it binds once {listed(missing)} {verb} signed, too")
    else:
        whose = "every party has" if len(kept.agreement.signers) > 1 else "no other party has to"
        session.say(f"{said}; {whose}, and it binds from {kept.agreement.start} on")


def _status_lines(kept: KeptAgreement, state: str) -> Iterator[str]:
    agreement = kept.agreement
    yield f"Agreement {agreement.number}, {agreement.start} to {agreement.end}: {state}"
    yield f"  fingerprint {grouped(kept.digest)}"
    chapter = signature_chapter(kept)
    for table in chapter.tables:
        for party, moment, counsel, _ in table.rows:
            yield f"  {party} signed at {moment}; counsel: {counsel}"
    for sentence in chapter.sentences[1:]:
        yield f"  {sentence}"


def _as_json(kept: KeptAgreement, state: str) -> dict[str, Any]:
    agreement = kept.agreement
    return {
        "number": agreement.number,
        "fingerprint": kept.digest,
        "state": state,
        "start": agreement.start,
        "end": agreement.end,
        "epoch": agreement.epoch,
        "signed_by": [signed.statement.party for signed in kept.consents],
        "missing": list(kept.missing()),
        "suspended_by": list(kept.halted_by()),
        "left_by": list(kept.ended_by()),
    }
