"""What a round changed: fifty known edits, and the reports that are to name each of them and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker, near_broker
from rigs.weeks import links, settle

Person = tuple[str, str, str]
File = dict[str, Person]

FIRST = """Amara Benedikt Chiyo Dagmar Esperanza Fyodor Gwendolyn Hamish Ingeborg Jacinta Kwabena
Ludmila"""
LAST = (
    """Abernathy Bjornstad Cholmondeley Dragomirov Echevarria Fitzwilliam Gunnarsdottir Hohenberg"""
)


def people(n: int) -> list[Person]:
    """Return people of whom no two share more than one name."""
    random = Random(7)
    names = list(product(FIRST.split(), LAST.split()))
    random.shuffle(names)
    days = random.sample(range(4000), n)
    return [
        (first, last, f"{2008 + day // 365}-{day % 12 + 1:02}-{day % 27 + 2:02}")
        for (first, last), day in zip(names, days, strict=False)
    ]


def write(path: Path, file: Mapping[str, Person]) -> None:
    rows = [("ID", "first", "last", "born"), *((key, *person) for key, person in file.items())]
    path.write_text("".join(f"{','.join(row)}\n" for row in rows), "utf-8")


def changes(desk: Desk, name: str = "changes.csv") -> list[dict[str, str]]:
    with (desk.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def told(desk: Desk) -> dict[str, tuple[str, str]]:
    return {row["record_id"]: (row["change"], row["why"]) for row in changes(desk)}


class Town:
    """Two files of the same 60 people, 10 whom welfare alone has, and 20 whom the schools alone have."""

    def __init__(self, near: NearBroker) -> None:
        everyone = people(90)
        self.welfare: File = {f"w{n:02}": everyone[n] for n in range(70)}
        self.schools: File = {f"s{n:02}": everyone[n] for n in (*range(60), *range(70, 90))}
        self.everyone = everyone
        self.near = near
        self.welfare_file = near.folder / "welfare" / "people.csv"
        self.schools_file = near.folder / "schools" / "people.csv"

    def write(self) -> None:
        write(self.welfare_file, self.welfare)
        write(self.schools_file, self.schools)


@pytest.mark.long
def test_fifty_known_edits_give_exactly_the_right_changes(tmp_path: Path) -> None:
    with near_broker(tmp_path) as near:
        for party in ("schools", "welfare"):
            near.add(party, "ID\n1\n")
        town = Town(near)
        strangers = people(95)[90:]
        # Five whom welfare has under another name and date to begin with.
        mistaken = [f"w{n:02}" for n in range(55, 60)]
        right = {key: town.welfare[key] for key in mistaken}
        town.welfare |= dict(zip(mistaken, strangers, strict=True))
        town.write()
        near.add_project()
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        settle(near)
        welfare, schools = near.desks["welfare"], near.desks["schools"]
        before = links(welfare), links(schools)
        assert before[0].keys() == {f"w{n:02}" for n in range(55)}
        assert {*told(welfare).values()} == {("new", "first-round")}
        assert told(welfare).keys() == before[0].keys()
        changed = edit(town, right)
        near.move(days=7)
        settle(near)
        after = links(welfare), links(schools)

        # Nothing else changed, and no link ID that should not have.
        assert told(welfare) == changed
        assert len(changed) + len(EDITED_IN_VAIN) == 50
        for earlier, now in zip(before, after, strict=True):
            assert {key: now[key] for key in earlier.keys() & now.keys()} == {
                key: earlier[key] for key in earlier.keys() & now.keys()
            }
        ended = {key for key, (kind, _) in changed.items() if kind == "ended"}
        new = changed.keys() - ended
        assert after[0].keys() == before[0].keys() - ended | new
        assert {*after[0].values()} == {*after[1].values()}
        for row in changes(welfare):
            shown = (row["link_id_before"], row["link_id"])
            key = row["record_id"]
            assert shown == (before[0].get(key, ""), after[0].get(key, ""))
            assert row["explanation"]


EDITED_IN_VAIN = [f"w{n:02}" for n in range(40, 46)]


def edit(town: Town, right: File) -> dict[str, tuple[str, str]]:
    """Make fifty edits, and return what `changes.csv` of welfare is to say of them."""
    welfare, schools = town.near.desks["welfare"], town.near.desks["schools"]
    said: dict[str, tuple[str, str]] = {}

    def expect(keys: Sequence[str], kind: str, why: str) -> Sequence[str]:
        said.update(dict.fromkeys(keys, (kind, why)))
        return keys

    for key in expect([f"w{n:02}" for n in range(8)], "ended", "left-the-file"):
        del town.welfare[key]
    for key in expect([f"w{n:02}" for n in range(8, 13)], "ended", "withdrawn"):
        welfare.ok("withdraw-record", "--record", key, "--yes")
    for n, key in enumerate(expect([f"x{n}" for n in range(7)], "new", "new-in-the-file")):
        town.welfare[key] = town.everyone[70 + n]
    for n, key in enumerate(expect([f"w{n:02}" for n in range(13, 19)], "ended", "edited")):
        town.welfare[key] = ("Zed", f"Nobody{chr(97 + n)}", f"2005-03-{10 + n}")
    for key in EDITED_IN_VAIN:
        first, *rest = town.welfare[key]
        town.welfare[key] = (first[:-1], *rest)  # type: ignore[assignment]
    town.welfare |= {key: right[key] for key in expect([*right], "new", "edited")}
    for key in expect([f"w{n:02}" for n in range(19, 25)], "ended", "partner-side"):
        del town.schools[f"s{key[1:]}"]
    for key in expect([f"w{n:02}" for n in range(25, 29)], "ended", "unlinked"):
        welfare.ok("unlink", "--record", key, "--reason", "Not the same child.")
    for key in expect([f"w{n:02}" for n in range(29, 32)], "ended", "unlinked"):
        schools.ok("unlink", "--record", f"s{key[1:]}", "--reason", "The parents say so.")
    town.write()
    return said


def test_who_has_no_link_is_listed_with_reasons_the_worst_data_first(
    ready_desks: NearBroker, write_people: Callable[..., Path]
) -> None:
    welfare, schools = ready_desks.desks["welfare"], ready_desks.desks["schools"]
    write_people(
        [
            ("7", "Ana", "Ortiz", "2011-04-09"),
            ("lost", "Moe", "Quinn", ""),
            ("first", "Kim", "Park", "2012-01-01"),
            ("baby", "Uma", "Rao", "2025-03-04"),
            ("fine", "Wes", "Hill", "2012-05-07"),
            ("=x", "Ida", "Dahl", "2012-06-07"),
            ("gone", "Dee", "Lee", "2015-01-15"),
            ("bad", "Eve", "May", "31.12.2010"),
        ]
    )
    pupils = [("p1", "Ana", "Ortiz", "2011-04-09"), ("p3", "Zoe", "Zinn", "2010-10-10")]
    write_people(
        [*pupils, ("p4", "Dee", "Lee", "2015-01-15"), ("p5", "Al", "Moe", "")], "pupils.csv"
    )
    welfare.ok("withdraw-record", "--record", "gone", "--in-advance", "--yes")
    skip = ("--skip-invalid", str(welfare.folder / "skipped.csv"))
    ready_desks.move(days=7)
    for _ in range(2):
        codes = [welfare.type("refresh", *skip).exit_code, schools.type("refresh").exit_code]
    assert welfare.type("refresh", *skip).exit_code == 0, codes
    rows = [(row["record_id"], row["reasons"]) for row in changes(welfare, "unmatched.csv")]
    assert rows == [
        ("bad", "not-encoded"),
        ("lost", "no-key no-birth-date"),
        ("baby", "below-school-age"),
        ("first", "default-date"),
        ("gone", "withdrawn"),
        ("'=x", ""),
        ("fine", ""),
    ]
    # The schools have the larger file: most of its pupils are in no other one.
    assert [row["record_id"] for row in changes(schools, "unmatched.csv")] == ["p5"]


def test_a_run_of_which_the_workspace_forgot_what_was_encoded_says_so(
    ready_desks: NearBroker, people: Sequence[tuple[str, ...]], write_people: Callable[..., Path]
) -> None:
    welfare = ready_desks.desks["welfare"]
    settle(ready_desks)
    write_people(people[:3])
    ready_desks.move(days=7)
    settle(ready_desks)
    for path in (welfare.folder / "workspace" / "snapshots").iterdir():
        path.unlink()
    said = welfare.ok("links")
    assert "what was encoded in round 2 is not known here" in said.stderr
    assert changes(welfare, "unmatched.csv") == []
    # That it is not in the file any more is seen all the same.
    assert told(welfare) == {"4": ("ended", "left-the-file")}
