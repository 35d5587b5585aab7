"""What the privacy audit finds on rehearsal data, under the shipped profiles and on plain CLKs.

    python -m benchmarks.privacy             4,000 children in care against 200,000 students; some minutes
    python -m benchmarks.privacy --quick     against 20,000
    python -m benchmarks.privacy --nation 1500000    so many students, the passes of a nation
    python -m benchmarks.privacy --known-numbers     with the student IDs of four children in five
    python -m benchmarks.privacy --html page.html

Prints Markdown tables. Keys are drawn anew, so figures move by a few tenths of a point.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.regression import attack_known_pairs, person_tokens, scaled, signs
from benchmarks.rehearsed import BENCH
from encoding.privacy_audit.attributes import pair_features
from encoding.privacy_audit.audit import audit_pair, linked_edges
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.goals import judge_audit
from encoding.privacy_audit.page import report_page
from encoding.privacy_audit.report import AuditReport, report_lines
from encoding.privacy_audit.results import Audit, AuditScope
from encoding.privacy_audit.scene import Pair, Scene, rehearse_partner
from encoding.profiles.catalog import shipped_profile
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import Chunk, open_table
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, write_rehearsal
from schemas.linkage.profile import EncodingProfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from samples.plain_clks import plain_clks
from samples.strangers import strangers

N_NATION, N_IN_CARE = 6_000_000, 55_000
# What must hold at any size is measured at the size of a state.
NATION_SCOPE = AuditScope(n_known=(0, 1_000), n_sealed=500)


def main() -> None:
    """Audit the profile and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--nation", type=int, metavar="STUDENTS")
    parser.add_argument("--no-zip", action="store_true")
    parser.add_argument("--known-numbers", action="store_true")
    parser.add_argument("--html", type=Path)
    given = parser.parse_args()
    profile = shipped_profile(
        "children",
        size="nation" if given.nation else "state",
        zip_code=not given.no_zip,
        number="student-id" if given.known_numbers else None,
    )
    if given.nation:
        students = strangers(profile, given.nation, seed=1)
        n_in_care = round(N_IN_CARE * given.nation / N_NATION)
        pair = rehearse_partner(students, "larger", n_in_care, 1)
    else:
        pair = rehearsed(profile, n_students=20_000 if given.quick else 200_000)
    scope = NATION_SCOPE if given.nation else AuditScope()
    found = audit_pair(profile, pair, scope, progress=_tell)
    report = AuditReport(
        profile=profile.digest(),
        side="larger",
        scope="full",
        records=found.n_larger,
        audit=found,
        outcomes=judge_audit([found], profile),
    )
    print("\n".join(report_lines(report)), file=sys.stderr)
    if given.html:
        given.html.write_text(report_page(report, "the rehearsal"), encoding="utf-8")
    print_goals(report)
    print_naming(found)
    print_regressions(Scene(profile, pair, 1))
    print_attributes(found)


def rehearsed(profile: EncodingProfile, *, n_students: int) -> Pair:
    """Return two rehearsal files in the clear, with who is who and the children's ethnic groups."""
    files = write_rehearsal(
        BENCH / f"rehearsal-privacy-{n_students}{'-numbers' if profile.number_kind else ''}",
        seed=1,
        n_children=4_000,
        n_students=n_students,
        overlap=0.6,
        error_level="mid",
        known_numbers=profile.number_kind is not None,
    )
    children, child_of = read(profile, files.child_welfare, CHILD_WELFARE_LAYOUT)
    students, student_of = read(profile, files.k12, K12_LAYOUT)
    links = []
    with files.truth.open(encoding="utf-8", newline="") as truth:
        for row in csv.DictReader(truth):
            child, student = child_of.get(row["client_id"]), student_of.get(row["state_student_id"])
            if child is not None and student is not None:
                links.append((child, children.n_records + student))
    who = persons(children.n_records + students.n_records, links)
    who_smaller, who_larger = who[: children.n_records], who[children.n_records :]
    groups = group_of(files.child_welfare, child_of)
    return Pair(children, students, who_smaller, who_larger, groups)


def read(
    profile: EncodingProfile, path: Path, layout: Layout
) -> tuple[ClearFile, Mapping[str, int]]:
    """Return a file in the clear, and the number of each record ID that can be encoded."""
    table = open_table(path, encoding=layout.text_encoding)
    columns = {name: header for name, header in layout.inputs.items() if header in table.columns}
    cleaner = RowCleaner(
        profile, columns=columns, available=table.columns, date_format=layout.date_format
    )
    lines: dict[str, list[str]] = {}
    ids: dict[str, int] = {}
    records: list[int] = []
    for chunk in table.select([layout.id_column, *cleaner.headers]).chunks():
        cleaned = cleaner.clean(Chunk(1, chunk.columns, 1.0))
        for name, values in cleaned.columns.items():
            lines.setdefault(name, []).extend(values)
        record_ids = chunk.columns[layout.id_column]
        rows = (cleaned.rows - 1).tolist()
        records += [ids.setdefault(record_ids[row], len(ids)) for row in rows]
    number: Numbers = np.array(records, dtype=np.int64)
    return ClearFile(without_shared(lines, number), number, len(ids)), ids


def persons(n: int, links: list[tuple[int, int]]) -> Numbers:
    """Return the same number for all records that true links join."""
    parent = list(range(n))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for one, other in links:
        parent[max(root(one), root(other))] = min(root(one), root(other))
    return np.array([root(at) for at in range(n)], dtype=np.int64)


def group_of(path: Path, number_of: Mapping[str, int]) -> list[str]:
    """Return the ethnic group of each child, as a census form has it."""
    groups = [""] * len(number_of)
    with path.open(encoding=CHILD_WELFARE_LAYOUT.text_encoding, newline="") as file:
        for row in csv.DictReader(file):
            if row["client_id"] in number_of:
                group = row["race_ethnicity"].split("/")[0].lower()
                groups[number_of[row["client_id"]]] = group
    return groups


def print_goals(report: AuditReport) -> None:
    """Print each goal with what was measured."""
    print("| goal | measured | at most | |\n|---|---|---|---|")
    for outcome in report.outcomes:
        verdict = "reached" if outcome.is_reached else "**missed**"
        value = f"{outcome.value:.2%}" if 0 < outcome.goal < 1 else f"{outcome.value:.0f}"
        limit = f"{outcome.goal:.2%}" if 0 < outcome.goal < 1 else f"{outcome.goal:.0f}"
        print(f"| {outcome.name} | {value} | {limit} | {verdict} |")


def print_naming(found: Audit) -> None:
    """Print who was named."""
    print("\n| register | known | guessed | right | named |\n|---|---|---|---|---|")
    for kind in found.naming:
        for one in kind.results:
            print(
                f"| {kind.register} | {one.n_known} | {one.n_guessed} | {one.n_right} | {one.share:.2%} |"
            )


def print_regressions(scene: Scene) -> None:
    """Print who is named by someone who knows others: by rows of linked children, and by plain CLKs."""
    graph = scene.shared_cells()
    linked = linked_edges(scene.pair, graph)
    file, records = scene.pair.smaller, graph.between.left[linked]
    everybody = np.arange(file.n_records, dtype=np.int64)
    for name, seen, of in (
        ("linked children", scaled(pair_features(graph, scene.labels, linked)), records),
        ("plain CLKs", signs(plain_clks(file, everybody)), everybody),
    ):
        for n_known in (200, 1_000, 3_000):
            if n_known + 250 <= len(of):
                one = attack_known_pairs(seen, person_tokens(file, of), n_known)
                print(
                    f"| {name}, by regression | {n_known} | {one.n_tested} | {one.n_right} | {one.share:.2%} |"
                )


def print_attributes(found: Audit) -> None:
    """Print what was guessed of linked children."""
    print("\n| trait | children | right | chance | standard error |\n|---|---|---|---|---|")
    for one in found.attributes:
        print(f"| {one.name} | {one.n} | {one.share:.1%} | {one.chance:.1%} | {one.error:.1%} |")


def _tell(step: str, *_: object) -> None:
    print(step, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
