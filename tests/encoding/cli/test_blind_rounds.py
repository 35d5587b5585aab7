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

from encoding.cli.parts import outgoing_columns, sealed_links
from encoding.sharing.deliveries import join_tables
from schemas.run import IdSpace, Recipient

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
SAME = {"p1": "7", "p2": "x-3", "p4": "4"}
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
    """Both agencies, two blind recipients, and what goes between them by post."""

    def __init__(self, near: NearBroker) -> None:
        self.near = near

    def round(self, *recipients: str) -> None:
        """Let both agencies' jobs run, and send their rows to these recipients."""
        schools, welfare = self.near.desks["schools"], self.near.desks["welfare"]
        assert schools.type("refresh").exit_code == 7
        welfare.ok("refresh")
        schools.ok("refresh")
        for recipient in recipients:
            for agency, column in SHARED.items():
                self.send(agency, recipient, column)
        self.near.move(days=7)

    def send(self, agency: str, recipient: str, column: str) -> None:
        desk, there = self.near.desks[agency], self.near.desks[recipient].folder
        desk.ok(
            "extract", "--for", recipient, "--columns", column, "--to", recipient, "--force",
            "-o", str(desk.folder / "rows.sealed"),
        )  # fmt: skip
        shutil.copy(desk.folder / "rows.sealed", there / f"{agency}.rows.sealed")

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

    def open(self, recipient: str = RESEARCH) -> dict[str, dict[str, str]]:
        """Have a recipient open what it has got; returns the link ID of each row, by agency and cell."""
        there = self.near.desks[recipient].folder
        words = ["open", "--force"]
        for agency, column in SHARED.items():
            words += [str(there / f"{agency}.rows.sealed"), "--columns", column]
            words += ["-o", str(there / f"{agency}.csv")]
        self.near.desks[recipient].ok(*words)
        return {agency: rows(there / f"{agency}.csv", SHARED[agency]) for agency in SHARED}


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
            near.desks[party].ok("identity", "trust", other, *person.public.fingerprint().split())


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
        broker.desks[party].ok("round", "ready")
    return Study(broker)


def test_by_hand_too_a_withdrawn_record_is_left_out(study: Study) -> None:
    study.round()
    schools = study.near.desks["schools"]
    schools.ok("withdraw-record", "--record", "p4", "--yes")
    for agency, column in SHARED.items():
        study.send(agency, RESEARCH, column)
    opened = study.open()
    assert opened["schools"].keys() == {"7", "8", "9"}
    assert {*joined(opened).values()} == LINKED - {("4", "D")}
    # A file that is named is held to the same, and so is who else could read the columns.
    named, out = schools.folder / f"links-for-{RESEARCH}.csv", schools.folder / "out"
    words = ("extract", "--links", str(named), "--columns", "grade", "-o", str(out))
    assert schools.json(*words)["rows"] == 3
    refused = schools.type(*words, "--force", "--to", "operator-of-nothing")
    assert "no columns of schools go to operator-of-nothing" in refused.stderr


def test_by_hand_a_blind_recipient_gets_no_link_ids_of_an_agencys(study: Study) -> None:
    study.round()
    words = ("extract", "--columns", "grade", "-o", "out", "--to", RESEARCH)
    refused = study.near.desks["schools"].type(*words)
    assert (refused.exit_code, f"add --for {RESEARCH}" in refused.stderr) == (2, True)


def test_link_ids_of_a_blind_recipient_last_from_round_to_round(study: Study) -> None:
    study.round(RESEARCH)
    first = study.open()
    assert set(joined(first).values()) == LINKED
    study.round(RESEARCH)
    assert study.open() == first


@pytest.mark.long
def test_a_recipient_that_missed_rounds_finds_its_link_ids_again(study: Study) -> None:
    study.round(RESEARCH)
    first = study.open()
    study.round()
    study.round(RESEARCH)
    assert study.open() == first


@pytest.mark.long
def test_opening_the_rows_of_a_round_again_gives_the_same(study: Study) -> None:
    study.round(RESEARCH)
    assert study.open() == study.open()


@pytest.mark.long
def test_a_former_round_is_refused_once_a_later_one_was_opened(study: Study) -> None:
    study.round(RESEARCH)
    there = study.near.desks[RESEARCH].folder
    for agency in SHARED:
        shutil.copy(there / f"{agency}.rows.sealed", there / f"old-{agency}.rows.sealed")
    study.round(RESEARCH)
    kept = study.open()
    for agency in SHARED:
        shutil.copy(there / f"{agency}.rows.sealed", there / f"new-{agency}.rows.sealed")
        shutil.copy(there / f"old-{agency}.rows.sealed", there / f"{agency}.rows.sealed")
    with pytest.raises(AssertionError, match="its turn is over"):
        study.open()
    for agency in SHARED:
        shutil.copy(there / f"new-{agency}.rows.sealed", there / f"{agency}.rows.sealed")
    assert study.open() == kept


@pytest.mark.long
def test_a_child_who_is_matched_later_gets_a_link_id_and_the_others_keep_theirs(
    study: Study, tmp_path: Path
) -> None:
    study.round(RESEARCH)
    first = joined(study.open())
    more = ROWS["schools"] + "p9,Bo,Nguyen,2012-05-01,6\n"
    (tmp_path / "schools.csv").write_text(more, "utf-8")
    study.round(RESEARCH)
    second = joined(study.open())
    assert second.items() > first.items()
    assert set(second.values()) == LINKED | {("6", "B")}


@pytest.mark.long
def test_two_blind_recipients_have_nothing_to_join_by(study: Study) -> None:
    study.round(RESEARCH, BOARD)
    ids = []
    for recipient in (RESEARCH, BOARD):
        opened = study.open(recipient)
        assert set(joined(opened).values()) == LINKED
        ids.append({link for found in opened.values() for link in found.values()})
    assert not ids[0] & ids[1]


def test_no_agency_and_no_broker_holds_a_link_id_or_learns_who_was_linked(
    study: Study, tmp_path: Path
) -> None:
    study.round(RESEARCH)
    opened = study.open()
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
    first = study.open()
    study.round(RESEARCH)
    second = study.open()
    assert set(joined(second).values()) == LINKED
    for agency in SHARED:
        assert not set(first[agency].values()) & set(second[agency].values())


@pytest.mark.long
def test_rows_of_one_agency_alone_give_no_link_id(study: Study) -> None:
    study.round(RESEARCH)
    desk = study.near.desks[RESEARCH]
    path = str(desk.folder / "schools.rows.sealed")
    desk.ok("open", path, "--columns", "grade", "-o", str(desk.folder / "one.csv"))
    assert (desk.folder / "one.csv").read_text().startswith("match_id,grade\n")
    twice = ("--columns", "grade", "--columns", "grade", "-o", "a", "-o", "b")
    refused = desk.type("open", path, path, *twice)
    assert refused.exit_code == 3
    assert "from each agency once" in refused.stderr
    assert not (desk.folder / "a").exists()


@pytest.mark.long
def test_a_workspace_of_an_agency_that_is_lost_gets_the_link_ids_back(
    study: Study,
) -> None:
    study.round(RESEARCH)
    first = joined(study.open())
    welfare: Desk = study.near.desks["welfare"]
    shutil.rmtree(welfare.folder / "workspace")
    trust_others(study.near, "welfare")
    welfare.ok("round", "ready")
    study.round(RESEARCH)
    assert joined(study.open()) == first


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
    kinds = {one["kind"] for one in research.json("receipt", "verify")}
    assert "delivery-received" in kinds
    # Rows that went by hand give the same.
    for agency, column in SHARED.items():
        study.send(agency, RESEARCH, column)
    assert study.open() == first
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
    research.ok("identity", "rotate")
    schools.ok(*DELIVER)
    first = study.attach()
    assert joined_rows(research) == LINKED
    assert [one["outcome"] for one in study.said("opened")] == ["done"] * 2
    # By hand, too.
    for agency, column in SHARED.items():
        study.send(agency, RESEARCH, column)
    assert study.open() == first


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
    # While somebody is waited for, what was looked at before is not opened again.
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
            patch.setattr(sealed_links, "join_tables", tables)
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
