"""What docs/security names is there, and it answers every requirement of the standards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rigs.documents import ROOT, headings

FOLDER = ROOT / "docs" / "security"
DOCUMENTS = [*sorted(FOLDER.glob("*.md")), ROOT / "SECURITY.md"]

# The levels of the requirements of each section of ASVS 5.0.0, in order: V1.2.1 to V1.2.5 have level 1.
ASVS = """
1.1:22 1.2:1111122223 1.3:112222222223 1.4:222 1.5:123 2.1:122 2.2:112 2.3:12223 2.4:23 3.1:3
3.2:113 3.3:12223 3.4:11222233 3.5:11122333 3.6:3 3.7:22333 4.1:12233 4.2:23333 4.3:22 4.4:1222
5.1:2 5.2:112333 5.3:113 5.4:222 6.1:122 6.2:111111112222 6.3:11223333 6.4:112233 6.5:22222333
6.6:2223 6.7:33 6.8:2222 7.1:222 7.2:1111 7.3:22 7.4:11222 7.5:223 7.6:22 8.1:1233 8.2:1123
8.3:133 8.4:23 9.1:111 9.2:1222 10.1:22 10.2:223 10.3:22223 10.4:1111122222233333 10.5:22222
10.6:22 10.7:222 11.1:2233 11.2:22233 11.3:11233 11.4:1222 11.5:23 11.6:23 11.7:33 12.1:12233
12.2:11 12.3:22223 13.1:2333 13.2:222223 13.3:2233 13.4:1222233 14.1:22 14.2:12223333 14.3:122
15.1:12233 15.2:12233 15.3:1222222 15.4:3333 16.1:2 16.2:22222 16.3:2222 16.4:222 16.5:2223
17.1:23 17.2:22223333 17.3:22
"""
# The moderate baseline of NIST SP 800-53B: the numbers of each family, an enhancement after a point.
MODERATE = """
AC 1 2 2.1 2.2 2.3 2.4 2.5 2.13 3 4 5 6 6.1 6.2 6.5 6.7 6.9 6.10 7 8 11 11.1 12 14 17 17.1 17.2
   17.3 17.4 18 18.1 18.3 19 19.5 20 20.1 20.2 21 22
AT 1 2 2.2 2.3 3 4
AU 1 2 3 3.1 4 5 6 6.1 6.3 7 7.1 8 9 9.4 11 12
CA 1 2 2.1 3 5 6 7 7.1 7.4 9
CM 1 2 2.2 2.3 2.7 3 3.2 3.4 4 4.2 5 6 7 7.1 7.2 7.5 8 8.1 8.3 9 10 11 12 12.1
CP 1 2 2.1 2.3 2.8 3 4 4.1 6 6.1 6.3 7 7.1 7.2 7.3 8 8.1 8.2 9 9.1 9.8 10 10.2
IA 1 2 2.1 2.2 2.8 2.12 3 4 4.4 5 5.1 5.2 5.6 6 7 8 8.1 8.2 8.4 11 12 12.2 12.3 12.5
IR 1 2 3 3.2 4 4.1 5 6 6.1 6.3 7 7.1 8
MA 1 2 3 3.1 3.2 3.3 4 5 6
MP 1 2 3 4 5 6 7
PE 1 2 3 4 5 6 6.1 8 9 10 11 12 13 13.1 14 15 16 17
PL 1 2 4 4.1 8 10 11
PS 1 2 3 4 5 6 7 8 9
RA 1 2 3 3.1 5 5.2 5.5 5.11 7 9
SA 1 2 3 4 4.1 4.2 4.9 4.10 5 8 9 9.2 10 11 15 15.3 22
SC 1 2 4 5 7 7.3 7.4 7.5 7.7 7.8 8 8.1 10 12 13 15 17 18 20 21 22 23 28 28.1 39
SI 1 2 2.2 3 4 4.2 4.4 4.5 5 7 7.1 7.7 8 8.2 10 11 12 16
SR 1 2 2.1 3 5 6 8 10 11 11.1 11.2 12
"""
# The questions of HECVAT Lite 3.06: how many each section has.
HECVAT = """
DATE:1 GNRL:15 COMP:7 DOCU:13 ITAC:9 HLAP:6 HLAA:9 HLSY:5 HLDA:7 HLDC:5 HLNT:5 HLIH:5 HLPP:3 HLTP:4
"""
PATH = re.compile(
    r"`((?:(?:app|docs|encoding|install|requirements|schemas|tests|\.ci)/|SECURITY\.md|README\.md|CONTRIBUTING\.md"
    r"|CHANGELOG\.md|compose\.yaml|Dockerfile|Makefile|pyproject\.toml)[^`\s]*)`"
)


def names_in(text: str) -> list[str]:
    """Return what stands between backticks and looks like a file here, with what is named in it."""
    return PATH.findall(text)


@cache
def is_there(name: str) -> bool:
    """Tell whether a file, the function or class after `::`, or the heading after `#` is there."""
    path, _, symbol = name.partition("::")
    path, _, heading = path.partition("#")
    if not (ROOT / path).exists():
        return False
    if heading:
        return heading in headings(ROOT / path)
    return not symbol or symbol in symbols(ROOT / path)


@cache
def symbols(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def rows(document: str, first: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a document's tables whose first cell begins as the pattern says."""
    for line in (FOLDER / document).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and re.match(first, cells[0]):
            yield cells


def test_what_is_named_is_there() -> None:
    gone = [
        (document.name, name)
        for document in DOCUMENTS
        for name in names_in(document.read_text("utf-8"))
        if not is_there(name)
    ]
    assert gone == []


def test_what_is_gone_is_found() -> None:
    here = "tests/packaging/test_security_documents.py"
    assert names_in(f"`{here}::rows` and `no/path` and `docs/security`") == [
        f"{here}::rows",
        "docs/security",
    ]
    assert is_there(f"{here}::test_what_is_gone_is_found")
    assert is_there("docs/operator.md#backups")
    assert not is_there(f"{here}::test_nothing")
    assert not is_there("docs/operator.md#nothing")
    assert not is_there("docs/nothing.md")


def test_no_key_for_reports_is_promised_before_there_is_one() -> None:
    says_none = "There is no key for reports yet" in (ROOT / "SECURITY.md").read_text("utf-8")
    assert says_none is not (FOLDER / "report-key.txt").exists()


def test_every_requirement_of_asvs_is_answered() -> None:
    levels = "".join(section.partition(":")[2] for section in ASVS.split())
    assert [levels.count(level) for level in "123"] == [70, 183, 92]
    expected = [
        (f"V{section}.{number}", level)
        for section, _, levels in (part.partition(":") for part in ASVS.split())
        for number, level in enumerate(levels, start=1)
        if level != "3"
    ]
    assert [(cells[0], cells[1]) for cells in rows("asvs.md", r"V\d")] == expected


def test_every_answer_to_asvs_has_its_evidence() -> None:
    bare = []
    for number, _, _, state, evidence in rows("asvs.md", r"V\d"):
        named = names_in(evidence)
        has_evidence = {
            "met": bool(named),
            "operator": any(name.startswith("docs/") for name in named),
            "gap": len(evidence) > 10,
            "n/a": len(evidence) > 4,
        }
        if not has_evidence[state]:
            bare.append(number)
    assert bare == []


def test_every_gap_is_in_the_threat_model() -> None:
    gaps = {cells[0] for cells in rows("asvs.md", r"V\d") if cells[3] == "gap"}
    known = (FOLDER / "threat-model.md").read_text("utf-8").partition("## Known gaps")[2]
    assert gaps == set(re.findall(r"V\d+\.\d+\.\d+", known))


def test_every_control_of_the_moderate_baseline_is_answered() -> None:
    expected: list[str] = []
    for word in MODERATE.split():
        if word.isalpha():
            family = word
        else:
            control, _, enhancement = word.partition(".")
            expected.append(f"{family}-{control}{enhancement and f'({enhancement})'}")
    answered = [
        control
        for cells in rows("nist-800-53.md", r"[A-Z]{2}-\d")
        for control in cells[0].split(", ")
    ]
    assert sorted(answered) == sorted(expected)
    assert len(set(answered)) == len(answered)


def test_every_control_that_is_provided_has_its_evidence() -> None:
    bare = [
        cells[0]
        for cells in rows("nist-800-53.md", r"[A-Z]{2}-\d")
        if cells[1] not in {"provided", "shared", "operator", "not used"}
        or (cells[1] in {"provided", "shared"} and not names_in(cells[2]))
        or len(cells[2]) < 10
    ]
    assert bare == []


def test_every_question_of_hecvat_lite_is_answered() -> None:
    expected = {
        f"{section}-{number:02}"
        for section, _, count in (part.partition(":") for part in HECVAT.split())
        for number in range(1, int(count) + 1)
    }
    answers = list(rows("hecvat-lite.md", r"[A-Z]{4}-\d\d"))
    assert sorted(cells[0] for cells in answers) == sorted(expected)
    assert [cells[0] for cells in answers if not all(cells)] == []
