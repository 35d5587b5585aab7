"""`blindlink agreement`: drafting and reading."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from samples.agreement_answers import ANSWERS, write_answers
from vectors.invitation import ORIGIN, log_key

from encoding.agreement.files import read_proposal
from encoding.cli.main import main
from encoding.cli.terminal import prompts
from encoding.log.pins import PinnedLog
from encoding.workspace.workspace import open_workspace
from schemas.linkage.run import RECOMMENDED_POLICY


def type_(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["agreement", *words], input=typed)


def drafted(folder: Path, *words: str) -> Path:
    path = folder / "draft.json"
    result = type_("draft", "--from", str(write_answers(folder)), "-o", str(path), *words)
    assert result.exit_code == 0, result.stderr
    return path


def test_a_draft_is_written_from_answers_and_amended(tmp_path: Path) -> None:
    result = type_("draft")
    assert (result.exit_code, "--from" in result.output) == (2, True)
    path, second = tmp_path / "draft.json", tmp_path / "second.json"
    changed = ("limits.floor=11", "end=2027-08-30", "policy.auto=0.90")
    words = [word for one in changed for word in ("--set", one)]
    given = ("draft", "--from", str(write_answers(tmp_path)), "-o", str(path))
    result = type_(*given, *words)
    agreement = read_proposal(path).agreement
    # Its fingerprint is printed.
    assert result.stdout.replace(" ", "").strip() == agreement.digest()
    assert "agreement show" in result.stderr
    assert (agreement.limits.floor, agreement.end) == (11, "2027-08-30")
    amend = ("draft", "--amends", str(path), "-o", str(second), "--set")
    result = type_(*amend, "end=2028-08-31")
    assert result.exit_code == 0, result.stderr
    assert read_proposal(second).agreement.previous == agreement.digest()
    assert "epoch" not in result.stderr
    second.unlink()
    assert "encode anew" in type_(*amend, "profile=generic-person").stderr


IMPOSSIBLE = {
    "limits.floor=-1": "the answer limits.floor lies below 0",
    "start=2027-12-01": "the answers do not fit: the start lies after the end",
    "end=soon": "the answer end is not a day such as 2026-08-24",
    "end=2027-13-01": "the answer end: there is no such day or time",
    "policy.auto=high": "the answer policy.auto is not a decimal number such as 0.85",
    "limits.floor=0.5": "the answer limits.floor is not a whole number",
    "limits.floor=many": "the answer limits.floor is not a whole number",
    "limits.flour=10": "the answer limits.flour is none that belongs there",
    "project=Foster K12": "the answer project is not a name of small letters",
    "purpose.statement=": "the answer purpose.statement is empty or too short",
    "schedule.frequency=hourly": "the answer schedule.frequency is none of once, on-request",
}


def test_an_impossible_answer_is_refused_in_plain_words_and_leaves_no_file(tmp_path: Path) -> None:
    answers, path = str(write_answers(tmp_path)), tmp_path / "draft.json"
    for change, said in IMPOSSIBLE.items():
        result = type_("draft", "--from", answers, "--set", change, "-o", str(path))
        assert (result.exit_code, said in result.stderr) == (2, True), (change, result.stderr)
        for word in ("Value error", "pattern", "Input should"):
            assert word not in result.stderr, change
        assert not path.exists(), change


def test_it_is_shown_in_the_terminal_as_markdown_and_as_a_page(tmp_path: Path) -> None:
    path = drafted(tmp_path)
    plain = type_("show", str(path))
    assert "WHO COULD LEARN WHAT" in plain.stdout
    markdown = type_("show", str(path), "--markdown")
    assert markdown.stdout.startswith("# Agreement 1 of the project foster-k12")
    page = tmp_path / "page.html"
    assert type_("show", str(path), "--html", str(page)).stdout == ""
    assert "<svg" in page.read_text(encoding="utf-8")


def pin_log(folder: Path) -> str:
    """Pin a log as anyone who has signed here before has it; returns its name."""
    workspace = open_workspace(folder / "workspace")
    PinnedLog(workspace.pins, workspace.log_key).pinned_key(log_key())
    return ORIGIN


def test_a_draft_names_the_log_that_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pinned = pin_log(tmp_path)
    answers = re.sub("log = .*", "", ANSWERS)
    path = tmp_path / "draft.json"
    result = type_("draft", "--from", str(write_answers(tmp_path, answers)), "-o", str(path))
    assert result.exit_code == 0, result.stderr
    assert read_proposal(path).agreement.log == pinned


def test_a_draft_says_which_columns_for_reviewers_the_own_file_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("ID,First,Last\n1,Ana,Ortiz\n", "utf-8")
    words = ("--broker", "https://broker.example", "--project", "foster-k12", "--party", "k12")
    about = ("--file", "people.csv", "--id-column", "ID", "--population", "foster-care")
    made = CliRunner().invoke(
        main, ["init", *words, *about, "--column", "first_name=First", "--column", "last_name=Last"]
    )
    assert made.exit_code == 0, made.stderr
    pin_log(tmp_path)
    shown = [("k12", "first_name"), ("k12", "alias_first")]
    clauses = "".join(
        f'[[elements]]\nparty = "{party}"\nname = "{name}"\nuse = "shown"\n'
        for party, name in shown
    ) + (
        '[review]\nreviewer = "child-welfare"\npersons = 1\nfirst = 50\nweekly = 10\nbucket = 3\n'
        "days = 14\n"
    )
    answers = write_answers(tmp_path, ANSWERS + clauses)
    result = type_("draft", "--from", str(answers), "-o", str(tmp_path / "draft.json"))
    assert result.exit_code == 0, result.stderr
    assert re.findall("your file has no column (.*?), which", result.stderr) == ["alias_first"]


def test_nothing_is_asked_where_no_log_is_known_and_no_broker_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prompts, "is_interactive", lambda: True)
    result = type_("draft", typed="foster-k12\n")
    assert result.exit_code != 0
    assert "Who takes part" not in result.stderr


def typed_answers(*number: str) -> list[str]:
    """Return what someone types to every question; `number` is what they say of a known number."""
    return [
        "foster-k12",
        # Who takes part.
        "child-welfare", "", "Department of Children", "holds case records", "555-0101", "ann.json, bob.json",
        "k12", "", "Department of Education", "holds education records", "555-0100", "kim.json",
        "data-center", "", "State Data Center", "authorised representative", "555-0102", "eve.json",
        "",
        # Is this a good idea?
        "Know which pupils are in foster care.", "school-stability", "Children in foster care.", "", "", "", "",
        "First name, Last name", "", "Placement", "First name, Last name", "School", "",
        "", "", *number, "", "sunday 26:00", "sunday 22:00", "", "Every Sunday", "", "", "", "", "", "",
        # Is this ethical?
        "", "shared", "", "", "shared", "The pupil's own school",
        "9000", "100", "500000", "1000", "", "0.2", "", "",
        # Is this legal?
        "other", "Example Code 12.3", "other", "Example Code 12.4",
        "ferpa-audit-evaluation", "", "ferpa-child-welfare", "",
        "2026-09-01", "", "", "", "", "DSA 2026-014", "2026-08-20", "",
        # How do we know, and who decides?
        "", "", "y", "y", "6", "30", "child-welfare", "", "first_name, birth_date", "", "",
    ]  # fmt: skip


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_answers(tmp_path)
    pin_log(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prompts, "is_interactive", lambda: True)


@pytest.mark.usefixtures("answering")
def test_the_four_questions_make_the_same_kind_of_agreement(tmp_path: Path) -> None:
    result = type_("draft", typed="\n".join(typed_answers("")) + "\n")
    assert result.exit_code == 0, result.output
    made = read_proposal(tmp_path / "foster-k12.agreement-1.json").agreement
    assert made.log == ORIGIN
    assert made.purpose.code == "school-stability"
    assert (made.start, made.end, made.retention.destroy_by) == (
        "2026-09-01",
        "2027-08-31",
        "2028-10-04",
    )
    assert [element.use for element in made.elements] == [
        *("encoded", "encoded", "counted", "encoded", "encoded", "shared", "shown", "shown")
    ]
    assert made.columns("child-welfare", "counted") == ("Placement",)
    assert made.review is not None
    assert (made.review.first, made.review.weekly) == (200, 10)
    assert made.approvals.releases
    assert made.schedule.due == "sunday 22:00"
    assert made.approvals.runs == "standing"
    assert made.limits.budget is not None
    assert made.limits.most_ended == "0.2"
    assert made.policy == RECOMMENDED_POLICY
    assert [(one.least, one.most) for one in made.limits.files] == [(100, 9000), (1000, 500_000)]
    assert [r.onward for r in made.recipients] == [None, "The pupil's own school"]
    assert json.loads((tmp_path / "foster-k12.agreement-1.json").read_text())


@pytest.mark.usefixtures("answering")
def test_social_security_numbers_are_warned_of_and_need_a_law(tmp_path: Path) -> None:
    # An answer that is empty is asked for once more.
    number = ("ssn", "court-order", "", "In re Example, 2026")
    result = type_("draft", typed="\n".join(typed_answers(*number)) + "\n")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Social Security numbers are encoded") == 2
    made = read_proposal(tmp_path / "foster-k12.agreement-1.json").agreement
    assert made.known_number is not None
    assert made.known_number.citation == "In re Example, 2026"
    assert [(e.party, e.use) for e in made.elements if e.name == "ssn"] == [
        ("child-welfare", "encoded"), ("k12", "encoded"),
    ]  # fmt: skip
    shown = type_("show", str(tmp_path / "foster-k12.agreement-1.json")).stdout
    assert "WARNING: Social Security numbers" in shown
    assert "In re Example, 2026" in shown
