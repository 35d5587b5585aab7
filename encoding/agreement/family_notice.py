"""A notice to families, made from the agreement: what it says, and which places counsel has yet to fill.

What the agreement says in the words of those who drafted it, such as the purpose, is an open place too: a
family reads plain words, in its own language. Nothing is guessed: who sees that a child is in foster care, whom
to call, and how to object stand in no agreement.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

from encoding.agreement.text import plain_markdown
from encoding.errors import AgreementDraftError
from encoding.recipe.numbers import NUMBER_COLUMN
from schemas.agreement.agreement import Agreement
from schemas.agreement.chapters import grouped
from schemas.agreement.clauses import AgreedParty, AgreedRecipient, LegalBasis, PartyKind
from schemas.linkage.fields import NUMBER_INPUTS
from schemas.linkage.profile import EncodingProfile
from schemas.shared.page import Markup, Section, render_page


def family_page(notice: FamilyNotice) -> str:
    """Return the notice as an HTML file that needs no other; open places are framed."""
    sections = [Section(part.heading, list(map(_block, part.blocks))) for part in notice.parts]
    return render_page(notice.title, notice.lead, sections, notice.source, language=notice.language)


def family_markdown(notice: FamilyNotice) -> str:
    """Return the notice as Markdown; open places are in bold and braces."""
    lines = [f"# {notice.title}", notice.lead]
    for part in notice.parts:
        lines += [f"## {part.heading}", *_markdown_blocks(part)]
    return "\n\n".join([*lines, plain_markdown(notice.source)]) + "\n"


def _block(block: str | tuple[str, ...]) -> Markup:
    if isinstance(block, str):
        return Markup(f"<p>{_marked(block)}</p>")
    return Markup(f"<ul>{''.join(f'<li>{_marked(item)}</li>' for item in block)}</ul>")


def _marked(text: str) -> str:
    return escape(text).replace(OPEN_START, "<mark>").replace(OPEN_END, "</mark>")


def _markdown_blocks(part: NoticePart) -> list[str]:
    return [
        _bold(block) if isinstance(block, str) else "\n".join(f"- {_bold(item)}" for item in block)
        for block in part.blocks
    ]


def _bold(text: str) -> str:
    return plain_markdown(text).replace(OPEN_START, "**").replace(OPEN_END, "**")


Language = Literal["en", "es"]
# Around an open place. Agreements hold no private-use characters, so nothing that is agreed can look like one.
OPEN_START: Final = "\ue000"
OPEN_END: Final = "\ue001"
# What a derived column of a profile begins with, and the column that families know.
_KNOWN: Final = {
    "first_name": "first_name",
    "surname": "last_name",
    "middle_initial": "middle_initial",
    "birth": "birth_date",
    "sex": "sex",
    "zip": "zip",
    "linked_before": "matched_before",
    "rejected_before": "matched_before",
}


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """A place that counsel has yet to fill or check: its name in the file of answers, and what to do."""

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class NoticePart:
    """A heading with what stands under it: a text is a paragraph, texts together are a list."""

    heading: str
    blocks: tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FamilyNotice:
    """The notice; in its texts, open places stand between `OPEN_START` and `OPEN_END`.

    The first part tells counsel that there are some; without any, there is no such part.
    """

    language: Language
    title: str
    lead: str
    parts: tuple[NoticePart, ...]
    source: str
    places: tuple[OpenPlace, ...]


def family_notice(
    agreement: Agreement,
    profile: EncodingProfile,
    language: Language = "en",
    answers: Mapping[str, str] | None = None,
) -> FamilyNotice:
    """Return the notice.

    Args:
        agreement: what the parties agree on, in force or drafted.
        profile: the encoding profile that it names.
        language: of the notice.
        answers: texts for open places, by their names; None or empty leaves all open.
    Raises:
        AgreementDraftError: an answer is for a place that this notice does not have.
    """
    return _Composer(agreement, profile, language, family_words(language), answers or {}).notice()


def family_words(language: Language) -> dict[str, Any]:
    """Return what a notice says in one language: sentences, in which names in braces are filled, and tables."""
    return tomllib.loads(Path(__file__).with_name(f"family_{language}.toml").read_text("utf-8"))


def flat_answers(raw: Mapping[str, Any], within: str = "") -> dict[str, str]:
    """Return the texts of a file of answers by the names of their places, such as `contact.k12`.

    Raises:
        AgreementDraftError: one is empty, or no text of one line.
    """
    flat: dict[str, str] = {}
    for name, value in raw.items():
        place = f"{within}{name}"
        if isinstance(value, dict):
            flat |= flat_answers(value, f"{place}.")
        elif isinstance(value, str) and value.strip() and value.isprintable():
            flat[place] = value.strip()
        else:
            raise AgreementDraftError(f"the answer {place} must be one line of text")
    return flat


@dataclass(slots=True)
class _Composer:
    """Fills the sentences of one language, and notes the places that stay open."""

    agreement: Agreement
    profile: EncodingProfile
    language: Language
    words: Mapping[str, Any]
    answers: Mapping[str, str]
    places: dict[str, OpenPlace] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def notice(self) -> FamilyNotice:
        agreement = self.agreement
        parts = (
            NoticePart(self._say("what"), tuple(self._what())),
            NoticePart(self._say("why"), tuple(self._why())),
            NoticePart(self._say("protection"), tuple(self._protection())),
            NoticePart(self._say("who"), (tuple(self._receivers()), *self._sensitive())),
            NoticePart(self._say("how_long"), tuple(self._how_long())),
            NoticePart(self._say("law"), (self._papers(), tuple(self._laws()))),
            NoticePart(self._say("rights"), tuple(self._rights())),
            NoticePart(self._say("call"), (tuple(self._contacts()), self._help())),
        )
        unknown = sorted(self.answers.keys() - self.used)
        if unknown:
            known = ", ".join(sorted(self.used))
            raise AgreementDraftError(
                f"this notice has no place {unknown[0]}", hint=f"its places are: {known}"
            )
        return FamilyNotice(
            language=self.language,
            title=self._say("title"),
            lead=self._say("lead"),
            parts=(*self._draft(), *parts),
            source=self._say(
                "source",
                number=agreement.number,
                project=agreement.project,
                fingerprint=grouped(agreement.digest()),
            ),
            places=tuple(self.places.values()),
        )

    def _say(self, name: str, **values: object) -> str:
        said: str = self.words[name]
        return said.format(**values)

    def _draft(self) -> Iterator[NoticePart]:
        if self.places:
            said = self._say("draft", n=len(self.places))
            yield NoticePart(self._say("for_counsel"), (f"{OPEN_START}{said}{OPEN_END}",))

    def _what(self) -> Iterator[str]:
        schedule = self.agreement.schedule
        titles = [self._introduced(party) for party in self._parties("agency")]
        yield self._say("linked" if len(titles) > 1 else "alone", agencies=self._all(titles))
        yield self._say(
            "people", definition=self._open("population", self.agreement.population.definition)
        )
        yield self._say("compared", columns=self._columns(self._compared()))
        yield self._say(
            "when",
            frequency=self.words["frequencies"][schedule.frequency],
            start=self._day(self.agreement.start),
            end=self._day(self.agreement.end),
        )
        yield f"{self._say('your_child')} {self._say('of_age')}"

    def _why(self) -> Iterator[str]:
        purpose = self._open("purpose", self.agreement.purpose.statement)
        yield self._say("reason", purpose=purpose)
        yield self._say("promise")

    def _protection(self) -> Iterator[str]:
        review = self.agreement.review
        operator = self._called(self.agreement.operator)
        title = self.agreement.operator.title
        yield self._say("coded", Operator=_capital(operator))
        comparer = self._say("comparer", Operator=_capital(operator), title=title)
        yield f"{comparer} {self._say('patterns')}"
        yield self._say("not_anonymous", operator=operator)
        if review is None:
            yield self._say("mistakes")
            return
        reviewer = self._name(review.reviewer)
        sentences = [self._say("mistakes"), self._say("reviewed", reviewer=reviewer)]
        for giver in self._parties("agency"):
            shown = self.agreement.columns(giver.name, "shown")
            if shown:
                columns = self._columns(shown)
                sentences.append(self._say("card", giver=self._called(giver), columns=columns))
        yield " ".join(sentences)

    def _receivers(self) -> Iterator[str]:
        agreement = self.agreement
        for one in agreement.recipients:
            if one.mode == "none":
                continue
            receiver = self._name(one.party)
            given = {"receiver": receiver, "Receiver": _capital(receiver)}
            sentences = [self._received(one, given)]
            for giver in self._parties("agency"):
                shared = agreement.handed_over(giver.name, one.party)
                if shared:
                    sentences.append(
                        self._say(
                            "handed_over",
                            giver=self._called(giver),
                            columns=self._columns(shared),
                            **given,
                        )
                    )
            if one.onward is None:
                sentences.append(self._say("no_onward", **given))
            else:
                onward = self._open(f"onward.{one.party}", one.onward)
                sentences.append(self._say("onward", onward=onward, **given))
            yield " ".join(sentences)
        for auditor in self._parties("auditor"):
            yield self._say("audited", Title=auditor.title)
        counted = dict.fromkeys(e.name for e in agreement.elements if e.use == "counted")
        if counted:
            floor = agreement.limits.floor
            name = "tabulated_from" if floor else "tabulated"
            yield self._say(name, columns=self._columns([*counted]), floor=floor)

    def _received(self, one: AgreedRecipient, given: Mapping[str, str]) -> str:
        floor = self.agreement.limits.floor
        others = [self._called(p) for p in self._parties("agency") if p.name != one.party]
        name = {
            "linked": "receives",
            "blind": "blind",
            "count": "counted_from" if floor else "counted",
        }[one.mode]
        return self._say(name, others=self._all(others), floor=floor, **given)

    def _sensitive(self) -> Iterator[str]:
        schools, welfare = _schools(self.agreement), _welfare(self.agreement)
        linked = {one.party for one in self.agreement.recipients if one.mode == "linked"}
        if welfare and schools & linked:
            school_agency = self._all([self._name(name) for name in sorted(schools & linked)])
            staff = self._open("school-staff")
            yield self._say("foster_care", school_agency=school_agency)
            yield self._say("school_staff", school_staff=staff)
        else:
            yield self._say("sensitive", sensitive=self._open("sensitive"))
        if linked and len(self.agreement.names("agency")) > 1:
            yield self._say("membership")

    def _how_long(self) -> Iterator[str]:
        kept = self.agreement.retention
        operator = self._called(self.agreement.operator)
        named = {"operator": operator, "Operator": _capital(operator)}
        codes = self._say("codes_kept", n_days=self._days(kept.keep_encodings_days))
        matches = self._say("matches_kept", n_days=self._days(kept.keep_links_days), **named)
        yield f"{codes} {matches}"
        ended = self._say("broker_end", day=self._day(kept.destroy_by), **named)
        yield f"{ended} {self._say('receiver_end', **named)}"
        yield self._say("log_kept")
        if kept.legal_hold is not None:
            yield self._say("held", legal_hold=self._open("legal-hold", kept.legal_hold))

    def _papers(self) -> str:
        paper = self.agreement.paper
        if paper is None:
            return self._say("signed")
        return f"{self._say('signed')} {self._say('paper', number=paper.number, day=self._day(paper.date))}"

    def _laws(self) -> Iterator[str]:
        for one in self.agreement.directions:
            yield self._say(
                "disclosed",
                giver=self._name(one.giver),
                receiver=self._name(one.receiver),
                basis=self._basis(one.basis, one.citation, f"citation.{one.giver}.{one.receiver}"),
            )
        number = self.agreement.known_number
        if number is not None and number.basis is not None:
            yield self._say(
                "number_basis",
                number=self.words["columns"][NUMBER_INPUTS[number.kind]],
                basis=self._basis(number.basis, number.citation, f"citation.{number.kind}"),
            )

    def _basis(self, basis: LegalBasis, citation: str | None, place: str) -> str:
        named = "" if basis == "other" else self.words["bases"][basis]
        cited = "" if citation is None else self._open(place, citation)
        return "; ".join(filter(None, (named, cited)))

    def _rights(self) -> Iterator[str]:
        yield self._say("ask")
        if any(one.mode == "linked" for one in self.agreement.recipients):
            yield self._say("wrong")
        yield self._say("left_out")
        yield self._say("objection", objection=self._open("objection"))

    def _contacts(self) -> Iterator[str]:
        for party in self._parties("agency"):
            contact = self._open(f"contact.{party.name}")
            yield self._say("contact", title=party.title, contact=contact)

    def _help(self) -> str:
        return self._say("interpreter", interpreter=self._open("interpreter"))

    def _open(self, place: str, agreed: str = "") -> str:
        """Return what fills a place, or mark it as open, with what the agreement says there if it does."""
        self.used.add(place)
        if place in self.answers:
            return self.answers[place]
        what = self.words["opens"][place.partition(".")[0]]
        self.places.setdefault(place, OpenPlace(place, what))
        quoted = f"{self._say('quoted', text=agreed)} " if agreed else ""
        return f"{quoted}{OPEN_START}{{{place}: {what}}}{OPEN_END}"

    def _compared(self) -> list[str]:
        number = self.agreement.known_number
        starts = _KNOWN if number is None else {**_KNOWN, NUMBER_COLUMN: NUMBER_INPUTS[number.kind]}
        columns = [
            next((known for start, known in starts.items() if column.startswith(start)), column)
            for column in self.profile.columns
        ]
        # An alias is a row of its own, made of the same columns.
        return [*columns, "other_names"] if any(vars(self.profile.alias_keys).values()) else columns

    def _columns(self, names: Sequence[str]) -> str:
        """Return columns as families know them; one that no list knows is an open place, after the others."""
        codes = {_column_code(name): name for name in names}
        known = [word for code, word in self.words["columns"].items() if code in codes]
        unknown = [
            self._open(f"columns.{code}", name)
            for code, name in codes.items()
            if code not in self.words["columns"]
        ]
        return ", ".join((*known, *unknown))

    def _name(self, party: str) -> str:
        return next(self._called(one) for one in self.agreement.parties if one.name == party)

    def _called(self, party: AgreedParty) -> str:
        """Return what the notice calls a party: by what it does where only one does it, else by its title."""
        if party.kind == "operator":
            return self._say("operator")
        if _schools(self.agreement) == {party.name}:
            return self._say("school_agency")
        if _welfare(self.agreement) == {party.name}:
            return self._say("welfare_agency")
        return party.title

    def _introduced(self, party: AgreedParty) -> str:
        called = self._called(party)
        if called == party.title:
            return called
        return self._say("known_as", title=party.title, known_as=called)

    def _parties(self, kind: PartyKind) -> list[AgreedParty]:
        return [party for party in self.agreement.parties if party.kind == kind]

    def _all(self, names: Sequence[str]) -> str:
        start = ", ".join(names[:-1])
        return f"{start}{self._say('joined')}{names[-1]}" if start else "".join(names)

    def _day(self, text: str) -> str:
        day = date.fromisoformat(text)
        return self._say(
            "day", day=day.day, month=self.words["months"][day.month - 1], year=day.year
        )

    def _days(self, number: int) -> str:
        said: str = self.words["n_days"][number != 1]
        return said.format(n=number)


def _schools(agreement: Agreement) -> set[str]:
    """Return the agencies whose records are education records: FERPA is about no others."""
    return {one.giver for one in agreement.directions if one.basis.startswith("ferpa-")}


def _welfare(agreement: Agreement) -> set[str]:
    """Return the agencies that receive education records because they are responsible for foster children."""
    return {one.receiver for one in agreement.directions if one.basis == "ferpa-child-welfare"}


def _column_code(name: str) -> str:
    code = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return "other_names" if code.startswith("alias_") else code


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
