"""What `blindlink agreement draft` asks about how records are compared, and when a pair is linked."""

from __future__ import annotations

from typing import Any, Final, get_args

import click

from encoding.cli.terminal.prompts import ask_choice, ask_confirmation, ask_share, ask_text
from schemas.agreement.clause_words import SSN_WARNING
from schemas.agreement.clauses import LegalBasis
from schemas.linkage.fields import NUMBER_KINDS

Answers = dict[str, Any]

# Written out, since asking must not load what makes profiles.
SHIPPED_PROFILES: Final = ("children", "generic-person")


def ask_profile() -> Answers:
    """Return the encoding profile; of a shipped one, whether it compares ZIP codes, and which known number."""
    name = ask_text(
        f"Encoding profile: {', '.join(SHIPPED_PROFILES)}, or a file", SHIPPED_PROFILES[0]
    )
    if name not in SHIPPED_PROFILES:
        return {"profile": name}
    return {
        "profile": name,
        "zip": ask_confirmation("Do both files have ZIP codes that may be compared", default=True),
        **_ask_number(),
    }


def _ask_number() -> Answers:
    """Return by which number both agencies know a person, and on what basis it is encoded."""
    kind = ask_choice(
        "By which number both files know the same people", ("none", *NUMBER_KINDS), "none"
    )
    if kind == "none":
        return {}
    is_ssn = kind == "ssn"
    if is_ssn:
        click.echo(SSN_WARNING, err=True)
    basis = ask_choice("Legal basis for encoding it", get_args(LegalBasis), None)
    needs_citation = is_ssn or basis == "other"
    citation = ask_text(
        "Which law or paper" + ("" if needs_citation else " (Enter: none)"),
        None if needs_citation else "",
    )
    return {"known_number": {"kind": kind, "basis": basis, "citation": citation or None}}


def ask_policy() -> Answers:
    """Return when a pair is linked; the rest is as measured on rehearsal data."""
    auto = ask_share("From which match probability a pair is linked without review", "0.9")
    return {
        "auto": auto,
        "review": ask_share("From which probability it is sent to clerical review", "0.05"),
        "twin_guard": ask_confirmation("Hold back a pair that could also be twins", default=False),
        "prior_matches": ask_share("Which share of the smaller file you expect to match", "0.4"),
        "link_rate": {
            "least": ask_share("Below which share of links nothing is released", "0"),
            "most": ask_share("Above which share of links nothing is released", "1"),
        },
    }
