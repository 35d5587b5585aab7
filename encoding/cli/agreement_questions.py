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

from schemas.clauses import Frequency, LegalBasis, PartyKind
from schemas.run import ReleaseMode

Answers = dict[str, Any]

_YEAR: Final = timedelta(days=365)


def ask_answers(project: str | None, today: date) -> Answers:
    """Return the answers, in the form of a file of answers; what is left out there is not asked.

    Args:
        project: the project's name if the settings name it; None asks for it.
        today: the day from which dates are proposed.
    """
    answers: Answers = {"project": project or _ask("Name of the project, such as foster-k12")}
    _head("Who takes part")
    answers["parties"] = list(_parties())
    _head("Is this a good idea?")
    answers |= _idea(answers["parties"])
    _head("Is this ethical?")
    answers |= _ethics(answers["parties"])
    _head("Is this legal?")
    answers |= _law(answers, today)
    _head("How do we know, and who decides?")
    approvals, answers["limits"]["budget"] = _decisions(answers["parties"])
    return answers | {"approvals": approvals}


def _parties() -> Iterator[Answers]:
    click.echo(
        "First the agencies, then the operator of the broker, then recipients and auditors.",
        err=True,
    )
    kinds: list[str] = []
    while True:
        name = _ask("Short name of a party, such as child-welfare (Enter: no more)", "")
        if not name:
            return
        default = "agency" if kinds.count("agency") < 2 else "operator"
        kinds.append(_choose("What it is", get_args(PartyKind), default))
        yield {
            "name": name,
            "kind": kinds[-1],
            "title": _ask("Its legal name"),
            "capacity": _ask("What it is in this agreement, such as: holds the education records"),
            "contact": _ask("Whom to call there about a breach"),
            "identities": _list("Files of its persons' identities, with commas between"),
        }


def _idea(parties: Sequence[Answers]) -> Answers:
    statement = _ask("What the linkage is for, in one sentence")
    code = _ask("A short code for that", _slug(statement))
    definition = _ask("Which people are in the files")
    population = {
        "code": _ask("A short code for them", _slug(definition)),
        "definition": definition,
        "as_of": _ask(
            "Which day a file describes", "The file describes the day before it is uploaded."
        ),
        "max_age_days": _number("How many days old that day may be at the upload", 7),
        "max_gap_days": _number("How many days the days of two files may lie apart", 7),
    }
    return {
        "purpose": {"code": code, "statement": statement},
        "population": population,
        "elements": list(_elements(parties)),
        "profile": _ask(
            "Encoding profile: children, children-strict, generic-person, or a file", "children"
        ),
        "schedule": {
            "frequency": _choose("How often", get_args(Frequency), "weekly"),
            "note": _ask("When, and by whom (Enter: nothing is said)", "") or None,
        },
    }


def _elements(parties: Sequence[Answers]) -> Iterator[Answers]:
    for party in _of_kind(parties, "agency"):
        for column in _list(f"Columns of {party} that go into encodings, with commas between"):
            yield {"party": party, "name": column, "use": "encoded"}
        for column in _list(
            f"Columns of {party} that may be handed over beside a link ID (Enter: none)", ""
        ):
            yield {"party": party, "name": column, "use": "shared"}


def _ethics(parties: Sequence[Answers]) -> Answers:
    recipients = []
    for party in (*_of_kind(parties, "agency"), *_of_kind(parties, "recipient")):
        mode = _choose(f"What {party} receives", get_args(ReleaseMode), "linked")
        if mode == "none":
            continue
        space = _ask("In which ID space; recipients in one space can join their rows", party)
        onward = _ask("To whom else it may pass that on (Enter: nobody)", "") or None
        recipients.append({"party": party, "mode": mode, "space": space, "onward": onward})
    limits = {
        "min_records": _number("Smallest number of records in an upload", 100),
        "floor": _number("Smallest count that is shown", 10),
    }
    breach = {
        "hours": _number("Within how many hours a party tells the others of a breach", 24),
        "instruction": _ask(
            "What a party does then",
            "Suspend the linkage, keep the workspace as it is, call the contacts.",
        ),
    }
    return {"recipients": recipients, "limits": limits, "breach": breach}


def _law(answers: Answers, today: date) -> Answers:
    parties: Sequence[Answers] = answers["parties"]
    receiving = (*_of_kind(parties, "operator"), *(r["party"] for r in answers["recipients"]))
    directions = []
    for giver in _of_kind(parties, "agency"):
        for receiver in dict.fromkeys(receiving):
            if receiver != giver:
                basis = _choose(
                    f"Legal basis from {giver} to {receiver}", get_args(LegalBasis), None
                )
                hint = "" if basis != "other" else None
                citation = _ask(
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
    start = _date("First day", today)
    end = _date("Last day", start + _YEAR - timedelta(days=1))
    links = _number("For how many days link IDs are kept at the broker", 400)
    retention = {
        "keep_encodings_days": _number("After how many days encodings are destroyed", 30),
        "keep_links_days": links,
        "destroy_by": _date(
            "Day by which nothing is left", end + timedelta(days=links)
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
    number = _ask("Number of the paper agreement (Enter: there is none)", "")
    if not number:
        return {}
    return {
        "paper": {
            "number": number,
            "date": _date("Its date", None).isoformat(),
            "sha256": _ask("Fingerprint (SHA-256) of its file (Enter: none)", "") or None,
        }
    }


def _decisions(parties: Sequence[Answers]) -> tuple[Answers, Answers | None]:
    """Return who approves what, and the budget of runs; None: no limit."""
    agencies = _of_kind(parties, "agency")
    approvers = _list("Parties that approve runs, with commas between", ", ".join(agencies))
    may_stand = _confirm("May runs be approved in advance, for unattended weeks", default=True)
    approvals = {
        "runs": "standing" if may_stand else "each",
        "parties": sorted(approvers),
        "asker_suffices": len(approvers) < 2,
        "releases": _confirm("Is every release approved once more after its run", default=False),
    }
    if not _confirm("Is the number of runs limited", default=True):
        return approvals, None
    return approvals, {
        "runs": _number("How many runs", 6),
        "days": _number("Within how many days", 30),
    }


def _confirm(text: str, *, default: bool) -> bool:
    return click.confirm(text, default, err=True)


def _head(question: str) -> None:
    click.echo(f"\n{question}", err=True)


def _ask(text: str, default: str | None = None) -> str:
    answer: str = click.prompt(text, default=default, show_default=bool(default), err=True)
    return answer.strip()


def _list(text: str, default: str | None = None) -> list[str]:
    return [part.strip() for part in _ask(text, default).split(",") if part.strip()]


def _number(text: str, default: int) -> int:
    answer: int = click.prompt(text, default=default, type=click.IntRange(0), err=True)
    return answer


def _choose(text: str, choices: Sequence[str], default: str | None) -> str:
    answer: str = click.prompt(text, default=default, type=click.Choice(list(choices)), err=True)
    return answer


def _date(text: str, default: date | None) -> date:
    def parse(given: str) -> date:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise click.BadParameter("a day is written as 2026-09-01") from None

    shown = None if default is None else default.isoformat()
    answer: date = click.prompt(text, default=shown, value_proc=parse, err=True)
    return answer


def _of_kind(parties: Sequence[Answers], kind: str) -> list[str]:
    return [party["name"] for party in parties if party["kind"] == kind]


def _slug(sentence: str) -> str:
    words = re.findall(r"[a-z0-9]+", sentence.lower())[:4]
    return "-".join(words) or "purpose"
