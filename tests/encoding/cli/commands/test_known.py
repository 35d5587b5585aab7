"""Known pairs, from the file that both agencies import to links of the next round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from rigs.desk import Desk
from rigs.near_broker import NearBroker, near_broker, two_agencies
from rigs.weeks import links, settle

from schemas.agreement.agreement import ProjectTerms

# Bo of the county is the schools' Robert: nothing but the date of birth is the same.
COUNTY = "ID,first,last,born\n7,Ana,Ortiz,2011-04-09\n8,Bo,Nguyen,2012-05-01\n"
SCHOOLS = "ID,first,last,born\np1,Ana,Ortiz,2011-04-09\np2,Robert,Tran,2012-05-01\n"


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> NearBroker:
    """Two agencies that are ready for rounds; for copies."""
    with two_agencies(tmp_path_factory.mktemp("agreed") / "broker") as near:
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")
    return near


@pytest.fixture
def near(agreed: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with near_broker(tmp_path / "broker", like=agreed) as near:
        for party, rows in (("welfare", COUNTY), ("schools", SCHOOLS)):
            folder = near.desks[party].folder
            former = str(agreed.desks[party].folder)
            settings = (folder / "blindlink.toml").read_text("utf-8")
            (folder / "blindlink.toml").write_text(settings.replace(former, str(folder)), "utf-8")
            (folder / "people.csv").write_text(rows, encoding="utf-8")
        yield near


@pytest.fixture
def desks(near: NearBroker) -> dict[str, Desk]:
    return near.desks


def test_a_pair_that_both_agencies_import_is_linked_and_keeps_its_link_id(
    near: NearBroker, welfare: Desk, schools: Desk, tmp_path: Path
) -> None:
    (tmp_path / "cw.csv").write_text("case,pupil\n8,p2\n", encoding="utf-8")
    (tmp_path / "k12.csv").write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    settle(near)
    assert links(welfare).keys() == {"7"}
    columns = ("--own-column", "case", "--partner-column", "pupil")
    welfare.ok("known", str(tmp_path / "cw.csv"), "--partner", "schools", *columns)
    near.move(days=7)
    settle(near)
    # One agency alone asserts nothing.
    assert links(welfare).keys() == {"7"}
    found = schools.json("known", str(tmp_path / "k12.csv"), "--partner", "welfare")
    assert found == {"partner": "welfare", "pairs": 1, "before": 0}
    near.move(days=7)
    settle(near)
    first = links(welfare)
    assert first.keys() == {"7", "8"}
    assert first["8"] == links(schools)["p2"]
    # From now on the link ID does it.
    for desk, partner in ((welfare, "schools"), (schools, "welfare")):
        assert "1 known pairs" in desk.ok("known", "--forget", "--partner", partner).stderr
    near.move(days=7)
    settle(near)
    assert links(welfare) == first


def test_a_pair_meets_though_one_agency_imports_it_after_an_amendment_of_who_has_the_larger_file(
    near: NearBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    (tmp_path / "cw.csv").write_text("own_id,partner_id\n8,p2\n", encoding="utf-8")
    (tmp_path / "k12.csv").write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    welfare.ok("known", str(tmp_path / "cw.csv"), "--partner", "schools")
    pair = ProjectTerms.pair
    with monkeypatch.context() as amended:
        amended.setattr(ProjectTerms, "pair", lambda *parties: pair(*parties)[::-1])
        schools.ok("known", str(tmp_path / "k12.csv"), "--partner", "welfare")
    settle(near)
    assert links(welfare).keys() == {"7", "8"}


def test_a_crosswalk_that_cannot_be_meant_is_refused_and_the_former_one_stands(
    near: NearBroker, welfare: Desk, schools: Desk, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"

    def typed(rows: str, partner: str = "schools") -> Result:
        pairs.write_text(f"own_id,partner_id\n{rows}", encoding="utf-8")
        return welfare.type("known", str(pairs), "--partner", partner)

    refused = typed("7,p1\n", "clinics")
    assert refused.exit_code != 0
    assert "an agency named clinics" in refused.output
    assert "schools" in refused.output
    # Columns that look swapped are warned of.
    swapped = "none of the record IDs in own_id is in your file people.csv"
    for rows, is_warned in (("p1,7\np2,8\n", True), ("7,p1\n70,p70\n", False), ("", False)):
        said = typed(rows)
        assert (said.exit_code, swapped in said.stderr) == (0, is_warned), rows
    # Pairs may be known before the file is there.
    away = (welfare.folder / "people.csv").rename(welfare.folder / "away.csv")
    assert "none of the record IDs" not in typed("p1,7\np2,8\n").stderr
    away.rename(welfare.folder / "people.csv")
    assert typed("8,p2\n").exit_code == 0
    crosswalks = [*(welfare.folder / "workspace").rglob("crosswalks/*")]
    kept = {path: path.read_bytes() for path in crosswalks}
    assert kept
    of_own = "row 4: the record of own_id has a different partner in an earlier row"
    for rows, told in (
        ("8,p2\n7,p1\n8,p1\n", of_own),
        ("8,p2\n7,p2\n", "gives 1 records of partner_id more than one partner"),
    ):
        result = typed(rows)
        (fault, hint) = result.stderr.splitlines()
        assert (result.exit_code, told in fault) == (3, True), fault
        assert "nothing was imported" in hint
        assert {path: path.read_bytes() for path in crosswalks} == kept
    # The pair of before is still kept.
    pairs.write_text("own_id,partner_id\np2,8\n", encoding="utf-8")
    schools.ok("known", str(pairs), "--partner", "welfare")
    settle(near)
    assert links(welfare).keys() == {"7", "8"}
