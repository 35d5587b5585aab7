"""The whole audit: verdicts, report, page, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoding.privacy_audit.attributes import AttributeResult
from encoding.privacy_audit.audit import audit_file
from encoding.privacy_audit.goals import judge_audit
from encoding.privacy_audit.last_audit import keep_audit, read_kept_audit
from encoding.privacy_audit.naming import NamingResult
from encoding.privacy_audit.page import report_page
from encoding.privacy_audit.refinement import ShapeResult
from encoding.privacy_audit.report import AuditReport, report_lines, summary
from encoding.privacy_audit.results import QUICK, Audit, AuditScope, Naming
from schemas.canonical import canonical_bytes

SMALL = AuditScope(
    n_partner=800,
    n_known=(0, 200),
    n_plain=700,
    plain_known=(200,),
    n_matched=0,
    n_sealed=150,
    n_probes=100,
)


@pytest.fixture(scope="module")
def audit(children, students) -> Audit:
    return audit_file(children, students, "larger", SMALL)


@pytest.fixture(scope="module")
def report(children, audit) -> AuditReport:
    return AuditReport(children.digest(), audit, judge_audit(audit, children))


def test_every_attack_reports(audit: Audit) -> None:
    assert (audit.n_smaller, audit.n_larger) == (800, audit.n_larger)
    assert len(audit.sealed) == 2
    assert [kind.results[0].n for kind in audit.naming] == [800, 800, 800]
    assert audit.apart is not None
    assert audit.apart_exact is not None
    assert audit.apart_exact.smaller >= audit.apart.smaller
    assert audit.followed is not None
    assert audit.agency is not None
    assert audit.forged is not None
    assert audit.plain is not None
    assert audit.plain.known_pairs[0].share > 0.8


def test_what_must_hold_at_any_size_holds(audit: Audit, children) -> None:
    reached = {outcome.name: outcome.is_reached for outcome in judge_audit(audit, children)}
    assert reached["secret-structure"]
    assert reached["guessed-sex"]
    assert reached["shows-anything"]


def test_each_goal_can_be_missed(audit: Audit, children) -> None:
    bad = replace(
        audit,
        shown_larger=0.03,
        shown_linked=0.01,
        sealed=(replace(audit.sealed[0], n_alike=1),),
        naming=(Naming("perfect", (NamingResult(1_000, 0, 30, 20),)),),
        followed=ShapeResult(0.2, 0.01, 2),
        attributes=(AttributeResult("double surname", 2_000, 0.9, 0.5, 0.01),),
    )
    outcomes = judge_audit(bad, children)
    assert [outcome.name for outcome in outcomes if outcome.is_reached] == []
    assert len(outcomes) == 6


@pytest.mark.parametrize(("n_right", "is_reached"), [(2, True), (5, False)])
def test_of_few_children_chance_is_allowed_for(
    audit: Audit, children, n_right: int, is_reached: bool
) -> None:
    found = replace(audit, naming=(Naming("perfect", (NamingResult(100, 0, 30, n_right),)),))
    (outcome,) = (one for one in judge_audit(found, children) if one.name == "named-perfect")
    assert outcome.is_reached is is_reached


def test_a_quick_audit_of_a_sample_says_so(children, students) -> None:
    scope = replace(QUICK, n_partner=600, n_plain=600, n_sealed=100)
    audit = audit_file(children, students, "larger", scope, n_in_file=40_000)
    assert audit.sampled == pytest.approx(students.n_records / 40_000)
    assert audit.naming == ()
    assert audit.followed is None
    lines = list(report_lines(AuditReport("0" * 64, audit, judge_audit(audit, children))))
    assert any("10% of the file's records" in line for line in lines)


def test_the_smaller_file_is_audited_too(children, students) -> None:
    own = students.take(np.arange(600))
    scope = replace(QUICK, n_partner=3_000, n_plain=500, n_sealed=100)
    audit = audit_file(children, own, "smaller", scope, groups=["hispanic", "white"] * 300)
    assert (audit.n_smaller, audit.n_larger > 2_900) == (600, True)
    assert {"Hispanic", "ethnic group"} <= {result.name for result in audit.attributes}


def test_too_few_records_are_not_judged(children, students) -> None:
    audit = audit_file(children, students.take(np.arange(400)), "larger", QUICK)
    assert judge_audit(audit, children) == ()
    report = AuditReport(children.digest(), audit, ())
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
    assert page.index("Verdict") < page.index("The same people as plain CLKs")
    assert page.index("The same people as plain CLKs") < page.index("What was tried")
    for outcome in report.outcomes:
        assert outcome.sentence.split(";")[0].replace("'", "&#x27;") in page


def test_the_last_audit_is_remembered(report: AuditReport, tmp_path: Path) -> None:
    path = tmp_path / "privacy-audit.json"
    assert not read_kept_audit(path).still_holds(report.profile, 1_000)
    keep_audit(path, report, 1_000)
    kept = read_kept_audit(path)
    assert kept.still_holds(report.profile, 1_200)
    assert not kept.still_holds(report.profile, 1_300)
    assert kept.digest_for(report.profile) == report.digest()
