"""The sentences of a notice to families: one form, filled in each language in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.clauses import Frequency, LegalBasis

Language = Literal["en", "es"]


@dataclass(frozen=True, slots=True)
class FamilyWords:
    """What a notice says in one language; names in braces are filled from the agreement.

    `columns` and `bases` are words for what an agreement names by codes; `opens` says what counsel does at each
    kind of open place, by the first part of its name.
    """

    language: Language
    months: tuple[str, ...]
    day: str
    joined: str
    n_days: tuple[str, str]
    quoted: str
    columns: Mapping[str, str]
    frequencies: Mapping[Frequency, str]
    bases: Mapping[LegalBasis, str]
    opens: Mapping[str, str]

    school_agency: str
    welfare_agency: str
    operator: str
    known_as: str

    for_counsel: str
    draft: str
    title: str
    lead: str
    your_child: str
    of_age: str

    what: str
    linked: str
    alone: str
    people: str
    compared: str
    when: str

    why: str
    reason: str
    promise: str

    protection: str
    coded: str
    comparer: str
    patterns: str
    not_anonymous: str
    mistakes: str
    reviewed: str
    card: str

    who: str
    receives: str
    blind: str
    counted: str
    counted_from: str
    onward: str
    no_onward: str
    handed_over: str
    audited: str
    tabulated: str
    tabulated_from: str
    membership: str
    sensitive: str
    foster_care: str
    school_staff: str

    how_long: str
    codes_kept: str
    matches_kept: str
    broker_end: str
    receiver_end: str
    log_kept: str
    held: str

    law: str
    paper: str
    signed: str
    disclosed: str
    number_basis: str

    rights: str
    ask: str
    wrong: str
    left_out: str
    objection: str

    call: str
    contact: str
    interpreter: str

    source: str
