"""Who could learn what under an agreement: alone, in collusion, or after a leak. Nothing is left out.

The rows follow from the design's own limits: whoever has encodings and the secret can guess every record,
the broker sees which encodings are alike, whatever it releases, and no hardening there is withstands whoever
holds encodings (ADR 0029).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from schemas.agreement import Agreement
from schemas.profile import EncodingProfile
from schemas.run import ReleaseMode

Row: TypeAlias = tuple[str, str, str, str]


def learned_rows(agreement: Agreement, profile: EncodingProfile | None) -> tuple[Row, ...]:
    """Return for each party, each coalition and each leak: who, alone, together, what stands against it."""
    return (
        *_agencies(agreement),
        *_other_recipients(agreement),
        _operator(agreement, profile),
        *_auditors(agreement),
        _operator_with_holder(agreement),
        *_recipients_together(agreement),
        *_leaks(),
    )


def _agencies(agreement: Agreement) -> Iterator[Row]:
    modes = {recipient.party: recipient.mode for recipient in agreement.recipients}
    for agency in agreement.names("agency"):
        others = " and ".join(name for name in agreement.names("agency") if name != agency)
        yield (
            f"{agency}, an agency",
            _from_release(modes.get(agency, "none"), others),
            f"With the operator: it could guess the records of {others or 'nobody else'}, since it has the "
            "secret and the operator has the encodings.",
            "It gets no encoding of another agency from the broker: no call returns one.",
        )


def _from_release(mode: ReleaseMode, others: str) -> str:
    return {
        "linked": f"Which of its own records have a match at {others or 'no other agency'}. No value of "
        "another agency's record.",
        "blind": "Link IDs of all handed-over records, without knowing whose they are until they are joined.",
        "count": "How many matches there are, unless they are too few to show.",
        "none": "Nothing about any match.",
    }[mode]


def _other_recipients(agreement: Agreement) -> Iterator[Row]:
    agencies = agreement.names("agency")
    for recipient in agreement.recipients:
        if recipient.party in agencies:
            continue
        alone = {
            "blind": "Which handed-over rows belong to one person, and what is in their agreed columns.",
            "count": "How many matches there are, unless they are too few to show.",
        }
        yield (
            f"{recipient.party}, a recipient",
            alone.get(recipient.mode, "Nothing about any match."),
            "With an agency: that agency's rows that belong to its link IDs.",
            "It has neither the secret nor encodings. Columns are handed over only if they are listed.",
        )


def _operator(agreement: Agreement, profile: EncodingProfile | None) -> Row:
    if profile is not None and profile.hardening.kind == "none":
        known = "These encodings are not hardened."
        together = (
            "With public lists of names: who 97 to 100 % of the people are, by published attacks."
        )
    else:
        known = (
            "It can undo the hardening eld1 from the encodings alone, in seconds on one computer."
        )
        together = (
            "With a list of likely people, or with some people whose encodings it knows: who most or nearly "
            "all of the people are. In a test of the profile children, whoever knew 1,000 people of 4,000 "
            "could name 99 % of the others."
        )
    alone = (
        "How many records each agency has, which encodings are alike, and so which belong together, whatever "
        f"is released. {known} It is given no name."
    )
    against = (
        "This agreement only: assume that it can find out who is in the files, and use no real records. What "
        "it does is in the match log, which the agencies check. That it compares in secret what it holds, and "
        "finds out who it is, nothing but its word prevents."
    )
    return (f"{agreement.operator.name}, the operator", alone, together, against)


def _auditors(agreement: Agreement) -> Iterator[Row]:
    for auditor in agreement.names("auditor"):
        yield (
            f"{auditor}, an auditor",
            "Who uploaded, ran, approved and fetched what, and when; counts that are not too small to show.",
            "With others: no more than they know themselves.",
            "The match log holds no person's data.",
        )


def _operator_with_holder(agreement: Agreement) -> Row:
    return (
        "the operator and anyone who holds the secret",
        "",
        "Every record: they can encode the names and birth dates of likely people and look for them among the "
        "encodings.",
        f"Nobody but {' and '.join(agreement.names('agency'))} has the secret. What is destroyed cannot be "
        "guessed any more.",
    )


def _recipients_together(agreement: Agreement) -> Iterator[Row]:
    members: dict[str, list[str]] = {}
    for recipient in agreement.recipients:
        if recipient.mode in ("linked", "blind"):
            members.setdefault(recipient.space, []).append(recipient.party)
    for space, parties in sorted(members.items()):
        if len(parties) > 1:
            yield (
                f"{' and '.join(parties)}, in the ID space {space}",
                "",
                "They can put the rows of their matched records side by side. This is what they agree on.",
                "Only listed columns, on the stated legal basis.",
            )
    if len(members) > 1:
        yield (
            "recipients of different ID spaces",
            "",
            "Nothing more: their link IDs for one person have nothing in common. With the operator: as if they "
            "shared one space.",
            "Each space has a random key of its own, which is destroyed with the run or the project.",
        )


def _leaks() -> Iterator[Row]:
    yield (
        "who finds the secret",
        "Nothing: there is nothing in it.",
        "With encodings: every record, by guessing.",
        "It is kept locked. After a leak, a new epoch with a new secret, and the old encodings are destroyed.",
    )
    yield (
        "who copies the broker's database and disks",
        "Who the parties are, and what was done when. No encoding: they are encrypted.",
        "With the key store: what the operator sees.",
        "Keys are kept apart from the database and its backups, and destroyed with what they open.",
    )
    yield (
        "who finds a file of link IDs",
        "How many matches it has; random numbers.",
        "With the computer of the agency: which of its records have a match.",
        "Record numbers never leave the agency.",
    )
