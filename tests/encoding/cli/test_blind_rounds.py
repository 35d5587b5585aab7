"""A recipient of mode `blind` over the rounds: its link IDs last, join with no others, and tell no agency."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.searching import files_under, found_in

from encoding.project.delivering import outgoing as outgoing_columns
from encoding.project.linking import shared_links
from encoding.sharing.deliveries import join_tables
from schemas.linkage.run import IdSpace, Recipient

RESEARCH, BOARD = "research-office", "school-board"
DELIVER, ATTACH = ("refresh", "--deliver"), ("refresh", "--attach")
SHARED = {"schools": "grade", "welfare": "county"}
# Three children stand in both files, and one in each alone.
ROWS = {
    "schools": (
        "ID,first,last,born,grade\np1,Ana,Ortiz,2011-04-09,7\np2,Chloé,O'Neal,2010-12-31,8\n"
        "p3,Zoe,Zinn,2010-10-10,9\np4,Dee,Lee,2015-01-15,4\n"
    ),
    "welfare": (
        "ID,first,last,born,county\n7,Ana,Ortiz,2011-04-09,A\n07,Bo,Nguyen,2012-05-01,B\n"
        "x-3,Chloé,O'Neal,2010-12-31,C\n4,Dee,Lee,2015-01-15,D\n"
    ),
}
LINKED = {("7", "A"), ("8", "C"), ("4", "D")}


def blind_terms(lifetime: str = "lasting") -> dict[str, Any]:
    named = ((RESEARCH, "research"), (BOARD, "board"))
    return {
        "recipients": tuple(Recipient(party=p, mode="blind", space=s) for p, s in named),
        "spaces": tuple(IdSpace(name=s, lifetime=lifetime) for _, s in named),  # type: ignore[arg-type]
    }


@pytest.fixture
def terms() -> dict[str, Any]:
    return blind_terms()


class Study:
    """Both agencies, and two blind recipients."""

    def __init__(self, near: NearBroker) -> None:
        self.near = near

    def round(self, *recipients: str) -> None:
        """Let both agencies' jobs run, and send their rows to these recipients."""
        schools, welfare = self.near.desks["schools"], self.near.desks["welfare"]
        assert schools.type("refresh").exit_code == 7
        welfare.ok("refresh")
        schools.ok("refresh")
        for recipient in recipients:
            for agency in SHARED:
                self.near.desks[agency].ok("deliver", recipient)
        self.near.move(days=7)

    def deliver(self) -> None:
        """Let both agencies' jobs run, each ending with its columns at the broker."""
        schools, welfare = self.near.desks["schools"], self.near.desks["welfare"]
        assert schools.type(*DELIVER).exit_code == 7
        welfare.ok(*DELIVER)
        schools.ok(*DELIVER)

    def attach(self, recipient: str = RESEARCH) -> dict[str, dict[str, str]]:
        """Let a recipient's job run; returns the link ID of each row, by agency and cell."""
        there = self.near.desks[recipient].folder
        self.near.desks[recipient].ok(*ATTACH)
        return {agency: rows(there / f"from-{agency}.csv", SHARED[agency]) for agency in SHARED}

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Return the log's entries of this kind about deliveries, in order."""
        return [one for one in self.near.log_entries() if one["kind"] == f"delivery-{kind}"]


def rows(path: Path, column: str) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row[column]: row["link_id"] for row in csv.DictReader(file)}


def joined(opened: dict[str, dict[str, str]]) -> dict[str, tuple[str, str]]:
    """Return grade and county of each link ID that both files have."""
    grade_of, county_of = ({link: cell for cell, link in opened[a].items()} for a in SHARED)
    return {link: (grade_of[link], county_of[link]) for link in grade_of.keys() & county_of.keys()}


def trust_others(near: NearBroker, party: str) -> None:
    for other, person in near.people.items():
        if other != party:
            near.desks[party].ok("people", "trust", other, *person.public.fingerprint().split())


@pytest.fixture
def study(bare_broker: NearBroker, terms: dict[str, Any], tmp_path: Path, secret: Any) -> Study:
    broker = bare_broker
    for party in (RESEARCH, BOARD):
        broker.enrol(party)
    elements = [{"party": one, "name": SHARED[one], "use": "shared"} for one in sorted(SHARED)]
    broker.add_project(clauses={"elements": elements}, **terms)
    for party, text in ROWS.items():
        file = tmp_path / f"{party}.csv"
        file.write_text(text, "utf-8")
        broker.desk(party, tmp_path / party, file, secret, share={"columns": [SHARED[party]]})
    for party in (RESEARCH, BOARD):
        broker.desk(party, tmp_path / party, tmp_path / "none.csv")
        trust_others(broker, party)
    for party in ROWS:
        trust_others(broker, party)
        broker.desks[party].ok("round", "--ready")
    return Study(broker)


def test_link_ids_of_a_blind_recipient_last_from_round_to_round(study: Study) -> None:
    study.round(RESEARCH)
    first = study.attach()
    assert set(joined(first).values()) == LINKED
    study.round(RESEARCH)
    assert study.attach() == first


@pytest.mark.long
def test_a_recipient_that_missed_rounds_finds_its_link_ids_again(study: Study) -> None:
    study.round(RESEARCH)
    first = study.attach()
    study.round()
    study.round(RESEARCH)
    assert study.attach() == first


@pytest.mark.long
def test_a_child_who_is_matched_later_gets_a_link_id_and_the_others_keep_theirs(
    study: Study, tmp_path: Path
) -> None:
    study.round(RESEARCH)
    first = joined(study.attach())
    more = ROWS["schools"] + "p9,Bo,Nguyen,2012-05-01,6\n"
    (tmp_path / "schools.csv").write_text(more, "utf-8")
    study.round(RESEARCH)
    second = joined(study.attach())
    assert second.items() > first.items()
    assert set(second.values()) == LINKED | {("6", "B")}


@pytest.mark.long
def test_two_blind_recipients_have_nothing_to_join_by(study: Study) -> None:
    study.round(RESEARCH, BOARD)
    ids = []
    for recipient in (RESEARCH, BOARD):
        opened = study.attach(recipient)
        assert set(joined(opened).values()) == LINKED
        ids.append({link for found in opened.values() for link in found.values()})
    assert not ids[0] & ids[1]


def test_no_agency_and_no_broker_holds_a_link_id_or_learns_who_was_linked(
    study: Study, tmp_path: Path
) -> None:
    study.round(RESEARCH)
    opened = study.attach()
    told = {link: bytes.fromhex(link) for found in opened.values() for link in found.values()}
    linked = {link: told[link] for link in joined(opened)}
    for party in SHARED:
        assert not found_in(files_under(study.near.desks[party].folder), linked)
    assert not found_in(files_under(tmp_path / "broker"), told)
    seen = b"\n".join(study.near.courier.seen)
    assert not found_in([("the wire", seen)], told)


@pytest.mark.parametrize("terms", [blind_terms("round")])
@pytest.mark.long
def test_where_link_ids_are_agreed_to_be_new_in_each_round_nothing_follows_a_record(
    study: Study,
) -> None:
    study.round(RESEARCH)
    first = study.attach()
    study.round(RESEARCH)
    second = study.attach()
    assert set(joined(second).values()) == LINKED
    for agency in SHARED:
        assert not set(first[agency].values()) & set(second[agency].values())


@pytest.mark.long
def test_a_workspace_of_an_agency_that_is_lost_gets_the_link_ids_back(
    study: Study,
) -> None:
    study.round(RESEARCH)
    first = joined(study.attach())
    welfare: Desk = study.near.desks["welfare"]
    shutil.rmtree(welfare.folder / "workspace")
    trust_others(study.near, "welfare")
    welfare.ok("round", "--ready")
    study.round(RESEARCH)
    assert joined(study.attach()) == first


# By the broker.


def joined_rows(desk: Desk) -> set[tuple[str, ...]]:
    """Return the cells of the joined file, without link IDs."""
    with (desk.folder / "joined.csv").open(encoding="utf-8", newline="") as file:
        header, *found = csv.reader(file)
    assert header == ["link_id", "grade", "county"]
    return {tuple(row[1:]) for row in found}


def test_columns_go_to_blind_recipients_by_the_broker_and_their_jobs_join_them(
    study: Study, tmp_path: Path
) -> None:
    research = study.near.desks[RESEARCH]
    early = research.type(*ATTACH)
    assert (early.exit_code, "no round has been closed" in early.stderr) == (7, True)
    study.deliver()
    first = study.attach()
    assert joined_rows(research) == LINKED
    assert set(joined(first).values()) == LINKED
    assert [len(first[agency]) for agency in SHARED] == [4, 4]
    # The other recipient has other link IDs, and has not fetched anything yet.
    assert not {*first["schools"].values()} & {*study.attach(BOARD)["schools"].values()}
    fetched = [(one["actor"]["party"], one["outcome"]) for one in study.said("opened")]
    assert sorted(fetched) == [(one, "done") for one in (RESEARCH, RESEARCH, BOARD, BOARD)]
    # The size tells of no match, and nobody but the recipient holds a link ID.
    assert {one["body"]["size_bytes"] // 65536 for one in study.said("received")} == {1}
    told = {link: bytes.fromhex(link) for found in first.values() for link in found.values()}
    assert not found_in(files_under(tmp_path / "broker"), told)
    assert not found_in([("the wire", b"\n".join(study.near.courier.seen))], told)
    # Nothing is done twice.
    before = study.near.log_kinds()
    for party in SHARED:
        assert {one["new"] for one in study.near.desks[party].json(*DELIVER)["delivered"]} == {
            False
        }
    assert study.attach() == first
    assert not [one for one in study.near.log_kinds()[len(before) :] if "delivery" in one]
    kinds = {one["kind"] for one in research.json("receipts")}
    assert "delivery-received" in kinds
    named = research.type("destroy", "--local", typed="no\n").output
    for name in ("joined.csv", "from-schools.csv", "welfare.incoming"):
        assert name in named, name
    assert "2 deliveries" in study.near.desks["schools"].ok("destroy", "--yes").stderr
    result = research.type("attach")
    assert (result.exit_code, "was destroyed" in result.stderr) == (7, True)


def test_keys_that_a_recipient_replaces_in_the_middle_of_a_round_do_not_lose_it(
    study: Study,
) -> None:
    """Match IDs are sealed once, when the run ends: no later delivery has them for newer keys."""
    schools, welfare, research = (study.near.desks[one] for one in (*SHARED, RESEARCH))
    assert schools.type(*DELIVER).exit_code == 7
    welfare.ok(*DELIVER)
    research.ok("people", "rotate")
    schools.ok(*DELIVER)
    study.attach()
    assert joined_rows(research) == LINKED
    assert [one["outcome"] for one in study.said("opened")] == ["done"] * 2


def test_match_ids_that_could_not_be_written_are_fetched_again_another_night(
    study: Study, tmp_path: Path
) -> None:
    schools, welfare, research = (study.near.desks[one] for one in (*SHARED, RESEARCH))
    assert schools.type(*DELIVER).exit_code == 7
    welfare.ok(*DELIVER)
    file = tmp_path / "schools.csv"
    away = file.rename(tmp_path / "away.csv")
    result = schools.type(*DELIVER)
    assert result.exit_code == 3, result.stderr
    away.rename(file)
    schools.ok(*DELIVER)
    study.attach()
    assert joined_rows(research) == LINKED


@pytest.mark.long
def test_what_cannot_be_joined_is_refused_and_nothing_that_is_said_tells_who_is_linked(
    study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schools, welfare, research = (study.near.desks[one] for one in (*SHARED, RESEARCH))

    def refused(words: str, code: int, fault: str | None = None) -> None:
        result = research.type("attach")
        assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
        assert not (research.folder / "joined.csv").exists()
        if fault is not None:
            assert study.said("opened")[-1]["body"]["fault"] == fault

    study.round()
    schools.ok("deliver", RESEARCH)
    refused("welfare has delivered nothing for round 1 yet", 7)
    assert [one["outcome"] for one in study.said("opened")] == ["done"]
    with monkeypatch.context() as patch:
        patch.setattr(outgoing_columns, "_columns", lambda *_: ("county", "last"))
        welfare.ok("deliver", RESEARCH)
        welfare.ok("deliver", BOARD)
    refused("1 columns that the agreement does not let it hand over", 1, "not-agreed")
    # While someone is waited for, what was looked at before is not opened again.
    for words in ("was not joined", "; what welfare has delivered could not be used"):
        result = study.near.desks[BOARD].type("attach")
        assert result.exit_code == 7
        assert "schools has delivered nothing for round 1 yet" in result.stderr
        assert words in result.stderr
    assert "was not joined" not in result.stderr

    def of_another_round(tables: list[Path], rows: Path) -> None:
        (table,) = tables
        table.write_bytes(table.read_bytes().replace(b'"round":1', b'"round":2'))
        join_tables(tables, rows)

    for tables, words, code, fault in (
        (lambda _, rows: rows.write_bytes(b"2\nx\n"), "does not hold rows", 1, "not-agreed"),
        (of_another_round, "its match IDs cannot be opened", 1, "unreadable"),
        (lambda one, rows: join_tables([*one, *one], rows), "the rows of other runs", 9, "not-as-stated"),
    ):  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(shared_links, "join_tables", tables)
            welfare.ok("deliver", RESEARCH)
        refused(words, code, fault)
    assert "could not use delivery 4 of round 1" in welfare.ok("deliver", RESEARCH).stderr
    first = study.attach()
    assert joined_rows(research) == LINKED
    # The newest counts, whichever rows it has.
    whole = (tmp_path / "schools.csv").read_text("utf-8")
    (tmp_path / "schools.csv").write_text(
        whole.replace("p2,Chloé,O'Neal,2010-12-31,8\n", ""), "utf-8"
    )
    schools.ok("deliver", RESEARCH)
    study.attach()
    assert joined_rows(research) == LINKED - {("8", "C")}
    (tmp_path / "schools.csv").write_text(whole, "utf-8")
    schools.ok("deliver", RESEARCH)
    assert study.attach() == first
    schools.ok("withdraw-record", "--record", "p4", "--yes")
    # The next round waits for the other agency, and what is left is delivered by the one before.
    assert schools.type(*DELIVER).exit_code == 7
    study.attach()
    assert joined_rows(research) == LINKED - {("4", "D")}
    assert [one["outcome"] for one in study.said("opened")[-4:]] == ["done"] * 4
    for words in (("attach", "schools"), ("deliver", "schools")):
        result = research.type(*words)
        assert (result.exit_code, "schools" in result.stderr) == (1, True)
    shutil.rmtree(research.folder / "workspace")
    trust_others(study.near, RESEARCH)
    result = research.type("attach")
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    for name in ("from-schools.csv", "from-welfare.csv", "joined.csv"):
        (research.folder / name).unlink()
    study.attach()
    assert joined_rows(research) == LINKED - {("4", "D")}
