"""Known pairs, from the file that both agencies import to links of the next round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.near_broker import NearBroker, two_agencies
from rigs.weeks import links, settle

from schemas.agreement import ProjectTerms

# Bo of the county is the schools' Robert: nothing but the date of birth is the same.
COUNTY = "ID,first,last,born\n7,Ana,Ortiz,2011-04-09\n8,Bo,Nguyen,2012-05-01\n"
SCHOOLS = "ID,first,last,born\np1,Ana,Ortiz,2011-04-09\np2,Robert,Tran,2012-05-01\n"


@pytest.fixture
def near(tmp_path: Path) -> Iterator[NearBroker]:
    with two_agencies(tmp_path) as near:
        near.compare()
        near.agree()
        for party, rows in (("welfare", COUNTY), ("schools", SCHOOLS)):
            desk = near.desks[party]
            (desk.folder / "people.csv").write_text(rows, encoding="utf-8")
            desk.ok("round", "ready")
        yield near


def test_a_pair_that_both_agencies_import_is_linked_and_keeps_its_link_id(
    near: NearBroker, tmp_path: Path
) -> None:
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    (tmp_path / "cw.csv").write_text("case,pupil\n8,p2\n", encoding="utf-8")
    (tmp_path / "k12.csv").write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    settle(near)
    assert links(welfare).keys() == {"7"}
    columns = ("--own-column", "case", "--partner-column", "pupil")
    welfare.ok("known", "import", str(tmp_path / "cw.csv"), "--partner", "schools", *columns)
    near.move(days=7)
    settle(near)
    # One agency alone asserts nothing.
    assert links(welfare).keys() == {"7"}
    found = schools.json("known", "import", str(tmp_path / "k12.csv"), "--partner", "welfare")
    assert found == {"partner": "welfare", "pairs": 1, "before": 0}
    near.move(days=7)
    settle(near)
    first = links(welfare)
    assert first.keys() == {"7", "8"}
    assert first["8"] == links(schools)["p2"]
    # From now on the link ID does it.
    for desk, partner in ((welfare, "schools"), (schools, "welfare")):
        assert "1 known pairs" in desk.ok("known", "forget", "--partner", partner).stderr
    near.move(days=7)
    settle(near)
    assert links(welfare) == first


def test_a_pair_meets_though_one_agency_imports_it_after_an_amendment_of_who_has_the_larger_file(
    near: NearBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    (tmp_path / "cw.csv").write_text("own_id,partner_id\n8,p2\n", encoding="utf-8")
    (tmp_path / "k12.csv").write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    welfare.ok("known", "import", str(tmp_path / "cw.csv"), "--partner", "schools")
    pair = ProjectTerms.pair
    with monkeypatch.context() as amended:
        amended.setattr(ProjectTerms, "pair", lambda *parties: pair(*parties)[::-1])
        schools.ok("known", "import", str(tmp_path / "k12.csv"), "--partner", "welfare")
    settle(near)
    assert links(welfare).keys() == {"7", "8"}


@pytest.mark.parametrize(
    ("rows", "is_warned"),
    [("p1,7\np2,8\n", True), ("7,p1\n70,p70\n", False), ("", False)],
    ids=["swapped", "as they are", "none"],
)
def test_columns_that_look_swapped_are_warned_of(
    near: NearBroker, tmp_path: Path, rows: str, is_warned: bool
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f"own_id,partner_id\n{rows}", encoding="utf-8")
    welfare = near.desks["welfare"]
    said = welfare.ok("known", "import", str(pairs), "--partner", "schools").stderr
    assert ("none of the record IDs in own_id is in your file people.csv" in said) == is_warned
    # Pairs may be known before the file is there.
    (welfare.folder / "people.csv").unlink()
    said = welfare.ok("known", "import", str(pairs), "--partner", "schools").stderr
    assert "none of the record IDs" not in said


def test_a_partner_that_the_agreement_does_not_name_is_refused(
    near: NearBroker, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("own_id,partner_id\n7,p1\n", encoding="utf-8")
    refused = near.desks["welfare"].type("known", "import", str(pairs), "--partner", "clinics")
    assert refused.exit_code != 0
    assert "an agency named clinics" in refused.output
    assert "schools" in refused.output


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "8,p2\n7,p1\n8,p1\n",
            "row 4: the record of own_id has a different partner in an earlier row",
        ),
        ("8,p2\n7,p2\n", "gives 1 records of partner_id more than one partner"),
    ],
    ids=["of the own file", "of the partner"],
)
def test_a_crosswalk_that_gives_a_record_two_partners_is_refused_and_the_former_one_stands(
    near: NearBroker, tmp_path: Path, rows: str, said: str
) -> None:
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    settle(near)
    before = links(welfare)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("own_id,partner_id\n8,p2\n", encoding="utf-8")
    welfare.ok("known", "import", str(pairs), "--partner", "schools")
    crosswalks = [*(welfare.folder / "workspace").rglob("crosswalks/*")]
    kept = {path: path.read_bytes() for path in crosswalks}
    assert kept
    pairs.write_text(f"own_id,partner_id\n{rows}", encoding="utf-8")
    refused = welfare.type("known", "import", str(pairs), "--partner", "schools")
    (fault, hint) = refused.stderr.splitlines()
    assert (refused.exit_code, said in fault) == (3, True), fault
    assert "nothing was imported" in hint
    assert {path: path.read_bytes() for path in crosswalks} == kept
    assert links(welfare) == before
    # The pair of before is still kept.
    pairs.write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    schools.ok("known", "import", str(pairs), "--partner", "welfare")
    near.move(days=7)
    settle(near)
    assert links(welfare).keys() == {"7", "8"}
