"""The agreement's chapters on rounds, limits, keeping and promises, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from schemas.agreement.agreement import Agreement
from schemas.agreement.allowance import KEPT_WEEKS
from schemas.agreement.clauses import Limits
from schemas.agreement.policy_words import percent

FREQUENCY_WORDS: Final = {
    "once": "once",
    "on-request": "whenever an agency asks for it",
    "daily": "every day",
    "weekly": "every week",
    "monthly": "every month",
    "quarterly": "every quarter",
    "yearly": "every year",
}


def listed(names: Sequence[str]) -> str:
    """Return names with commas and an `and` between them."""
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def days(number: int) -> str:
    """Return a number of days."""
    return "1 day" if number == 1 else f"{number:,} days"


def due_sentence(due: str) -> str:
    """Return by when the files of a round are due."""
    *weekday, time = due.split(" ")
    day = f" on {weekday[0].capitalize()}" if weekday else ""
    return (
        f"The files of each are due by {time} UTC{day}; what is late is told to who is to bring it."
    )


def round_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield how often a round is made, and how long it waits."""
    schedule = agreement.schedule
    note = f" {schedule.note}" if schedule.note else ""
    yield f"A round of linkage is made {FREQUENCY_WORDS[schedule.frequency]}.{note}"
    if schedule.due is not None:
        yield due_sentence(schedule.due)
    yield (
        f"A round waits {days(schedule.round_days)} for uploads and for what recipients tell each other, and "
        "then "
        "closes with what is there. Keys and record numbers are new in each round."
    )


def approval_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield who approves runs and releases, and when a result is final."""
    rule = agreement.approvals
    yield f"Every run is approved by {listed(rule.parties)}, each through a person with the duty approver."
    if rule.runs == "standing":
        yield (
            "A party may approve in advance all runs of one matching policy, until a day and up to a number, "
            "and may take that back at any time."
        )
    if not rule.asker_suffices:
        yield "The approval of the party that asked for a run does not suffice."
    if rule.releases:
        yield (
            "When a run has finished, the same parties approve once more before anything is released; nobody "
            "who uploaded for the run can do so."
        )
    else:
        yield "What a run finds is released to the recipients without a further approval."
    finality = agreement.finality
    if finality.cosigners:
        waits = "is released only then" if finality.delays_release else "is released before that"
        yield f"A result is final when {finality.cosigners} parties have signed the match log; it {waits}."


def review_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield who decides pairs that are sent to review, what they see for it, and what the other agency
    learns.
    """
    review = agreement.review
    if review is None:
        yield "Nobody decides pairs that are sent to review: they are not linked."
        return
    people = "a person" if review.persons == 1 else "two persons, who must agree,"
    yield (
        f"Pairs that are sent to review are decided by {people} of {review.reviewer} with the duty reviewer, "
        f"within {days(review.days)}."
    )
    yield (
        f"Of the records of each other agency, they may be asked about {review.first:,} in the first "
        f"{KEPT_WEEKS} weeks after the first question, and about {review.weekly:,} a week after that. What a "
        f"week leaves is kept for {KEPT_WEEKS} weeks. The match log counts the questions; fewer than "
        f"{agreement.limits.floor:,} in a round count as so many. The broker asks no more, the other agency "
        "seals no card beyond that, and auditors check it."
    )
    first_year = review.first + (52 - KEPT_WEEKS) * review.weekly
    yield (
        f"A dishonest {review.reviewer} can put people into its file to look them up by such questions: "
        f"at most {first_year:,} of each other agency in the first year, {52 * review.weekly:,} in each later "
        "one. It must know or guess a first name, a last name and a date of birth of each. Together with the "
        "operator it can open the cards of all records of a group that is asked for, which has "
        f"{review.bucket:,} records or more."
    )
    if review.consent is not None:
        yield f"Counsel consents to this: {review.consent}"
    others = [name for name in agreement.names("agency") if name != review.reviewer]
    for name in others:
        shown = listed(agreement.columns(name, "shown"))
        yield f"For that, the reviewers see of a record of {name}: {shown}."
    if review.bucket > 1:
        yield (
            f"{listed(others)} is asked for {review.bucket:,} records or more at a time that it has put "
            "together itself, and does not learn about which of them the reviewers were asked. The operator "
            "passes on only the card of that record, and cannot open it."
        )
    else:
        yield f"{listed(others)} learns which of its records the reviewers look at."
    yield (
        "A pair that is accepted is linked. One that is rejected is not asked about again until one of its two "
        "records has changed."
    )


def limit_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield sizes of files, which one is the larger, how many rounds there are and links may end, which counts
    are shown.
    """
    limits, terms = agreement.limits, agreement.terms()
    for file in limits.files:
        yield f"The file of {file.party} has {file.least:,} to {file.most:,} records; another size is refused."
    for larger, smaller in terms.pairs:
        yield (
            f"Of {larger} and {smaller}, {larger} has the larger file and {smaller} the smaller one, "
            "whatever their "
            "sizes turn out to be."
        )
    if limits.budget is None:
        yield "The number of rounds is not limited."
    else:
        yield (
            f"At most {limits.budget.rounds:,} rounds are opened in {days(limits.budget.days)}; a round that "
            "corrects "
            "another one counts, too."
        )
    yield _ended_sentence(limits)
    yield from _privacy_sentences(agreement)
    if limits.floor:
        yield (
            f"A count below {limits.floor} is not shown, except to the party whose own released records it "
            "counts."
        )
    else:
        yield "Every count is shown, however small."
    if any(element.use == "counted" for element in agreement.elements):
        kept_small = (
            f" Such a table shows no count below {limits.floor}, and none from which one could be worked out."
            if limits.floor
            else ""
        )
        yield (
            "Who has link IDs and a column by which linked people may be counted may make tables of them for "
            f"others.{kept_small}"
        )


def _privacy_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield what attacks on a file may find before it is not uploaded, in children of the largest such file."""
    privacy, terms = agreement.limits.privacy, agreement.terms()
    if not terms.pairs:
        return
    n = max(terms.file_size(smaller).most for _, smaller in terms.pairs)

    def of_children(share: str) -> str:
        return f"{percent(share)} (of {n:,} records, {float(share) * n:,.0f})"

    yield (
        "Each agency attacks its encoded file before it sends it, as the operator might, together with a "
        "rehearsed file of the other agency. Signs of structure in the bytes are never allowed. The rest is a "
        "risk that the parties accept up to these limits, each the mean of several draws. Where one is "
        "exceeded, the file is not uploaded; the stewards of all parties may sign another limit."
    )
    yield (
        "Someone who has a list of everybody and what the operator holds may name at most "
        f"{of_children(privacy.named)} of the records of the smaller file if the list is perfect, "
        f"{percent(privacy.named_partial)} if it is 90% complete, and {percent(privacy.named_mistaken)} if it "
        "has mistakes, too."
    )
    yield (
        f"The operator may recognize {percent(privacy.followed_smaller)} of the smaller file's records and "
        f"{percent(privacy.followed_larger)} of the larger one's from one round to the next, and see something "
        f"of {percent(privacy.shown)} of the larger file's records that are not in the smaller one."
    )
    yield (
        "Of linked children it may guess rightly, beyond chance, the sex of "
        f"{percent(privacy.guessed_sex)}, the year of birth of {percent(privacy.guessed_age)}, the "
        f"length of the name of {percent(privacy.guessed_name_length)}, and a double surname of "
        f"{percent(privacy.guessed_double_name)}."
    )


def _ended_sentence(limits: Limits) -> str:
    if limits.most_ended is None:
        return "Any number of links may end in one round without a person looking at it first."
    few = f" Fewer than {limits.floor} links count as {limits.floor}." if limits.floor > 1 else ""
    return (
        f"If a round would end more than {percent(limits.most_ended)} of an agency's links in force, its "
        "former links stay in use until a person of that agency accepts the change and says why. A single "
        f"link that ends never needs that.{few} An agency that guesses what the other holds about a linked "
        "child by a record without its link ID loses that link, so this bounds such guesses in a round, too."
    )


def retention_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield how long what is kept."""
    kept = agreement.retention
    yield f"Containers are destroyed {days(kept.keep_encodings_days)} after they were uploaded."
    yield f"Match IDs are kept at the broker for {days(kept.keep_links_days)}."
    yield (
        f"By {kept.destroy_by} no container, match ID or match record is left at the broker. The match log and "
        "the receipts stay; they hold nothing of a person whose record was linked."
    )
    yield (
        f"A recipient destroys what it has received, and its ledger of link IDs, by {kept.destroy_by}, and "
        "signs a "
        "statement of it: its copies are out of the broker's reach."
    )
    if kept.legal_hold is None:
        yield "No order forbids destruction."
    else:
        yield f"For the time being nothing is destroyed: {kept.legal_hold}"


def promise_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield what every party promises."""
    yield (
        "No party tries to find out who a person is from encodings, handles, match IDs or link IDs, alone "
        "or with "
        "others, and none lets anybody else try."
    )
    breach = agreement.breach
    yield f"Within {breach.hours} hours a party tells the others of a breach. {breach.instruction}"
    yield (
        "Any one party may suspend the linkage or withdraw from it alone, at any time; the broker obeys from "
        "the next call on."
    )
    yield (
        "Except for who acts for a party, nothing in this agreement changes without the signature of every "
        "party that the new version names."
    )


def space_sentences(agreement: Agreement) -> Iterator[str]:
    """Yield what recipients of one link-ID set tell each other, and what a match is proved by."""
    linked: dict[str, list[str]] = {}
    for recipient in agreement.recipients:
        if recipient.mode == "linked":
            linked.setdefault(recipient.space, []).append(recipient.party)
    for space, parties in sorted(linked.items()):
        yield from _shared_space(space, parties)
    together = {frozenset(pair) for parties in linked.values() for pair in combinations(parties, 2)}
    pairs = [frozenset(pair) for pair in combinations(agreement.names("agency"), 2)]
    receiving = [one for one in agreement.recipients if one.mode != "none"]
    if receiving and any(pair not in together for pair in pairs):
        yield (
            "Where recipients have separate link-ID sets, where only one agency of a pair receives match IDs, "
            "and in the "
            "modes blind and count, nothing proves that two records met by a key: the operator's word "
            "stands for it."
        )
    if linked and len(agreement.names("agency")) > 1:
        yield "A named person's membership is not hidden from the other agency."


def _shared_space(space: str, parties: Sequence[str]) -> Iterator[str]:
    if len(parties) > 1:
        yield (
            f"In the link-ID set {space}, {listed(parties)} tell each other, sealed, which link IDs their "
            "matched records "
            "have had and since when. They prove to each other that the two records of a match met by a key of "
            "theirs; a match without that proof is not kept, and raises an alarm."
        )
    if len(parties) > 2:
        yield (
            f"In the link-ID set {space}, each of {listed(parties)} also states to all others which of its "
            "matches share a "
            "record, so that all keep the same link IDs. One agency then learns that a third one has a "
            "person, too."
        )
