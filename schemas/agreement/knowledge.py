"""Who could learn what under an agreement: alone, in collusion, or after a leak. Nothing is left out.

The rows follow from the limits of `schemas/spec/bsf1.md`, sections 6 and 7. What attacks on rehearsal data
found stands in `MEASURED`, with the sizes of the two files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from schemas.agreement.agreement import Agreement
from schemas.agreement.allowance import KEPT_WEEKS
from schemas.linkage.run import ReleaseMode

Row: TypeAlias = tuple[str, str, str, str]
Finding: TypeAlias = tuple[str, str]

MEASURED_CAPTION: Final = (
    "Measured on invented records with mistakes, under the shipped profile: "
    "4,000 children in care and 200,000 pupils"
)
MEASURED: Final[tuple[Finding, ...]] = (
    (
        "records of the larger file of which the broker sees anything at all; without those that are linked",
        "1.5%; 0.3%",
    ),
    (
        "children in care whom a broker names that has the whole register of pupils, without a mistake",
        "0.7%",
    ),
    ("the same where the register lacks 10% and has 10% strangers", "0.4%"),
    ("the same where the register also has mistakes, as registers do", "0.4%"),
    (
        "records that someone tells apart who has both files exactly: of the smaller file, of the larger file",
        "9%, 0.3%",
    ),
    (
        "records followed from one round to the next by shape alone: of the smaller, of the larger file",
        "5.5%, 0.2%",
    ),
    (
        "how well sex, age or length of name of a linked child can be guessed",
        "no better than by chance",
    ),
    (
        "how well a linked child with two surnames is told from one with a single surname, one who is Hispanic "
        "from one who is not, or one with an alias from one without (50%: by a coin)",
        "52 to 56%, 58%, 81%",
    ),
    ("the same for two surnames, with 15,000 children and 150,000 pupils", "55 to 57%"),
    (
        "the same for two surnames and for an alias, with 13,750 children and 1,500,000 pupils",
        "60%, 99.7%",
    ),
    (
        "the same with 55,000 children and 6,000,000 pupils, where two surnames show more than the goal allows",
        "63%, 99.8%",
    ),
    (
        "records of 6,000,000 of which the broker sees anything at all; without those that are linked",
        "4.4%; 3.9%",
    ),
    (
        "children named in a larger file of 3,000,000: by the whole register; one that lacks 10% and has 10% "
        "strangers; one that also has mistakes",
        "4.8%; 1.5%; 0.2%",
    ),
    ("the same in a larger file of 6,000,000", "5.5%; 1.6%; 0.2%"),
)


def learned_rows(agreement: Agreement) -> tuple[Row, ...]:
    """Return for each party, each coalition and each leak: who, alone, together, what stands against it."""
    return (
        *_agencies(agreement),
        *_other_recipients(agreement),
        _operator(agreement),
        *_auditors(agreement),
        _operator_with_holder(agreement),
        *_recipients_together(agreement),
        *_readers(agreement),
        *_leaks(),
    )


def _agencies(agreement: Agreement) -> Iterator[Row]:
    modes = {recipient.party: recipient.mode for recipient in agreement.recipients}
    for agency in agreement.names("agency"):
        others = " and ".join(name for name in agreement.names("agency") if name != agency)
        yield (
            f"{agency}, an agency",
            _alone(agreement, modes, agency, others),
            f"With the operator: it could guess the records of {others or 'nobody else'}, since it has the "
            "secret and the operator has the containers.",
            "It gets no container of another agency from the broker: no call returns one.",
        )


def _alone(agreement: Agreement, modes: dict[str, ReleaseMode], agency: str, others: str) -> str:
    received = _from_release(modes.get(agency, "none"), others)
    values = " ".join(_values(agreement, agency)) or "No value of another agency's record."
    return f"{received} {values} {_by_asking(agreement, modes, agency)}".strip()


def _values(agreement: Agreement, agency: str) -> Iterator[str]:
    """Yield which values of other agencies' records an agency comes to see."""
    review = agreement.review
    for other in agreement.names("agency"):
        if other == agency:
            continue
        shown = agreement.columns(other, "shown")
        if review is not None and review.reviewer == agency and shown:
            yield (
                f"Its reviewers see {', '.join(shown)} of the records of {other} that they are asked about, "
                f"{review.first:,} in the first {KEPT_WEEKS} weeks and {review.weekly:,} a week after that, at "
                "most. It chooses which, if it puts people into its file to look them up."
            )
        handed = agreement.handed_over(other, agency)
        if handed:
            yield f"It gets {', '.join(handed)} of matched records of {other}."


def _from_release(mode: ReleaseMode, others: str) -> str:
    return {
        "linked": f"Which of its own records have a match at {others or 'no other agency'}.",
        "blind": "Match IDs of all handed-over records, without knowing whose they are until they are joined.",
        "count": "How many matches there are, unless they are too few to show.",
        "none": "Nothing about any match.",
    }[mode]


def _by_asking(agreement: Agreement, modes: dict[str, ReleaseMode], agency: str) -> str:
    if modes.get(agency) != "linked" or len(agreement.names("agency")) < 2:
        return ""
    return (
        "It can ask: anyone who puts a named person into its own file learns whether the other agency has that "
        "person. Sizes of files, the link rate and the number of rounds limit how often; nothing prevents it."
    )


def _other_recipients(agreement: Agreement) -> Iterator[Row]:
    agencies = agreement.names("agency")
    lasting = {space.name for space in agreement.spaces if space.lifetime == "lasting"}
    for recipient in agreement.recipients:
        if recipient.party in agencies:
            continue
        followed = (
            "Which rows of different rounds are of one record, with a match or without."
            if recipient.space in lasting
            else "Nothing that leads from one round to the next but the columns."
        )
        alone = {
            "blind": "Which handed-over rows belong to one person, and what is in their agreed columns. "
            + followed,
            "count": "How many matches there are, unless they are too few to show.",
        }
        yield (
            f"{recipient.party}, a recipient",
            alone.get(recipient.mode, "Nothing about any match."),
            "With an agency: that agency's rows that belong to its match IDs.",
            "It has neither the secret nor a container. Columns are handed over only if they are listed.",
        )


def _operator(agreement: Agreement) -> Row:
    alone = (
        "How many records each file has. Which numbered records of two files came together because they "
        "agree on enough of their names, birth dates and what else is compared, and how different they are in "
        "each field; not which name or date. Whether two such records were linked in an earlier round, or were "
        "said to be two people by a reviewer. Which numbered records of the smaller file are near each other. "
        "Of a record of the larger file that is near nobody in the smaller one: nothing. Which records are "
        "linked, whatever is released. All numbers are new in each round, but some records can be followed "
        "to the next one by whom they meet, as measured." + _of_review(agreement)
    )
    together = (
        "With a register of likely people, but without the secret: a few of the linked people, by who is near "
        "whom. The table of measurements says how many."
    )
    against = (
        "It has no secret and no name. What it does is in the match log, which the agencies check. That it "
        "compares in secret what it holds, or withholds a match, nothing but its word prevents."
    )
    return (f"{agreement.operator.name}, the operator", alone, together, against)


def _of_review(agreement: Agreement) -> str:
    if agreement.review is None:
        return ""
    return (
        " Which numbered records each question of a review is about, and each reviewer's verdict and reason, "
        "such as twins; no card. Which records of an agency that is asked share a group of at least "
        f"{agreement.review.bucket}; these groups stay alike from round to round."
    )


def _auditors(agreement: Agreement) -> Iterator[Row]:
    for auditor in agreement.names("auditor"):
        yield (
            f"{auditor}, an auditor",
            "Who uploaded, ran, approved and fetched what, and when; with which weights a run decided; counts "
            "that are not too small to show.",
            "With others: no more than they know themselves.",
            "The match log holds no person's data.",
        )


def _operator_with_holder(agreement: Agreement) -> Row:
    return (
        "the operator and anyone who holds the secret",
        "",
        "Every record: they can compute the rows of likely people and look for them in the containers of a "
        "round.",
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
                f"{' and '.join(parties)}, in the link-ID set {space}",
                "",
                "They can put the rows of their matched records side by side. This is what they agree on.",
                "Only listed columns, on the stated legal basis.",
            )
    if len(members) > 1:
        yield (
            "recipients of different link-ID sets",
            "",
            "Nothing more: their match IDs and link IDs for one person have nothing in common. With the "
            "operator: "
            "as if they shared one set.",
            "Each space has a random key of its own in each run, which is destroyed with the run.",
        )


def _readers(agreement: Agreement) -> Iterator[Row]:
    if not any(element.use == "counted" for element in agreement.elements):
        return
    floor = agreement.limits.floor
    yield (
        "anyone who reads a table of linked people",
        "How many linked people are in each group that is shown.",
        "With another table of the same people: what one takes from the other. With what they know of people "
        "in it: more of the rest.",
        f"A count below {floor} is not shown, nor what it could be worked out from in the same table. What "
        "several tables tell together nothing prevents."
        if floor
        else "Nothing: every count is shown, however small.",
    )


def _leaks() -> Iterator[Row]:
    yield (
        "anyone who finds the secret",
        "Nothing: there is nothing in it.",
        "With containers: every record, by guessing, of the rounds whose secrets an agency still keeps, and of "
        "every later round until there is a new secret. Of earlier rounds nothing, where the agencies made the "
        "secret by this program. A secret that they carried by hand in a file opens all rounds.",
        "It is kept locked, and moves on by one step with each round. After a leak, a new epoch with a new "
        "secret, and what is left of the old one is destroyed.",
    )
    yield (
        "anyone who copies the broker's database and disks",
        "Who the parties are, and what was done when. No container: they are encrypted.",
        "With the key store: what the operator sees.",
        "Keys are kept apart from the database and its backups, and destroyed with what they open.",
    )
    yield (
        "anyone who keeps containers of several rounds",
        "Keys and numbers are new in each round. Some records can be followed from one round to the next all "
        "the same, by whom they meet, as measured.",
        "With both files, as exactly as the agencies have them: which records some of these are.",
        "Containers are destroyed after the agreed days.",
    )
    yield (
        "anyone who finds a release file or a ledger",
        "How many matches or link IDs it has; random numbers.",
        "With the computer of the agency: which of its records have a match.",
        "Record numbers never leave the agency.",
    )
