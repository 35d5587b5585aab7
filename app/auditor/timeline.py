"""The log in plain words, one line an entry, for people who read it from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.documents.ids import BROKER
from schemas.linkage.link_quality import wrong_links
from schemas.linkage.privacy_audit import audit_words
from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import SIGN_ON
from schemas.reports.certificate_page import REASON_WORDS
from schemas.shared.amounts import plain_time


def timeline_line(entry: Entry) -> str:
    """Return when, which entry, and what happened; the ids stand at the end."""
    when = plain_time(entry.time)
    where = f" [{entry.object}]" if entry.object else ""
    return f"{when}  #{entry.seq:<6} {sentence(entry)}{where}"


def sentence(entry: Entry) -> str:
    """Return what an entry says and in which project, as one sentence without a full stop."""
    text = event_sentence(entry)
    return text if entry.project is None else f"{entry.project}: {text}"


def event_sentence(entry: Entry) -> str:
    """Return what an entry says, for readers who know in which project."""
    text = SENTENCES[entry.kind](entry, entry.body)
    if entry.outcome == "refused" and entry.kind != "upload-rejected":
        text = f"refused: {text}"
    return text


def _who(entry: Entry) -> str:
    actor = entry.actor
    return "the broker" if (actor.party, actor.role) == (BROKER, BROKER) else _party(entry)


def _party(entry: Entry) -> str:
    return f"{entry.actor.party} ({entry.actor.role})"


def _upload_received(entry: Entry, body: Any) -> str:
    return (
        f"{_who(entry)} uploaded {body.records:,} records for {body.partner} in round {body.round}, "
        f"as of {body.as_of}; privacy audit: {audit_words(body.privacy_audit)}"
    )


def _run_asked(entry: Entry, body: Any) -> str:
    larger, smaller = (upload.party for upload in body.specification.uploads)
    round_number = body.specification.round
    return f"{_who(entry)} asked for the run of {larger} and {smaller} in round {round_number}"


def _run_finished(_: Entry, body: Any) -> str:
    shown = [] if body.auto_pairs is None else [f"{body.auto_pairs:,} pairs linked"]
    if body.expected_false is not None:
        wrong = wrong_links(body.expected_false)
        shown.append(f"of these {wrong.low:,} to {wrong.high:,} wrong")
    return f"the run finished: {', '.join(shown) or 'how much it linked is not shown'}"


def _release_prepared(_: Entry, body: Any) -> str:
    matches = "" if body.matches is None else f", {body.matches:,} matches"
    what = "a release" if body.number == 1 else "a supplementary release, of what was accepted,"
    return f"{what} for {body.recipient} is ready ({body.mode}{matches})"


def _review_asked(_: Entry, body: Any) -> str:
    until = plain_time(body.deadline)
    return (
        f"reviewers of {body.reviewer} were asked about pairs that the run sends to review, and {body.asked} "
        f"for cards, until {until}"
    )


def _review_fetched(entry: Entry, body: Any) -> str:
    what = {"questions": "questions", "buckets": "list of buckets", "cards": "sealed cards"}
    return f"{_who(entry)} fetched the {what[body.what]} of a review"


def _review_decided(entry: Entry, body: Any) -> str:
    stated = body.signed.statement
    last = ", the last one" if stated.is_last else ""
    return f"{_who(entry)} sent decisions of a review, statement {stated.number}{last}"


def _review_ended(_: Entry, body: Any) -> str:
    why = {
        "decided": "by what was decided",
        "deadline": "at its deadline",
        "round-over": "with the next round",
        "destroyed": "since all was destroyed",
    }
    shown = "" if body.accepted is None else f", {body.accepted:,} pairs accepted"
    released = ", nothing is released" if body.release is None else f", release {body.release}"
    return f"the review ended {why[body.reason]}{shown}{released}"


def _supplement_closed(_: Entry, body: Any) -> str:
    claims = ", ".join(f"{one.party} for {one.partner}" for one in body.claims) or "none"
    return f"release {body.release} of round {body.round} closed; claims that count: {claims}"


def _nonces_offered(entry: Entry, body: Any) -> str:
    offer = body.signed.offer
    void = f"; those below {offer.void_below} are void" if offer.void_below > 1 else ""
    return f"{_who(entry)} offered {len(offer.nonces)} nonces from number {offer.first} on{void}"


def _round_opened(_: Entry, body: Any) -> str:
    pairs = ", ".join(f"{pair.larger} with {pair.smaller}" for pair in body.pairs)
    again = f" in the place of round {body.corrects}" if body.corrects else ""
    until = plain_time(body.deadline)
    return f"round {body.round} opened{again} until {until}: {pairs}"


def _round_closed(_: Entry, body: Any) -> str:
    claims = ", ".join(f"{one.party} for {one.partner}" for one in body.claims) or "none"
    stated = ", ".join(f"{one.party} for {one.space}" for one in body.statements)
    statements = f"; statements that count: {stated}" if stated else ""
    return f"round {body.round} closed; claims that count: {claims}{statements}"


def _agreement_proposed(entry: Entry, body: Any) -> str:
    agreement, amends = body.agreement, body.agreement.amends
    if amends is not None and amends.party is not None:
        return f"{_who(entry)} proposed agreement {agreement.number}, which changes who acts for {amends.party}"
    return (
        f"{_who(entry)} proposed agreement {agreement.number} for {agreement.purpose.code}, "
        f"{agreement.start} to {agreement.end}, to {', '.join(agreement.names())}"
    )


def _agreement_signed(entry: Entry, body: Any) -> str:
    return f"{_who(entry)} signed the agreement; counsel: {body.signed.statement.counsel_words}"


def _run_approved(entry: Entry, body: Any) -> str:
    what = {"run": "the run", "release": "the release of what the run found"}
    return f"{_who(entry)} approved {what[body.signed.statement.step]}"


def _standing_approved(entry: Entry, body: Any) -> str:
    stated = body.signed.statement
    return f"{_who(entry)} approved up to {stated.runs:,} runs in advance, until {stated.until}"


def _why(body: Any) -> str:
    reason: str = body.reason
    return REASON_WORDS.get(reason, reason)


def _destruction_begun(entry: Entry, body: Any) -> str:
    what = {
        "project": "all that it holds of the project",
        "party": f"the uploads of {body.party} and what was made of them",
        "upload": "an upload and what was made of it",
        "expired": "what has fallen due",
    }
    return f"{_who(entry)} had {what[body.scope]} destroyed ({_why(body)})"


def _sign_in_refused(_: Entry, body: Any) -> str:
    claimed = "by nobody who is known" if body.party is None else f"in the name of {body.party}"
    hour = body.hour.replace("T", " ").removesuffix(":00Z")
    return f"{body.count:,} sign-ins {claimed} in the hour from {hour}"


def _role_changed(entry: Entry, body: Any) -> str:
    return f"{_who(entry)} {body.change} the role {body.role} for {body.party}"


def _key_rotated(entry: Entry, body: Any) -> str:
    if body.use != SIGN_ON:
        return f"{_who(entry)} replaced the {body.use} key of {body.party}"
    if body.new is None:
        return f"{_who(entry)} ended the link of a person of {body.party} with a single sign-on"
    return f"{_who(entry)} linked a person of {body.party} with a single sign-on, for the pages"


# What the broker hands out; a later one may hand out more.
EXPORT_WORDS: Final = {
    "log": "match log",
    "timeline": "timeline",
    "disclosures": "register of disclosures",
    "match-record": "match record",
}

SENTENCES: Final[Mapping[str, Callable[[Entry, Any], str]]] = {
    "log-started": lambda _, body: f"the log {body.origin} began, written by {body.software}",
    "configuration-changed": lambda entry, body: (
        f"{_who(entry)} changed settings: {', '.join(body.changed) or 'none'}"
    ),
    "party-enrolled": lambda entry, body: f"{_who(entry)} enrolled {body.party} as {body.role}",
    "person-enrolled": lambda entry, body: (
        f"{_who(entry)} enrolled a person of {body.party} for: {', '.join(body.duties)}"
    ),
    "sign-in-refused": _sign_in_refused,
    "role-changed": _role_changed,
    "key-rotated": _key_rotated,
    "project-opened": lambda entry, body: (
        f"{_who(entry)} opened the project for an agreement of {', '.join(body.parties)}"
    ),
    "agreement-proposed": _agreement_proposed,
    "agreement-signed": _agreement_signed,
    "agreement-in-force": lambda _, body: (
        f"agreement {body.number} has all its signatures, and binds from {body.start}"
    ),
    "agreement-suspended": lambda entry, body: (
        f"{_who(entry)} suspended the linkage: {body.signed.statement.reason}"
    ),
    "agreement-resumed": lambda entry, _: f"{_who(entry)} lifted its suspension",
    "agreement-withdrawn": lambda entry, body: (
        f"{_who(entry)} withdrew from the agreement: {body.signed.statement.reason}"
    ),
    "share-relayed": lambda entry, body: (
        f"{_who(entry)} sent {body.recipient} its sealed share of the secret of epoch {body.epoch}"
    ),
    "share-fetched": lambda entry, body: (
        f"{_who(entry)} fetched a share of the secret of epoch {body.epoch}"
    ),
    "shares-withdrawn": lambda entry, body: (
        f"{_who(entry)} withdrew its shares of the secret of epoch {body.epoch}"
    ),
    "secret-confirmed": lambda entry, body: (
        f"{_who(entry)} confirmed the secret of epoch {body.epoch}, key id {body.key_id}"
    ),
    "nonces-offered": _nonces_offered,
    "round-opened": _round_opened,
    "round-superseded": lambda entry, body: (
        f"{_who(entry)} corrected round {body.round}, which round {body.by} replaces ({body.reason})"
    ),
    "claims-received": lambda entry, body: (
        f"{_who(entry)} sent {body.partner} its sealed claims of round {body.round}"
        + (f", release {body.release}" if body.release > 1 else "")
        + f", message {body.sequence:,}"
    ),
    "statement-received": lambda entry, body: (
        f"{_who(entry)} sent the link-ID set {body.space} its sealed chain statement of round {body.round},"
        f" message {body.sequence:,}"
    ),
    "round-closed": _round_closed,
    "upload-received": _upload_received,
    "upload-rejected": lambda entry, body: f"an upload of {_who(entry)} was refused: {body.rule}",
    "upload-destroyed": lambda entry, body: f"{_who(entry)} destroyed an upload ({_why(body)})",
    "run-asked": _run_asked,
    "run-approved": _run_approved,
    "standing-approved": _standing_approved,
    "standing-revoked": lambda entry, _: f"{_who(entry)} took a standing approval back",
    "standing-used": lambda _, body: f"a standing approval of {body.party} was used for the run",
    "run-started": lambda _, body: f"the run started, attempt {body.attempt}",
    "run-finished": _run_finished,
    "review-asked": _review_asked,
    "review-fetched": _review_fetched,
    "review-answered": lambda entry, _: f"{_who(entry)} answered a review with sealed cards",
    "review-decided": _review_decided,
    "review-ended": _review_ended,
    "supplement-closed": _supplement_closed,
    "match-record-destroyed": lambda entry, body: (
        f"{_who(entry)} destroyed the match record of the run ({_why(body)})"
    ),
    "run-failed": lambda _, body: f"the run failed in attempt {body.attempt}: {body.code}",
    "run-cancelled": lambda entry, body: f"{_who(entry)} cancelled the run ({body.reason})",
    "release-prepared": _release_prepared,
    "blind-release-prepared": lambda _, body: (
        f"sealed match IDs for {body.recipient} are ready, beside every record of {body.agency}"
    ),
    "release-fetched": lambda entry, _: f"{_who(entry)} fetched a release",
    "release-verified": lambda entry, _: (
        f"{_who(entry)} found its release whole and proved by the log"
    ),
    "delivery-received": lambda entry, body: (
        f"{_who(entry)} delivered sealed columns to {body.recipient}, number {body.number} of round"
        f" {body.round}"
    ),
    "delivery-fetched": lambda entry, _: f"{_who(entry)} fetched what was delivered to it",
    "delivery-opened": lambda entry, body: (
        f"{_who(entry)} opened what was delivered to it"
        if body.fault is None
        else f"{_who(entry)} could not use what was delivered to it ({body.fault})"
    ),
    "delivery-destroyed": lambda entry, body: f"{_who(entry)} destroyed a delivery ({_why(body)})",
    "request-refused": lambda _, body: (
        f"{body.count:,} requests of {body.party} were refused: {body.why}"
        + (f", clause {body.clause}" if body.clause else "")
    ),
    "release-destroyed": lambda entry, body: f"{_who(entry)} destroyed a release ({_why(body)})",
    "destruction-begun": _destruction_begun,
    "destruction-certified": lambda entry, body: (
        f"{_who(entry)} certified that {body.objects:,} objects were destroyed"
    ),
    "destruction-countersigned": lambda entry, _: (
        f"{_who(entry)} counter-signed a certificate of destruction"
    ),
    "destruction-stated": lambda entry, _: f"{_who(entry)} stated what it has deleted itself",
    "record-withdrawn": lambda entry, _: f"{_who(entry)} withdrew one of its records",
    "legal-hold-set": lambda entry, body: f"{_who(entry)} forbade destruction: {body.order}",
    "legal-hold-lifted": lambda entry, _: f"{_who(entry)} lifted its legal hold",
    "exported": lambda entry, body: (
        f"{_who(entry)} took a copy of the {EXPORT_WORDS.get(body.what, body.what)}"
    ),
    "log-key-rotated": lambda entry, _: f"{_who(entry)} handed the log over to a new key",
}
