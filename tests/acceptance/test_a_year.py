"""A year of two files that change every week, by the agencies' own commands, held against a slow model.

The model knows who is who. Anyone who is in two files is linked, and has one link ID at all agencies that never
changes: through corrections and typing errors, people who leave and come back, a wrong file, a dispute, another
analyst, a new secret, a third agency, and a lost workspace.
"""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rigs.agreed import OPERATOR, amend, approve_runs, bind
from rigs.desk import Desk
from rigs.near_broker import EVERY_DUTY, NearBroker, near_broker, small_profile, small_terms
from rigs.persons import lay_down_keys
from rigs.weeks import links, settle
from samples.agreed import agreement_of

from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement
from schemas.agreement.clauses import FileSize
from schemas.linkage.run import Recipient

FIRST = (
    *("Ana", "Bo", "Cora", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jon", "Kai", "Lea", "Max"),
    *("Nia", "Oto", "Pia", "Quin", "Rae", "Sol", "Tom", "Una", "Val", "Wim", "Xan", "Yve", "Zoe"),
)
LAST = (
    *("Alvarez", "Brandt", "Castillo", "Dominguez", "Eriksen", "Fontaine", "Gutierrez", "Hoffman"),
    *(
        "Ibarra",
        "Jankowski",
        "Kowalczyk",
        "Lindqvist",
        "Montgomery",
        "Nakamura",
        "Okafor",
        "Petrov",
    ),
    *("Quintero", "Rosenthal", "Santiago", "Thompson", "Underwood", "Villanueva", "Whitfield"),
)
COLUMNS = {"first_name": "first", "last_name": "last", "birth_date": "born", "sex": "sex"}
REASON = ("--reason", "The parents say that it is another child.")
N_PUPILS, N_IN_CARE = 44, 20

Event = Callable[["Year"], None]


@dataclass
class Person:
    """One child, and what each agency's row of them says: first name, last name, date of birth, sex."""

    number: int
    values: tuple[str, str, str, str]
    rows: dict[str, tuple[str, tuple[str, str, str, str]]] = field(default_factory=dict)

    def enter(self, party: str) -> None:
        """Come into an agency's file, under a number of its own."""
        self.rows[party] = (f"{party[0]}{self.number:03}", self.values)

    def edit(self, party: str, record: str | None = None, **values: str) -> None:
        """Change the row at an agency."""
        old, row = self.rows[party]
        changed = dict(zip(("first", "last", "born", "sex"), row, strict=True)) | values
        self.rows[party] = (record or old, tuple(changed.values()))  # type: ignore[assignment]


@dataclass
class Year:
    """The agencies at their desks, who is who, and which link ID everybody was first seen with."""

    near: NearBroker
    agreement: Agreement
    people: list[Person]
    signers: list[Identity]
    given: dict[int, str] = field(default_factory=dict)
    unlinked: set[int] = field(default_factory=set)
    left: dict[int, tuple[str, tuple[str, str, str, str]]] = field(default_factory=dict)

    @property
    def welfare(self) -> Desk:
        return self.near.desks["welfare"]

    @property
    def schools(self) -> Desk:
        return self.near.desks["schools"]

    def new_person(self, **values: str) -> Person:
        """Return a child like no other, but for the values that are given."""
        n = len(self.people)
        born = date(2008, 1, 1) + timedelta(days=int(n * 1009) % 2900)
        fields = {
            "first": FIRST[n % len(FIRST)],
            "last": LAST[(n * 5) % len(LAST)],
            "born": born.isoformat(),
            "sex": "FM"[n % 2],
        } | values
        self.people.append(Person(n, tuple(fields.values())))  # type: ignore[arg-type]
        return self.people[-1]

    def both(self) -> list[Person]:
        """Return the children who are in both of the first two files, in order."""
        return [one for one in self.people if {"welfare", "schools"} <= one.rows.keys()]

    def write_files(self) -> None:
        for party in self.near.desks:
            rows = [one.rows[party] for one in self.people if party in one.rows]
            random.Random(len(rows)).shuffle(rows)
            with self.file(party).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(
                    [("ID", "first", "last", "born", "sex"), *((at, *row) for at, row in rows)]
                )

    def file(self, party: str) -> Path:
        return self.near.folder / party / "people.csv"

    def week(self, *events: Event) -> None:
        """Let a week pass and things happen, then all jobs run; the model says what must have come of it."""
        self.near.move(days=7)
        self.near.sweep()
        for event in events:
            event(self)
        self.write_files()
        settle(self.near)
        self.compare()

    def compare(self) -> None:
        """Hold every agency's links against the model."""
        parties = [*self.near.desks]
        linked = {
            one.number: [party for party in parties if party in one.rows]
            for one in self.people
            if len(one.rows.keys() & {*parties}) > 1 and one.number not in self.unlinked
        }
        found = {party: links(desk) for party, desk in self.near.desks.items()}
        names = {one.number: one.rows for one in self.people}
        for party in parties:
            expected = {names[n][party][0] for n, where in linked.items() if party in where}
            assert found[party].keys() == expected, party
        for number, where in linked.items():
            ids = {found[party][names[number][party][0]] for party in where}
            assert len(ids) == 1
            assert self.given.setdefault(number, *ids) in ids
        assert len({*self.given.values()}) == len(self.given)

    def sign_again(self, people: list[Identity], **changes: Any) -> None:
        """Let all sign the next version of the agreement, with a new secret, and approve its runs."""
        profile = small_profile()
        following = agreement_of(terms_of(self.near), [one.public for one in people]).to_json()
        same = {"number", "previous", "epoch", "log", "project", "profile", "version"}
        told = {name: value for name, value in following.items() if name not in same}
        told |= {"epoch": self.agreement.epoch + 1, **changes}
        self.near.move(minutes=1)
        self.agreement = amend(self.near.broker, self.agreement, profile, people, **told)
        self.signers = people
        approve_runs(self.near.broker, self.agreement, people)
        self.near.move(minutes=1)
        for desk in self.near.desks.values():
            # As from counsel's sheet: who signs here for an agency may be new.
            desk.ok("agreement", "accept", self.agreement.digest())


def terms_of(near: NearBroker) -> Any:
    parties = sorted(near.desks)
    return small_terms(
        small_profile(),
        providers=tuple(parties),
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
        files=tuple(
            FileSize(party=one, least=1, most=2000 - 500 * ("schools", "welfare", "health").index(one))
            for one in parties
        ),
    )  # fmt: skip


# What happens.


def children_arrive(year: Year) -> None:
    for _ in range(3):
        arrived = year.new_person()
        arrived.enter("schools")
        arrived.enter("welfare")


def children_leave(year: Year) -> None:
    for one in year.both()[2:5]:
        year.left[one.number] = one.rows.pop("welfare")


def a_typing_error_is_corrected(year: Year) -> None:
    one = year.both()[0]
    one.edit("schools", first=f"{one.values[0]}h")


def a_family_name_changes_at_one_agency(year: Year) -> None:
    year.both()[1].edit("welfare", last="Zimmermann")


def twins_come_to_both(year: Year) -> None:
    for first, sex in (("Mia", "F"), ("Leo", "M")):
        twin = year.new_person(first=first, last="Ostrowski", born="2012-02-29", sex=sex)
        twin.enter("schools")
        twin.enter("welfare")


def a_student_id_is_mistyped(year: Year) -> None:
    year.both()[3].edit("schools", record="s999")


def the_student_id_is_right_again(year: Year) -> None:
    one = next(one for one in year.both() if one.rows["schools"][0] == "s999")
    one.edit("schools", record=f"s{one.number:03}")


def the_wrong_file_is_sent(year: Year) -> None:
    year.write_files()
    right = year.file("welfare").read_text("utf-8")
    year.file("welfare").write_text("\n".join(right.split("\n")[:6]) + "\n", "utf-8")
    assert year.schools.type("refresh").exit_code == 7
    # The job would not have sent it: so much smaller a file is to be accepted by someone.
    year.welfare.type("check", "--accept")
    year.welfare.ok("encode")
    year.welfare.ok("upload")
    year.welfare.ok("round", "--correct", "wrong-file")
    year.write_files()
    year.welfare.type("check", "--accept")


def a_link_is_disputed(year: Year) -> None:
    one = year.both()[5]
    year.welfare.ok("unlink", "--record", one.rows["welfare"][0], *REASON)
    year.unlinked.add(one.number)


def the_dispute_ends(year: Year) -> None:
    (number,) = year.unlinked
    year.welfare.ok("unlink", "--undo", "--record", year.people[number].rows["welfare"][0], *REASON)
    year.unlinked.clear()


def another_analyst_takes_over(year: Year) -> None:
    near, ann = year.near, year.near.people["welfare"]
    cleo = near.person("welfare", *EVERY_DUTY)
    card, handed = near.folder / "cleo.json", near.folder / "to-cleo.backup"
    card.write_bytes(cleo.signed.to_canonical())
    year.welfare.ok("workspace", "protect")
    fingerprint = cleo.public.fingerprint().split()
    year.welfare.ok("workspace", "custodians", str(card), *fingerprint)
    year.welfare.ok("workspace", "backup", str(handed), "--to", cleo.public.person)
    place = near.folder / "cleo"
    place.mkdir()
    lay_down_keys(place, cleo)
    desk = Desk(place, near, "welfare", now=near.now)
    made_by = ann.public.fingerprint()
    keys = ("--key-file", str(place / "identity.key"))
    desk.ok("workspace", "restore", str(handed), "--made-by", made_by, *keys)
    shutil.rmtree(year.welfare.folder / "workspace")
    near.desks["welfare"], near.people["welfare"] = desk, cleo
    year.schools.ok("people", "trust", "welfare", *fingerprint)
    year.sign_again([cleo if one is ann else one for one in year.signers])
    near.agree()
    desk.ok("round", "--ready")


def the_secret_is_replaced(year: Year) -> None:
    year.near.agree("--next")
    year.sign_again(year.signers)


def a_third_agency_joins(year: Year) -> None:
    for number in (0, 1, 6, 30, 40):
        year.people[number].enter("health")
    year.near.enrol("health")
    place = year.near.folder / "health"
    place.mkdir()
    year.near.desk("health", place, place / "people.csv", columns=COLUMNS)
    year.write_files()
    year.near.compare()
    year.sign_again([*year.signers, year.near.people["health"]])
    year.near.agree()
    # Else the week's round would be made without it.
    year.near.desks["health"].ok("round", "--ready")


def a_workspace_is_lost(year: Year) -> None:
    backup = year.near.folder / "schools.backup"
    shutil.rmtree(year.schools.folder / "workspace")
    year.schools.ok("workspace", "restore", str(backup))
    year.schools.ok("round", "--ready")


def the_workspace_is_backed_up(year: Year) -> None:
    year.schools.ok("workspace", "protect")
    year.schools.ok("workspace", "backup", str(year.near.folder / "schools.backup"))


def who_left_comes_back(year: Year) -> None:
    for number, row in year.left.items():
        year.people[number].rows["welfare"] = row
    year.left.clear()


# Each after the other, with weeks between in which nothing happens.
EVENTS: tuple[Event, ...] = (
    children_arrive,
    children_leave,
    a_typing_error_is_corrected,
    a_family_name_changes_at_one_agency,
    twins_come_to_both,
    a_student_id_is_mistyped,
    the_student_id_is_right_again,
    a_link_is_disputed,
    the_wrong_file_is_sent,
    the_dispute_ends,
    another_analyst_takes_over,
    the_secret_is_replaced,
    the_workspace_is_backed_up,
    a_workspace_is_lost,
    a_third_agency_joins,
    who_left_comes_back,
)
# The same, with more than one in a week.
BUSY_WEEKS: tuple[tuple[Event, ...], ...] = (
    (
        *(children_arrive, a_typing_error_is_corrected, children_leave),
        *(a_student_id_is_mistyped, twins_come_to_both, a_family_name_changes_at_one_agency),
    ),
    (the_student_id_is_right_again, a_link_is_disputed),
    (the_wrong_file_is_sent,),
    (the_dispute_ends, another_analyst_takes_over),
    (the_secret_is_replaced, the_workspace_is_backed_up),
    (a_workspace_is_lost,),
    (a_third_agency_joins, who_left_comes_back),
)
assert {*EVENTS} == {event for week in BUSY_WEEKS for event in week}


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    with near_broker(tmp_path) as near:
        for party in ("schools", "welfare"):
            near.enrol(party)
            (tmp_path / party).mkdir()
            near.desk(party, tmp_path / party, tmp_path / party / "people.csv", columns=COLUMNS)
        signers = [*near.people.values(), near.person(OPERATOR, "operator", "steward")]
        profile = small_profile()
        listed, log = [one.public for one in signers], near.broker.log.key.name
        agreement = agreement_of(terms_of(near), listed, log=log)
        bind(near.broker, near.operator, agreement, profile, signers)
        made = Year(near, agreement, [], signers)
        for n in range(N_PUPILS):
            person = made.new_person()
            person.enter("schools")
            if n < N_IN_CARE:
                person.enter("welfare")
        for _ in range(3):
            made.new_person().enter("welfare")
        made.write_files()
        near.compare()
        near.agree()
        yield made


@pytest.mark.parametrize(
    "weeks",
    [
        pytest.param(BUSY_WEEKS, marks=pytest.mark.long, id="busy weeks"),
        pytest.param(
            [week for event in EVENTS for week in ((), (), (event,))],
            marks=[pytest.mark.soak, pytest.mark.timeout(3600)],
            id="52 weeks",
        ),
    ],
)
def test_whoever_is_in_two_files_keeps_one_link_id_all_the_year(
    year: Year, weeks: Sequence[Sequence[Event]]
) -> None:
    year.week()
    for events in weeks:
        year.week(*events)
    year.week()
    # Everybody who was ever linked, and nobody else, has a link ID that never changed.
    assert len(year.given) >= N_IN_CARE + 5
