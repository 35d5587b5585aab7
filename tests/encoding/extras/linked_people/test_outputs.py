"""Tables and frozen files: docs/outputs.md typed as it stands there, and what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.desk import NOW, Desk
from rigs.near_broker import PROJECT, NearBroker, near_broker

pytest.importorskip("highspy", reason="the extra tables is not installed")
from twins.table_reader import TableReader

from encoding.extras.export.statuses import KeptStatuses
from encoding.extras.freeze import freezing
from encoding.extras.linked_people.people import census
from encoding.project.session import Session
from encoding.sharing.kept_deliveries import KeptDeliveries, KeptDelivery
from encoding.workspace.config import read_config, render_config
from schemas.linkage.run import IdSpace, Recipient

GUIDE = (Path(__file__).parents[4] / "docs/outputs.md").read_text("utf-8")
BLOCK = re.compile(r"(?:<!-- (\S+) -->\n)?```sh\n(.*?)```", re.DOTALL)
OFFICE = "research-office"
COLUMNS = {
    "shared": {
        "schools": ("Grade", "School", "District", "Bus"),
        "welfare": ("Placement", "Removed", "Returned"),
    },
    # Child welfare may count by its own county, and hand it over to nobody.
    "counted": {
        "schools": ("Grade", "School", "District", "Room"),
        "welfare": ("Placement", "County"),
    },
    "encoded": {"schools": ("Birth date",)},
}
ELEMENTS = [
    {"party": party, "name": name, "use": use}
    for use, parties in COLUMNS.items()
    for party, names in parties.items()
    for name in names
]
Rows = list[tuple[str, ...]]


def put(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def lay_out_pupils(schools: Path) -> None:
    """Write the schools' file of four pupils, two of whom are linked, with the dates that have come of them."""
    put(
        schools / "people.csv",
        [("ID", "district"), ("p1", "7"), ("p2", "8"), ("p3", "8"), ("p4", "8")],
    )
    put(schools / "links.csv", [("record_id", "link_id"), ("p1", "1" * 32), ("p3", "3" * 32)])
    dates: Rows = [("ID", "removed", "returned", "reason"), ("p1", "2026-03-04", "", "")]
    dates += [("p1", "2025-01-02", "2025-08-09", ""), ("p3", "2026-09-01", "2026-11-02", "")]
    put(schools / "with-welfare.csv", dates)


def lay_out(welfare: Path, office: Path) -> None:
    """Write the files of 300 children, 225 of whom are linked, as earlier commands leave them."""
    draw = random.Random(7)
    children: Rows = [("ID", "first", "placement", "grade", "county")]
    links: Rows = [("record_id", "link_id")]
    attached: Rows = [("ID", "district", "school", "grade", "born", "bus", "room")]
    opened: dict[str, Rows] = {
        "schools": [("link_id", "grade")],
        "welfare": [("link_id", "placement")],
    }
    for n in range(300):
        placement = draw.choices(["kin", "group home", "foster home", "=SUM(1)"], [50, 9, 60, 20])[
            0
        ]
        children.append((f"c{n}", "Ana", placement, "unknown", f"county {n % 3}"))
        opened["welfare"].append((f"{n:032x}", placement))
        if n % 4 == 0:
            continue
        school = draw.choices(range(6), [6, 5, 3, 2, 1, 1])[0]
        grade = str(draw.randint(9, 12))
        links.append((f"c{n}", f"{n:032x}"))
        attached.append((f"c{n}", f"d{school % 2}", f"s{school}", grade, "2012-01-01", "7", "1"))
        opened["schools"].append((f"{n:032x}", grade))
    attached.append(("c1", "d1", "s99", "9", "2012-01-01", "7", "1"))
    put(welfare / "people.csv", children)
    put(welfare / "links.csv", links)
    put(welfare / "with-schools.csv", attached)
    for party, rows in opened.items():
        put(office / f"{party}.csv", rows)


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NearBroker]:
    with near_broker(tmp_path_factory.mktemp("outputs") / "broker") as made:
        for party in ("schools", "welfare", OFFICE):
            made.add(party, "ID\n")
        made.add_project(
            clauses={"elements": ELEMENTS},
            floor=10,
            most_ended="0.1",
            recipients=(
                Recipient(party=OFFICE, mode="blind", space="study"),
                Recipient(party="schools", mode="linked", space="shared"),
                Recipient(party="welfare", mode="linked", space="shared"),
            ),
            spaces=(
                IdSpace(name="shared", lifetime="lasting"),
                IdSpace(name="study", lifetime="lasting"),
            ),
        )
        for party in ("schools", "welfare", OFFICE):
            made.desks[party].ok("status")
        lay_out_pupils(made.desks["schools"].folder)
        settings = made.desks[OFFICE].folder / "blindlink.toml"
        sections = read_config(settings).sections.model_copy(update={"input": None})
        settings.write_text(render_config(sections), "utf-8")
        lay_out(made.desks["welfare"].folder, made.desks[OFFICE].folder)
        yield made


@pytest.fixture
def welfare(near: NearBroker, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(near.desks["welfare"].folder)
    return near.desks["welfare"]


@pytest.fixture
def schools(near: NearBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = near.desks["schools"]
    monkeypatch.chdir(desk.folder)
    shutil.rmtree("workspace/exports", ignore_errors=True)
    yield desk
    shutil.rmtree("workspace/exports", ignore_errors=True)
    for written in Path().glob("out*"):
        written.unlink()
    lay_out_pupils(desk.folder)


@pytest.fixture
def office(near: NearBroker, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(near.desks[OFFICE].folder)
    return near.desks[OFFICE]


def is_safe(reader: TableReader) -> bool:
    """Tell whether no count of a file that is not shown is known to within less than the floor."""
    ends = [reader.range(labels) for labels in reader.not_shown]
    return all(most - least >= 10 for least, most in ends)


def test_the_guide_is_typed_to_its_end(near: NearBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, said = near.desks["welfare"], []
    for mark, block in BLOCK.findall(GUIDE):
        desk = near.desks.get(mark, near.desks["welfare"])
        if re.fullmatch(r"[\d-]+", mark):
            near.move(days=(date.fromisoformat(mark) - near.now.date()).days)
        monkeypatch.chdir(desk.folder)
        for line in block.splitlines():
            program, command, *words = shlex.split(line)
            assert program == "blindlink"
            done = desk.ok(command, *words, *(["--yes"] if command == "destroy" else []))
            said.append((command, done.stdout + done.stderr))
            if command == "tabulate":
                reader = TableReader(Path(words[-1]))
                assert f"{reader.n_people} people" in Path(words[-1]).with_suffix(
                    ".html"
                ).read_text("utf-8")
                assert reader.n_people == 225
                assert is_safe(reader)
            if command == "freeze" and words != ["--list"]:
                frozen = Path(words[-1]).read_bytes()
    near.move(days=(NOW - near.now).days)
    assert "2 students: 2 started" in dict(said)["export"]
    told = [text for command, text in said if command in ("freeze", "status")]
    assert len(said) == 11
    digest = hashlib.sha256(frozen).hexdigest()
    # One child has two schools, but they are not frozen.
    assert "kin-care: 225 rows, as of 2026-11-20, to be kept until 2027-06-30" in told[1]
    assert f"SHA-256 {digest}" in told[1]
    assert frozen.startswith(b"link_id,placement,grade\n")
    assert not re.search(rb"\bc\d+\b", frozen)
    late = (
        "Overdue, in your hands (duty analyst): The file that was frozen for kin-care could be kept until"
        " 2027-06-30, and has not been destroyed."
    )
    assert f"{late} Next: blindlink destroy --local --frozen kin-care\n" in told[2]
    assert "destroyed on 2027-07-05" in told[3]
    desk = near.desks["welfare"]
    assert not (desk.folder / "kin-care.csv").exists()
    assert (desk.folder / "links.csv").exists()
    (statement,) = (desk.folder / "workspace/statements").iterdir()
    stated = json.loads(statement.read_text("utf-8"))["said"]
    assert [(one["what"], one["sha256"]) for one in stated["deleted"]] == [("link-table", digest)]
    assert "link-table" not in stated["none_left"]


def test_what_the_guide_says_of_messages_is_said() -> None:
    said = "".join(
        path.read_text("utf-8")
        for folder in ("extras", "project")
        for path in (Path(__file__).parents[4] / "encoding" / folder).rglob("*.py")
    )
    told = re.findall(
        r"^\| `([^`]+)` \|", GUIDE.split("## If something goes wrong")[1], re.MULTILINE
    )
    assert len(told) == 19
    for message in told:
        for part in re.split(r" ?\.\.\. ?", message):
            assert part in said


def test_a_table_counts_each_person_once_and_states_how_much_is_left_out(welfare: Desk) -> None:
    said = welfare.json("tabulate", "--by", "placement", "-o", "one.csv")
    assert said["cells_not_shown"] == len(TableReader(Path("one.csv")).not_shown)
    # Not how much is small.
    assert said.keys() == {
        "project", "party", "agreement", "number", "purpose", "round", "day", "floor", "columns", "people",
        "cells", "cells_not_shown", "share_not_shown", "least_possible", "cells_attacked", "cells_recovered",
        "file", "page",
    }  # fmt: skip
    assert (said["floor"], said["day"], said["people"]) == (10, "2026-11-20", 225)
    welfare.ok("tabulate", "--by", "school,placement", "--from", "schools", "-o", "two.csv")
    labels = {name for one in TableReader(Path("two.csv")).counts for name in one}
    # A person of two schools, and a formula that is made harmless.
    assert {"(several)", "'=SUM(1)"} <= labels
    assert "s99" not in labels


NOT_COUNTED = (
    ("--by first", 2, "the agreement does not list first among the columns of welfare to count by"),
    ("--by bus --from schools", 2, "does not list bus among the columns of schools to count by"),
    ("--by room --from schools", 2, "does not list room among the columns of schools to count by"),
    ("--by nope --from schools", 3, "no file of welfare or schools has the column nope"),
    ("--by placement --from operator", 2, "have no column of operator beside link IDs"),
    ("--by placement --within school", 2, "invalid value for --within"),
    ("--by placement --within school=district", 3, "names the column school, by which"),
    ("--by placement,placement", 3, "the column placement would be counted by twice"),
    ("--by placement --as-of 3", 1, "no links of round 3 were written here"),
    ("--by placement --floor 226", 3, "fewer than 226 people are counted"),
    ("--by placement --from schools=gone.csv", 3, "there is no file gone.csv"),
    ("--by placement --links people.csv", 3, "people.csv is not a file of links"),
    ("--by placement --from schools=people2.csv", 3, "has neither link IDs nor your record IDs"),
)


def test_what_cannot_be_counted_is_refused_and_nothing_is_written(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("people2.csv").write_text("number,grade\n1,9\n", "utf-8")

    def refused(message: str, status: int, *words: str, to: str = "refused.csv") -> None:
        done = welfare.type("tabulate", *words, "-o", to)
        assert (done.exit_code, message in done.stderr) == (status, True), (words, done.stderr)
        assert not list(Path().glob("refused.*"))

    for words, status, message in NOT_COUNTED:
        refused(message, status, *words.split())
    placement = ("--by", "placement")
    refused("the file people.csv is there already", 1, *placement, to="people.csv")
    refused("name a .csv", 2, *placement, to="t.html")
    with monkeypatch.context() as later:
        later.setattr(welfare, "now", welfare.now.replace(year=2029))
        refused("agreement 1 ended on 2027-12-31", 1, *placement)
    # Without the package the extra is named.
    monkeypatch.setattr("encoding.extras.tabulate.commands.find_spec", lambda _: None)
    refused("hint: in Blindlink's folder: pip install '.[tables]'", 1, *placement)


def test_a_column_that_is_counted_alone_makes_a_table_and_goes_nowhere(welfare: Desk) -> None:
    welfare.ok("tabulate", "--by", "county", "-o", "counties.csv")
    assert TableReader(Path("counties.csv")).n_people == 225
    settings = Path("blindlink.toml")
    before, sections = settings.read_text("utf-8"), read_config(settings).sections
    share = sections.share.model_copy(update={"columns": ("county",)})
    settings.write_text(render_config(sections.model_copy(update={"share": share})), "utf-8")
    given = welfare.type("deliver", "schools")
    settings.write_text(before, "utf-8")
    assert (given.exit_code, "nothing was delivered to schools" in given.stderr) == (1, True)


def test_files_that_are_sealed_are_opened_together(near: NearBroker, office: Desk) -> None:
    Path("again").mkdir()
    fingerprint = near.people[OFFICE].public.fingerprint().split()
    sealed = [Path("schools.csv.sealed"), Path("again/schools.csv.sealed")]
    for party, path in zip(("schools", "welfare"), sealed, strict=True):
        near.desks[party].ok("people", "trust", OFFICE, *fingerprint)
        near.desks[party].ok("seal", f"{party}.csv", "--to", OFFICE, "-o", str(path.absolute()))
    words = ("tabulate", "--by", "grade,placement", "-o")
    office.ok(*words, "open.csv", "--from", "schools=schools.csv", "--from", "welfare=welfare.csv")
    received = (f"schools={sealed[0]}", "--from", f"welfare={sealed[1]}")
    office.ok(*words, "sealed.csv", "--from", *received)
    assert Path("sealed.csv").read_bytes() == Path("open.csv").read_bytes()
    assert not Path("workspace/scratch").exists()


def test_who_receives_no_matches_of_its_own_counts_two_files_of_one_round_and_exports_none(
    office: Desk,
) -> None:
    done = office.type("export", "--for", "ceds", "--organization", "1", "-o", "out.csv")
    assert "the agreement gives this party no matches of its own records" in done.stderr
    done = office.type("tabulate", "--by", "grade", "--from", "schools=schools.csv", "-o", "x.csv")
    assert "it takes two files to see who is linked" in done.stderr
    words = ("tabulate", "--by", "grade,placement", "-o", "rounds.csv", "--force")
    received = ("--from", "schools=schools.csv", "--from", "welfare=welfare.csv")
    session = Session(config_path=office.folder / "blindlink.toml")
    for party, number in (("schools", 1), ("welfare", 2)):
        kept = KeptDelivery(
            delivery=f"dlv-{number:032}",
            round=2,
            number=1,
            sha256="0" * 64,
            outputs=(str(office.folder / f"{party}.csv"),),
            written=number,
        )
        with session.workspace.lock():
            KeptDeliveries(session.workspace, PROJECT, party).keep_received(kept)
    refused = office.type(*words, *received)
    told = "what schools has delivered here is of round 1, and the link IDs to join it with are of round 2"
    assert (refused.exit_code, told in refused.stderr) == (1, True), refused.stderr
    assert told in office.ok(*words, *received, "--other-round").stderr
    shutil.rmtree(office.folder / "workspace/deliveries")


FREEZE = ("freeze", "study-2", "--why", "IRB 1", "--columns", "placement", "--until", "2027-01-31")


NOT_FROZEN = (
    ((*FREEZE, "-o", "f.csv", "--until", "2026-11-19"), 2, "give a day from today to 2099"),
    ((*FREEZE, "-o", "f.csv", "--until", "2100-01-01"), 2, "wants everything destroyed"),
    ((*FREEZE, "-o", "f.csv", "--columns", "placement,first"), 2, "the agreement does not list first"),
    ((*FREEZE, "-o", "f.csv", "--columns", "county"), 2, "county among the columns that welfare shares"),
    (FREEZE, 2, "name the study, --why, --columns, --until and -o"),
    (("freeze", "Study 2", *FREEZE[2:], "-o", "f.csv"), 2, "lowercase letters, digits and hyphens"),
    ((*FREEZE, "-o", "people.csv"), 1, "the file people.csv is there already"),
    (("freeze", "study-2", "--list"), 2, "give either a study or --list"),
    (("destroy", "--local", "--frozen", "nothing"), 1, "nothing was frozen here for nothing"),
    (("destroy", "--frozen", "study-2"), 2, "need --local"),
)  # fmt: skip


def test_what_cannot_be_frozen_is_refused(welfare: Desk) -> None:
    for words, status, message in NOT_FROZEN:
        done = welfare.type(*words)
        assert (done.exit_code, message in done.stderr) == (status, True), (words, done.stderr)
        assert not Path("f.csv").exists(), words


DESTROY = ("destroy", "--local", "--yes", "--offline", "--frozen")


def destroyed_on(desk: Desk, study: str) -> str | None:
    listed = desk.json("freeze", "--list")["frozen"]
    return {one["study"]: one["destroyed"] for one in listed}[study]


def test_a_frozen_file_is_its_studys_alone_until_it_is_destroyed(welfare: Desk) -> None:
    welfare.ok("freeze", "first", *FREEZE[2:], "-o", "shared.csv")
    again = welfare.type("freeze", "first", *FREEZE[2:], "-o", "other.csv")
    assert "there is a frozen file for first already" in again.stderr
    frozen = Path("shared.csv").read_bytes()
    second = ("freeze", "second", *FREEZE[2:], "--columns", "grade", "--from", "schools", "--force")
    refused = welfare.type(*second, "-o", "../welfare/shared.csv")
    assert (
        refused.exit_code,
        "what was frozen for first is at" in refused.stderr,
        Path("shared.csv").read_bytes() == frozen,
    ) == (1, True, True), refused.stderr
    # One that was moved is not said to be destroyed, and another one is not destroyed in its place.
    Path("shared.csv").rename("moved.csv")
    gone = welfare.type("destroy", "--local", "--frozen", "first", "--yes")
    assert (gone.exit_code, "is not at" in gone.stderr) == (3, True)
    Path("shared.csv").write_bytes(frozen + b"\n")
    refused = welfare.type(*DESTROY, "first")
    assert (refused.exit_code, Path("shared.csv").exists()) == (3, True)
    assert f"what is at {Path('shared.csv').absolute()} is not what was frozen for first" in (
        refused.stderr
    )
    assert destroyed_on(welfare, "first") is None
    Path("shared.csv").write_bytes(frozen)
    welfare.ok(*DESTROY, "first")
    assert destroyed_on(welfare, "first") == "2026-11-20"
    # What was destroyed is not destroyed again under its study.
    welfare.ok(*second, "-o", "shared.csv")
    refused = welfare.type(*DESTROY, "first")
    told = "what was frozen for first was destroyed on 2026-11-20"
    assert (refused.exit_code, told in refused.stderr) == (1, True), refused.stderr
    assert Path("shared.csv").exists()
    welfare.ok(*DESTROY, "second")


def test_of_two_commands_that_freeze_one_study_at_once_one_is_refused(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*given: Any) -> list[tuple[str, ...]]:
        monkeypatch.undo()
        monkeypatch.chdir(welfare.folder)
        welfare.ok("freeze", "at-once", *FREEZE[2:], "-o", "first.csv")
        return census(*given)

    monkeypatch.setattr(freezing, "census", slow)
    refused = welfare.type("freeze", "at-once", *FREEZE[2:], "-o", "second.csv")
    assert "there is a frozen file for at-once already" in refused.stderr
    assert not Path("second.csv").exists()
    welfare.ok("destroy", "--local", "--frozen", "at-once", "--yes", "--offline")


def test_a_frozen_file_that_is_removed_and_not_stated_yet_is_stated_later(
    near: NearBroker, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(request: httpx2.Request) -> httpx2.Response | None:
        if request.method == "POST" and request.url.path.endswith("/destruction-statements"):
            raise httpx2.ConnectError("no network")
        return None

    welfare.ok("freeze", "cut-off", *FREEZE[2:], "-o", "cut.csv")
    with monkeypatch.context() as patched:
        patched.setattr(near.courier, "before", lose)
        words = ("destroy", "--local", "--frozen", "cut-off", "--yes")
        cut = welfare.type(*words)
    assert (cut.exit_code, Path("cut.csv").exists()) == (5, False), cut.stderr
    # The guide has had the log go on to next year, so the broker takes no statement of today.
    done = welfare.ok(*words, "--offline")
    assert (
        "(blindlink destroy --local --frozen=cut-off) goes on; files removed already: 1"
        in done.stderr
    )
    assert "to remove what else lies here" not in done.stderr
    assert destroyed_on(welfare, "cut-off") == "2026-11-20"


def test_a_frozen_file_whose_time_is_over_is_told_on_the_agencys_page_and_without_the_broker(
    near: NearBroker, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no network")

    welfare.ok("freeze", "late", *FREEZE[2:], "-o", "late.csv")
    monkeypatch.setattr(near.courier, "before", refuse)

    late = (
        "Overdue, in your hands (duty analyst): The file that was frozen for late could be kept until"
        " 2027-01-31, and has not been destroyed."
    )
    monkeypatch.setattr(welfare, "now", datetime(2027, 1, 31, 23, 59, tzinfo=UTC))
    assert "frozen for late" not in welfare.type("status").stdout
    monkeypatch.setattr(welfare, "now", datetime(2027, 2, 1, tzinfo=UTC))
    said = welfare.type("status")
    assert (
        said.exit_code,
        f"{late} Next: blindlink destroy --local --frozen late\n" in said.stdout,
    ) == (5, True)
    assert [
        one["standing"] for one in welfare.json("report")["attention"] if one["sentence"] == late
    ] == ["bad"]
    assert Path("agency-report.html").read_text("utf-8").count(late) == 1


DATED = ("--from", "welfare", "--begin", "removed", "--end", "returned")
EXPORT = ("export", "--for", "csv", "--organization", "district", "-o", "out.csv")


def statuses(desk: Desk, *words: str) -> list[str]:
    desk.ok(*EXPORT, *words)
    return Path("out.csv").read_text("utf-8").splitlines()[1:]


def test_a_move_to_another_organization_is_told_to_both(
    schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses(schools)
    put(Path("people.csv"), [("ID", "district"), ("p1", "9"), ("p3", "8")])
    monkeypatch.setattr(schools, "now", schools.now.replace(day=27))
    assert statuses(schools, "--since", "2026-11-27") == [
        "p1,7,2026-11-20,2026-11-27,end,2026-11-27",
        "p1,9,2026-11-20,,start,2026-11-27",
    ]
    said = schools.json(*EXPORT, "--since", "2026-11-27")
    assert (said["students"], said["changes"]) == (1, {"start": 1, "end": 1, "change": 0})


def test_student_ids_of_another_column_do_not_take_the_place_of_those_that_were_exported(
    schools: Desk,
) -> None:
    numbers: Rows = [("ID", "number", "district"), ("p1", "331", "7"), ("p3", "333", "8")]
    put(Path("people.csv"), numbers)
    first = statuses(schools)
    written = Path("out.csv").read_bytes()
    for since in ((), ("--since", "2026-11-20")):
        refused = schools.type(*EXPORT, "--student", "number", *since)
        assert (
            refused.exit_code,
            "earlier exports had the student IDs of the column ID" in refused.stderr,
        ) == (3, True), refused.stderr
    assert Path("out.csv").read_bytes() == written
    assert statuses(schools) == first
    # The file has another name for the same column.
    put(Path("people.csv"), [("ID", "local_id", "district"), ("p1", "p1", "7"), ("p3", "p3", "8")])
    assert statuses(schools, "--student", "local_id", "--accept-change", "Renamed.") == first
    assert statuses(schools, "--student", "local_id") == first
    assert schools.type(*EXPORT).exit_code == 3


@pytest.mark.parametrize("words", [(), ("--organization", "9")])
def test_more_ends_than_is_agreed_are_exported_once_somebody_accepts_them(
    schools: Desk, words: tuple[str, ...]
) -> None:
    first = statuses(schools)
    written = Path("out.csv").read_bytes()
    if not words:
        put(Path("links.csv"), [("record_id", "link_id"), ("p4", "4" * 32)])
    held = schools.type(*EXPORT, *words)
    told = "2 of 2 statuses in force would end (100.0%); the agreement allows at most 10%"
    assert (held.exit_code, told in held.stderr) == (8, True), held.stderr
    assert (
        json.loads(schools.type(*EXPORT, *words, "--json").stdout)["error"]["code"] == "change-held"
    )
    assert Path("out.csv").read_bytes() == written
    if words:
        assert statuses(schools) == first
    assert schools.type(*EXPORT, *words, "--accept-change", " ").exit_code == 2
    ended = statuses(schools, *words, "--accept-change", "Two homes have closed.")
    assert ended[0] == "p1,7,2026-11-20,2026-11-20,end,2026-11-20"
    again = schools.ok(*EXPORT, *words, "--accept-change", "Two homes have closed.")
    assert "there was nothing to accept" in again.stderr
    assert Path("out.csv").read_text("utf-8").splitlines()[1:] == ended
    record = KeptStatuses(Session(config_path=Path("blindlink.toml")).workspace, PROJECT)
    accepted = record.read().accepted
    assert accepted is not None
    assert (accepted.reason, accepted.ended, accepted.in_force) == ("Two homes have closed.", 2, 2)


def test_the_partners_dates_are_written_for_ed_fi(schools: Desk) -> None:
    words = ("export", "--for", "ed-fi", "--organization", "255901", *DATED, "-o", "out.jsonl")
    said = schools.ok(*words).stderr
    assert "2 students: 2 started" in said
    assert "the agreement lets these go to nobody else" in said
    lines = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert [one["studentReference"]["studentUniqueId"] for one in lines] == ["p1", "p3"]
    assert [one["studentCharacteristics"][0]["periods"] for one in lines] == [
        [{"beginDate": "2025-01-02", "endDate": "2025-08-09"}, {"beginDate": "2026-03-04"}],
        [{"beginDate": "2026-09-01", "endDate": "2026-11-02"}],
    ]
    undated = schools.type(*EXPORT)
    assert "earlier exports had the partner's dates" in undated.stderr
    sealed = Path("workspace/exports/foster-pupils.statuses.sealed").read_bytes()
    assert b"2026-03-04" not in sealed
    # A night without a change does not stop the next export.
    schools.ok(*words, "--since", "2026-11-21")
    assert Path("out.jsonl").read_bytes() == b""
    schools.ok(*words, "--since", "2026-11-20")
    assert len(Path("out.jsonl").read_text("utf-8").splitlines()) == 2


NOT_EXPORTED = (
    (("--from", "welfare", "--begin", "reason"), 2, "the agreement does not list reason"),
    (("--from", "welfare"), 2, "--from and --end go with --begin"),
    (("--begin", "removed"), 3, "the dates come from a partner's columns"),
    (("--end", "returned"), 2, "--from and --end go with --begin"),
    (
        (*DATED, "--date-format", "MM/DD/YYYY"),
        3,
        "3 rows of welfare have dates that cannot be used",
    ),
    ((*DATED, "--date-format", "soon"), 1, "the date format must name YYYY"),
    (("--student", "number"), 3, "your file has no column number"),
    (("--links", "people.csv"), 3, "people.csv is not a file of links"),
)


def test_what_cannot_be_exported_is_refused_and_nothing_is_remembered(schools: Desk) -> None:
    for words, status, message in NOT_EXPORTED:
        done = schools.type(*EXPORT, *words)
        assert (done.exit_code, message in done.stderr) == (status, True), (words, done.stderr)
        assert not Path("out.csv").exists(), words
        assert not Path("workspace/exports").exists(), words


def test_statuses_start_and_end_with_links_and_are_the_same_again(schools: Desk) -> None:
    put(Path("people.csv"), [("ID", "number", "district"), ("p1", "", "7"), ("p3", "33", "8")])
    done = schools.ok(*EXPORT[:-1], "out2.csv", "--student", "number")
    assert "1 linked rows without a student ID or organization are left out" in done.stderr
    assert len(Path("out2.csv").read_text("utf-8").splitlines()) == 2
    lay_out_pupils(schools.folder)
    shutil.rmtree("workspace/exports")
    first = statuses(schools)
    assert first == ["p1,7,2026-11-20,,start,2026-11-20", "p3,8,2026-11-20,,start,2026-11-20"]
    assert statuses(schools) == first
    put(Path("links.csv"), [("record_id", "link_id"), ("p3", "3" * 32), ("p4", "4" * 32)])
    schools.now = schools.now.replace(day=27)
    try:
        assert statuses(schools, "--since", "2026-11-27") == [
            "p1,7,2026-11-20,2026-11-27,end,2026-11-27",
            "p4,8,2026-11-27,,start,2026-11-27",
        ]
        assert len(statuses(schools)) == 3
    finally:
        schools.now = schools.now.replace(day=20)
