"""The whole audit: verdicts, report, page, and what is kept of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from samples.strangers import strangers

from encoding.privacy_audit.attributes import AttributeResult
from encoding.privacy_audit.audit import audit_file
from encoding.privacy_audit.files import ClearFile
from encoding.privacy_audit.goals import Outcome, judge_audit
from encoding.privacy_audit.likeness import Likeness
from encoding.privacy_audit.page import report_page
from encoding.privacy_audit.partner import Copyist
from encoding.privacy_audit.refinement import ShapeResult
from encoding.privacy_audit.reidentification import NamingResult
from encoding.privacy_audit.report import (
    AuditReport,
    keep_audit,
    read_kept_audit,
    report_lines,
    summary,
)
from encoding.privacy_audit.results import QUICK, Audit, AuditScope, Naming
from encoding.privacy_audit.scene import rehearse_partner
from schemas.documents.canonical import canonical_bytes
from schemas.linkage.privacy_audit import goals_of
from schemas.linkage.profile import EncodingProfile

PAGE = (Path(__file__).parents[3] / "docs/privacy-audit.md").read_text(encoding="utf-8")

SMALL = AuditScope(n_partner=800, n_known=(0, 200), n_sealed=150)


@pytest.fixture(scope="module")
def audit(children, students) -> Audit:
    return audit_file(children, students, "larger", SMALL)


@pytest.fixture(scope="module")
def report(children, audit) -> AuditReport:
    return report_on(children, audit)


def report_on(profile: EncodingProfile, audit: Audit, **changes: Any) -> AuditReport:
    """A full audit of a larger file of 1,000 records."""
    stated = {"side": "larger", "scope": "full", "records": 1_000, **changes}
    return AuditReport(
        profile=profile.digest(), audit=audit, outcomes=judge_audit([audit], profile), **stated
    )


def test_every_attack_reports(audit: Audit) -> None:
    assert (audit.n_smaller, audit.n_larger) == (800, audit.n_larger)
    assert len(audit.sealed) == 2
    assert [kind.results[0].n for kind in audit.naming] == [800, 800, 800]
    assert audit.apart is not None
    assert audit.apart_exact is not None
    assert audit.apart_exact.smaller >= audit.apart.smaller
    assert audit.followed is not None


def test_what_must_hold_at_any_size_holds_and_each_goal_can_be_missed(
    audit: Audit, children
) -> None:
    reached = {outcome.name: outcome.is_reached for outcome in judge_audit([audit], children)}
    assert reached["structure"]
    assert reached["shown"]
    bad = replace(
        audit,
        shown_larger=0.03,
        shown_linked=0.01,
        sealed=(replace(audit.sealed[0], n_alike=1),),
        naming=(Naming("perfect", (NamingResult(1_000, 0, 30, 20),)),),
        followed=ShapeResult(0.2, 0.01, 2, 0.007),
        attributes=(AttributeResult("double surname", 2_000, 0.9, 0.5, 0.01),),
    )
    outcomes = judge_audit([bad], children)
    assert [outcome.name for outcome in outcomes if outcome.is_reached] == []
    assert len(outcomes) == 6
    # Of several draws the mean counts, and the least and the most are told, in children.
    none = replace(bad, naming=(Naming("perfect", (NamingResult(1_000, 0, 30, 0),)),))
    (named,) = (one for one in judge_audit([bad, none], children) if one.name == "named")
    assert (named.value, named.least, named.most) == (0.01, 0.0, 0.02)
    assert named.is_reached
    assert "1.00% (about 8 of 800)" in named.sentence
    assert "0.00% to 2.00% in 2 draws" in named.sentence


def test_a_quick_audit_of_a_sample_says_so(children, students) -> None:
    scope = replace(QUICK, n_partner=600, n_sealed=100)
    audit = audit_file(children, students, "larger", scope, n_in_file=40_000)
    assert audit.sampled == pytest.approx(students.n_records / 40_000)
    assert audit.naming == ()
    assert audit.followed is None
    lines = list(report_lines(report_on(children, audit)))
    assert any("10% of the file's records" in line for line in lines)


def test_the_smaller_file_is_audited_too(children, students) -> None:
    own = students.take(np.arange(600))
    scope = replace(QUICK, n_partner=3_000, n_sealed=100)
    audit = audit_file(children, own, "smaller", scope, groups=["hispanic", "white"] * 300)
    assert (audit.n_smaller, audit.n_larger > 2_900) == (600, True)
    assert {"Hispanic", "ethnic group"} <= {result.name for result in audit.attributes}


def test_too_few_records_are_not_judged(children, students) -> None:
    audit = audit_file(children, students.take(np.arange(400)), "larger", QUICK)
    assert judge_audit([audit], children) == ()
    report = report_on(children, audit)
    assert report.statement() is None
    assert "too few" in summary(report)
    assert "too few" in report_page(report, "few.csv")


def test_the_report_is_canonical_and_holds_no_names(report: AuditReport, students) -> None:
    document = canonical_bytes(report.document())
    page = report_page(report, "students.csv")
    for text in (document.decode(), page, "\n".join(report_lines(report))):
        assert not any(f" {name} " in text for name in students.columns["surname_1"][:200] if name)
    assert report.digest() == report.digest()


def test_the_page_says_the_verdict_first(report: AuditReport) -> None:
    page = report_page(report, "students.csv")
    assert page.index("Verdict") < page.index("What was tried")
    for outcome in report.outcomes:
        assert outcome.sentence.split(";")[0].replace("'", "&#x27;") in page


def test_who_is_in_both_files_is_not_followed_twice(audit: Audit, children) -> None:
    found = replace(audit, followed=ShapeResult(0.14, 0.05, 2, 0.005))
    reached = {one.name: one.is_reached for one in judge_audit([found], children)}
    assert (reached["followed_smaller"], reached["followed_larger"]) == (True, True)


def test_the_goals_are_those_of_the_page_and_of_the_size_of_the_smaller_file() -> None:
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.split("## Measured")[0], re.MULTILINE
    )
    said = {row[0]: row[1:] for row in rows}
    for column, block_cap in enumerate((7, 8)):
        goals = goals_of(block_cap, 4_000)
        (shown,) = (of[column] for what, of in said.items() if what.startswith("records of"))
        (named,) = (of[column] for what, of in said.items() if what.startswith("children in care"))
        (followed,) = (of[column] for what, of in said.items() if what.startswith("followed"))
        (double,) = (of[column] for what, of in said.items() if what.startswith("double surname"))
        assert percents(shown) == [goals["shown"]]
        assert percents(named) == [
            goals[name] for name in ("named", "named_partial", "named_mistaken")
        ]
        pair = (goals["followed_smaller"], goals["followed_larger"])
        assert percents(followed) == [one for one in pair if one < 1]
        assert f"chance + {100 * goals['guessed_double_name']:g} points" == double
    for n_smaller, goal in ((500, 0.01), (4_000, 0.01), (15_000, 0.0375), (80_000, 0.115)):
        assert goals_of(4, n_smaller)["shown"] == pytest.approx(goal), n_smaller


def percents(cell: str) -> list[float]:
    return [round(float(one) / 100, 6) for one in re.findall(r"([.\d]+) %", cell)]


def test_who_is_rehearsed_to_be_in_both_files_is_of_the_larger_ones_ages(children) -> None:
    pupils, infants = strangers(children, 600, 3), strangers(children, 400, 4, (0.0, 4.0))
    pair = rehearse_partner(infants.plus(pupils), "smaller", 2_000, 1)
    assert set(pair.who_smaller[np.isin(pair.who_smaller, pair.who_larger)]) == set(
        range(400, 1_000)
    )


def test_a_copy_has_as_many_double_surnames_as_the_file(children) -> None:
    file = strangers(children, 4_000, 5)
    copied = Copyist(Random(1)).copy(file, np.arange(4_000))

    def is_double(one: ClearFile) -> np.ndarray:
        pair = (one.columns["surname_1"], one.columns["surname_2"])
        return np.array([pair[0][at] != pair[1][at] for at in one.main.tolist()])

    ours, theirs = is_double(file), is_double(copied)
    assert abs(int(ours.sum()) - int(theirs.sum())) < 60
    assert 0.02 < (ours & ~theirs).sum() / ours.sum() < 0.13


def test_the_last_full_audit_is_remembered_until_a_quick_one_finds_structure(
    report: AuditReport, tmp_path: Path
) -> None:
    path = tmp_path / "privacy-audit.json"
    assert read_kept_audit(path) is None
    keep_audit(path, report)
    kept = read_kept_audit(path)
    assert kept == report.statement()
    assert kept is not None
    assert (kept.digest, kept.structure) == (report.digest(), 0)
    keep_audit(path, replace(report, scope="quick"))
    assert read_kept_audit(path) == kept
    signs = (Outcome("structure", "Two.", 2.0, 2.0, 2.0, 0.0),)
    keep_audit(path, found := replace(report, scope="quick", outcomes=signs))
    assert read_kept_audit(path) == found.statement()
    # What cannot be read is nothing.
    for text in ("", "[]", '{"version":"blindlink/kept-privacy-audit/5","statement":{"draws":1}}'):
        path.write_text(text, encoding="utf-8")
        assert read_kept_audit(path) is None


def test_strangers_are_named_like_the_file_with_names_that_it_lacks_and_none_in_every_village(
    children,
) -> None:
    file = strangers(children, 4_000, 5)
    like = Likeness(file, 1).strangers(40_000, 2)
    again = Likeness(file, 1).strangers(40_000, 2)
    assert like.columns == again.columns
    homes = set(zip(*(file.columns[one] for one in ("surname_1", "surname_2", "zip")), strict=True))
    families = [part for one, two, _ in homes for part in {one, two}]
    for own, drawn in (
        (Counter(file.columns["first_name"]), Counter(like.columns["first_name"])),
        (Counter(families), Counter(like.columns["surname_1"])),
    ):
        # As many have names that the file lacks as are alone with theirs in it.
        alone = sum(n == 1 for n in own.values()) / own.total()
        new = sum(n for name, n in drawn.items() if name not in own) / 40_000
        assert 0.6 * alone < new < 1.4 * alone
        # Of names that one family has, some have no other bearer, and some have dozens.
        bearers = [drawn[name] for name, n in own.items() if n == 1]
        assert min(bearers) == 0
        assert max(bearers) > 20
        common = [drawn[name] / n for name, n in own.items() if n > 20]
        assert common
        assert (
            0.25 < min(common) / (40_000 / own.total()) < max(common) / 40_000 * own.total() < 2.5
        )
    assert {one[:4] for one in like.columns["birth_date"]} == {
        one[:4] for one in file.columns["birth_date"]
    }
