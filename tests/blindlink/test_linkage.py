"""`blindlink.link`: tables of any kind give the links of `blindlink trial`; what is wrong is said plainly."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rigs.trial import try_here

import blindlink
from encoding.synth import write_rehearsal

Rows = list[dict[str, str]]
PERSON = {"ID": "K1", "First": "Ana", "Last": "Ortiz", "DOB": "3/14/2012", "Zip": "27601"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rehearsal, and the trial of its files."""
    folder = tmp_path_factory.mktemp("people")
    write_rehearsal(folder, seed=3, n_children=200, n_students=800)
    words = ("child_welfare.csv", "k12.csv", "--truth", "truth.csv", "--yes")
    assert try_here(folder, *words).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> tuple[Rows, Rows]:
    left = _read(folder / "child_welfare.csv", "cp1252")
    return left, _read(folder / "k12.csv", "utf-8-sig")


@pytest.fixture(scope="module")
def links(rows: tuple[Rows, Rows]) -> blindlink.Links:
    return blindlink.link(*rows)


def _read(path: Path, code: str = "utf-8") -> Rows:
    with path.open(encoding=code, newline="") as file:
        return list(csv.DictReader(file))


def as_table(kind: str, rows: Rows) -> Any:
    if kind == "rows":
        return iter(rows)
    package = pytest.importorskip(kind)
    return package.Table.from_pylist(rows) if kind == "pyarrow" else package.DataFrame(rows)


def as_rows(table: Any) -> list[dict[str, Any]]:
    if isinstance(table, list):
        return table
    for way in ("to_dicts", "to_pylist"):
        if hasattr(table, way):
            return list(getattr(table, way)())
    return list(table.to_dict("records"))


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "rows"])
def test_a_table_of_any_kind_gives_the_pairs_of_the_trial_of_its_file(
    folder: Path, rows: tuple[Rows, Rows], kind: str
) -> None:
    tables = [as_table(kind, some) for some in rows]
    found = blindlink.link(*tables)
    assert kind == "rows" or type(found.pairs) is type(tables[0])
    written = [
        (one["record_id_a"], one["record_id_b"], one["band"])
        for one in _read(folder / "trial/pairs.csv")
    ]
    given = [(one["left_id"], one["right_id"], one["band"]) for one in as_rows(found.pairs)]
    assert given == written
    assert len(as_rows(found.unmatched("left"))) == len(_read(folder / "trial/unmatched-a.csv"))
    assert (folder / "trial/trial.html").read_text().count("<svg") == 4


def test_every_waterfall_ends_at_the_weight_of_its_pair_and_the_reasons_say_each_step(
    links: blindlink.Links,
) -> None:
    assert links.n_linked + links.n_review == len(links.all_pairs) > 50
    for pair in links.all_pairs:
        fall = links.waterfall(pair)
        assert sum(bits for _, bits in fall.steps) == pytest.approx(pair.weight, abs=1e-9)
        assert fall.probability == pytest.approx(1 / (1 + 2**-pair.weight))
        assert {name for name, _ in fall.steps} >= {*pair.reasons[:-1]}
    assert "<svg" in links.waterfall(links.all_pairs[0])._repr_html_()
    assert str(links.all_pairs[0].left) not in repr(links.all_pairs[0]) + repr(links)


def test_a_review_shows_both_records_and_the_truth_tells_what_the_trial_tells(
    folder: Path, rows: tuple[Rows, Rows], links: blindlink.Links, tmp_path: Path
) -> None:
    by_id = {one["client_id"]: one for one in rows[0]}
    waiting = links.review()
    assert len(waiting) == links.n_review > 0
    assert all(by_id[one["left_id"]]["first_name"] == one["left_first_name"] for one in waiting)
    truth = [(one["client_id"], one["state_student_id"]) for one in _read(folder / "truth.csv")]
    measured = links.evaluate(folder / "truth.csv")
    assert measured == links.evaluate(truth)
    assert (measured.n_true, measured.n_links) == (len({*truth}), links.n_linked)
    with pytest.raises(blindlink.Error, match="does not have") as refused:
        links.evaluate([("nobody", "nobody")])
    assert refused.value.code == "truth"
    page = links.report(tmp_path / "page.html")
    assert page.read_text().count("<svg") == 4
    with pytest.raises(blindlink.Error):
        links.report(page)


def test_records_go_by_an_index_or_their_place_in_the_type_that_was_given() -> None:
    pandas = pytest.importorskip("pandas")
    people = [
        PERSON | {"ID": f"K{n}", "First": name, "DOB": f"3/1{n}/2012"}
        for n, name in enumerate(("Ana", "Bo", "Cy"))
    ]
    nameless = [{k: v for k, v in one.items() if k != "ID"} for one in people]
    left = pandas.DataFrame(nameless, index=[70, 80, 90])
    found = blindlink.link(left, [nameless[2], nameless[0]])
    assert {(pair.left, pair.right) for pair in found.all_pairs} == {(70, 1), (90, 0)}
    with pytest.raises(blindlink.Error, match="the index of left has a value twice") as refused:
        blindlink.link(left.set_axis([70, 70, 90]), people)
    assert refused.value.code == "duplicate-index"
    dated = pandas.DataFrame(people).assign(DOB=lambda one: pandas.to_datetime(one["DOB"]))
    assert len(blindlink.link(dated, people[:2]).all_pairs) == 2


@pytest.mark.parametrize(
    ("rows", "how", "code", "said"),
    [
        ([], {}, "file-empty", "left has no rows"),
        (3, {}, "input", "left is neither a table, a path, nor rows"),
        ([PERSON], {"left_columns": {"first_name": "Given"}}, "missing-column", "left has no column Given"),
        ([PERSON], {"left_columns": {"given": "First"}}, "config", "given, which the recipe does not have"),
        ([PERSON | {"Zip": 2108}], {}, "cell", "column Zip of left holds a number where text is expected"),
        ([PERSON | {"First": 7}], {}, "guess", "no column of left looks like the first name"),
        ([PERSON | {"First": b"Ana"}], {}, "cell", "row 0 of left, column First"),
        ([PERSON, {" ID": "2"}], {}, "duplicate-header", "same name"),
        ([PERSON, PERSON], {}, "trial-files", "left and right hold the same rows"),
        ([{"ID": "1", "Name": "Ana", "DOB": "3/14/2012"}], {}, "guess", "first name"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_one_sentence_without_a_cell(
    rows: Any, how: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(blindlink.Error) as refused:
        blindlink.link(rows, [PERSON, PERSON], **how)
    assert refused.value.code == code
    assert said in str(refused.value)
    assert not any(cell in str(refused.value) for cell in ("Ana", "Ortiz", "2108", "27601"))


def test_the_package_loads_no_arrays_before_it_is_used_and_lists_what_it_has() -> None:
    code = "import sys, blindlink; print('numpy' in sys.modules, 'pandas' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
    assert all(getattr(blindlink, name).__doc__ for name in blindlink.__all__)
    assert {*blindlink.__all__} <= {*dir(blindlink)}
    with pytest.raises(AttributeError):
        _ = blindlink.nothing
