"""What `blindlink agreement draft` asks: four questions about any use of people's data, each in parts.

Source: Actionable Intelligence for Social Policy (AISP), "Finding a Way Forward": is this legal, is this
ethical, is this a good idea, and how do we know, and who decides?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, get_args

import click

from encoding.cli.terminal.policy_questions import ask_policy, ask_profile
from encoding.cli.terminal.prompts import (
    ask_choice,
    ask_confirmation,
    ask_date,
    ask_due,
    ask_list,
    ask_number,
    ask_share,
    ask_text,
    say_heading,
)
from schemas.agreement.clauses import MOST_ENDED, Frequency, LegalBasis, PartyKind
from schemas.linkage.run import ReleaseMode

Answers = dict[str, Any]

_YEAR: Final = timedelta(days=365)


def ask_answers(project: str | None, today: date) -> Answers:
    """Return the answers, in the form of a file of answers; what is left out there is not asked."""
    answers: Answers = {"project": project or ask_text("Name of the project, such as foster-k12")}
    say_heading("Who takes part")
    answers["parties"] = list(_parties())
    say_heading("Is this a good idea?")
    answers |= _idea(answers["parties"])
    say_heading("Is this ethical?")
    answers |= _ethics(answers["parties"])
    say_heading("Is this legal?")
    answers |= _law(answers, today)
    say_heading("How do we know, and who decides?")
    approvals, answers["limits"]["budget"] = _decisions(answers["parties"])
    review = _review(answers["parties"])
    if review is not None:
        answers["review"], shown = review
        answers["elements"] = [*answers["elements"], *shown]
    return answers | {"approvals": approvals}


def _parties() -> Iterator[Answers]:
    click.echo(
        "First the agencies, then the operator of the broker, then recipients and auditors.",
        err=True,
    )
    kinds: list[str] = []
    while True:
        name = ask_text("Short name of a party, such as child-welfare (Enter: no more)", "")
        if not name:
            return
        default = "agency" if kinds.count("agency") < 2 else "operator"
        kinds.append(ask_choice("What it is", get_args(PartyKind), default))
        yield {
            "name": name,
            "kind": kinds[-1],
            "title": ask_text("Its legal name"),
            "capacity": ask_text(
                "What it is in this agreement, such as: holds the education records"
            ),
            "contact": ask_text("Whom to call there about a breach"),
            **_identities(),
        }


def _identities() -> Answers:
    files = ask_list(
        "Files of its persons' identities, with commas between (Enter: whom the broker shows)", ""
    )
    return {"identities": files} if files else {}


def _idea(parties: Sequence[Answers]) -> Answers:
    statement = ask_text("What the linkage is for, in one sentence")
    code = ask_text("A short code for that", _slug(statement))
    definition = ask_text("Which people are in the files")
    population = {
        "code": ask_text("A short code for them", _slug(definition)),
        "definition": definition,
        "as_of": ask_text(
            "Which day a file describes", "The file describes the day before it is uploaded."
        ),
        "max_age_days": ask_number("How many days old that day may be at the upload", 7),
        "max_gap_days": ask_number("How many days the days of two files may lie apart", 7),
    }
    return {
        "purpose": {"code": code, "statement": statement},
        "population": population,
        "elements": list(_elements(parties)),
        **ask_profile(),
        "schedule": _schedule(),
        "policy": ask_policy(),
    }


def _schedule() -> Answers:
    frequency = ask_choice("How often a round is made", get_args(Frequency), "weekly")
    due = None if frequency in ("once", "on-request") else ask_due(frequency)
    return {
        "frequency": frequency,
        "due": due,
        "round_days": ask_number("For how many days a round waits for uploads", 7),
        "note": ask_text("When, and by whom (Enter: nothing is said)", "") or None,
    }


def _elements(parties: Sequence[Answers]) -> Iterator[Answers]:
    for party in _of_kind(parties, "agency"):
        for column in ask_list(f"Columns of {party} that go into encodings, with commas between"):
            yield {"party": party, "name": column, "use": "encoded"}
        for column in ask_list(
            f"Columns of {party} that may be handed over beside a link ID (Enter: none)", ""
        ):
            yield {"party": party, "name": column, "use": "shared"}
        for column in ask_list(
            f"Columns of {party} by which linked people may be counted, in tables for others (Enter: none)",
            "",
        ):
            yield {"party": party, "name": column, "use": "counted"}


def _ethics(parties: Sequence[Answers]) -> Answers:
    recipients = []
    for party in (*_of_kind(parties, "agency"), *_of_kind(parties, "recipient")):
        mode = ask_choice(f"What {party} receives", get_args(ReleaseMode), "linked")
        if mode == "none":
            continue
        space = ask_text("In which link-ID set; recipients in one set can join their rows", party)
        onward = ask_text("To whom else it may pass that on (Enter: nobody)", "") or None
        recipients.append({"party": party, "mode": mode, "space": space, "onward": onward})
    limits = {
        "files": list(_files(parties)),
        "floor": ask_number("Smallest count that is shown", 10),
        "most_ended": ask_share(
            "Largest share of the links that may end in one round before a person has to look",
            MOST_ENDED,
        ),
    }
    breach = {
        "hours": ask_number("Within how many hours a party tells the others of a breach", 24),
        "instruction": ask_text(
            "What a party does then",
            "Suspend the linkage, keep the workspace as it is, call the contacts.",
        ),
    }
    return {"recipients": recipients, "limits": limits, "breach": breach}


def _files(parties: Sequence[Answers]) -> Iterator[Answers]:
    agencies = _of_kind(parties, "agency")
    if len(agencies) > 1:
        click.echo(
            "Of two agencies the one whose file may be larger has the larger file of the pair.",
            err=True,
        )
    for party in agencies:
        most = ask_number(f"How many records the file of {party} has at most", None)
        least = ask_number(f"How many records the file of {party} has at least", max(1, most // 10))
        yield {"party": party, "least": least, "most": most}


def _law(answers: Answers, today: date) -> Answers:
    parties: Sequence[Answers] = answers["parties"]
    receiving = (*_of_kind(parties, "operator"), *(r["party"] for r in answers["recipients"]))
    directions = []
    for giver in _of_kind(parties, "agency"):
        for receiver in dict.fromkeys(receiving):
            if receiver != giver:
                basis = ask_choice(
                    f"Legal basis from {giver} to {receiver}", get_args(LegalBasis), None
                )
                hint = "" if basis != "other" else None
                citation = ask_text(
                    "Which law or paper" + ("" if hint is None else " (Enter: none)"), hint
                )
                directions.append(
                    {
                        "giver": giver,
                        "receiver": receiver,
                        "basis": basis,
                        "citation": citation or None,
                    }
                )
    start = ask_date("First day", today)
    end = ask_date("Last day", start + _YEAR - timedelta(days=1))
    links = ask_number("For how many days match IDs are kept at the broker", 400)
    retention = {
        "keep_encodings_days": ask_number("After how many days encodings are destroyed", 30),
        "keep_links_days": links,
        "destroy_by": ask_date(
            "Day by which everything is destroyed", end + timedelta(days=links)
        ).isoformat(),
    }
    return {
        "directions": directions,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "retention": retention,
        **_paper(),
    }


def _paper() -> Answers:
    number = ask_text("Number of the paper agreement (Enter: there is none)", "")
    if not number:
        return {}
    return {
        "paper": {
            "number": number,
            "date": ask_date("Its date", None).isoformat(),
            "sha256": ask_text("Fingerprint (SHA-256) of its file (Enter: none)", "") or None,
        }
    }


def _decisions(parties: Sequence[Answers]) -> tuple[Answers, Answers | None]:
    """Return who approves what, and the budget of rounds; None: no limit."""
    agencies = _of_kind(parties, "agency")
    approvers = ask_list("Parties that approve runs, with commas between", ", ".join(agencies))
    may_stand = ask_confirmation(
        "May runs be approved in advance, for unattended weeks", default=True
    )
    approvals = {
        "runs": "standing" if may_stand else "each",
        "parties": sorted(approvers),
        "asker_suffices": len(approvers) < 2,
        "releases": ask_confirmation(
            "Is every release approved once more after its run", default=False
        ),
    }
    if not ask_confirmation("Is the number of rounds limited", default=True):
        return approvals, None
    return approvals, {
        "rounds": ask_number("How many rounds, corrections included", 6),
        "days": ask_number("Within how many days", 30),
    }


def _review(parties: Sequence[Answers]) -> tuple[Answers, list[Answers]] | None:
    """Return who decides pairs that are sent to review, and what cards show; None: nobody decides them."""
    agencies = _of_kind(parties, "agency")
    reviewer = ask_text(
        "Which agency's people decide pairs that are sent to review (Enter: nobody does)", ""
    )
    if not reviewer:
        return None
    two = ask_confirmation("Must two of them agree", default=False)
    shown = [
        {"party": party, "name": column, "use": "shown"}
        for party in agencies
        if party != reviewer
        for column in ask_list(
            f"Columns of {party} that they may see of a record, with commas between",
            "first_name, last_name, birth_date, sex",
        )
    ]
    review = {
        "reviewer": reviewer,
        "persons": 2 if two else 1,
        "bucket": ask_number("Among how many records the other agency must not tell which one", 20),
        "days": ask_number("For how many days after a run decisions count", 14),
    }
    return review, shown


def _of_kind(parties: Sequence[Answers], kind: str) -> list[str]:
    return [party["name"] for party in parties if party["kind"] == kind]


def _slug(sentence: str) -> str:
    words = re.findall(r"[a-z0-9]+", sentence.lower())[:4]
    return "-".join(words) or "purpose"
