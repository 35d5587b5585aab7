"""What `calibrate` predicts, against loops over texts and against rehearsals whose truth is known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from samples.refusals import raises
from twins.meetings import Spelling, capped, keys_of_record, share_that_meets

from encoding.calibrate import ESTIMATED, MEDIUM, MISTAKE_LEVELS, Calibration, Setting, calibrate
from encoding.calibrate.mistakes import Copyist
from encoding.calibrate.people import Copies, Spellings, clean_rows
from encoding.calibrate.prediction import Rehearsal
from encoding.calibrate.strangers import Strangers, chance_to_be_kept
from encoding.errors import RecordCountError
from encoding.profiles.catalog import shipped_profile
from encoding.quality.duplicates import DuplicatePair
from encoding.recipe.dates import read_date_format
from encoding.records import open_table
from encoding.records.sample import RecordSampler, Sample
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, RehearsalFiles, write_rehearsal
from schemas.linkage.fields import NumberKind

CHILDREN = shipped_profile("children").without_memory()


def rehearsal(folder: Path, n_children: int, n_students: int) -> RehearsalFiles:
    return write_rehearsal(folder, seed=12, n_children=n_children, n_students=n_students)


def sample_of(path: Path, layout: Layout, n_records: int = 20_000) -> Sample:
    table = open_table(path, encoding=layout.text_encoding)
    sampler = RecordSampler(n_records, tuple(layout.inputs.values()), "test")
    for chunk in table.select([layout.id_column, *layout.inputs.values()]).chunks():
        sampler.add(chunk.columns[layout.id_column], chunk.columns)
    return sampler.sample()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The file of 300 children in care."""
    files = rehearsal(tmp_path_factory.mktemp("small"), 300, 400)
    return sample_of(files.child_welfare, CHILD_WELFARE_LAYOUT)


def calibrated(
    sample: Sample, setting: Setting, errors: str = MEDIUM, number: NumberKind | None = None, **more
) -> Calibration:
    layout = CHILD_WELFARE_LAYOUT
    return calibrate(
        sample, shipped_profile("children", number=number), setting, errors,
        columns=layout.inputs, date_format=layout.date_format, n_strangers=10_000, **more,
    )  # fmt: skip


def by_person(spellings: Spellings) -> dict[int, list[Spelling]]:
    found: dict[int, list[Spelling]] = defaultdict(list)
    for at, person in enumerate(spellings.person.tolist()):
        found[person].append({name: cells[at] for name, cells in spellings.columns.items()})
    return found


def copies_of(sample: Sample, errors: str = MEDIUM) -> Copies:
    layout = CHILD_WELFARE_LAYOUT
    rows = {name: sample.columns[header] for name, header in layout.inputs.items()}
    originals = clean_rows(rows, sample.record, CHILDREN, layout.date_format)
    copied = np.unique(originals.person)
    first = np.searchsorted(sample.record, copied).tolist()
    firsts = {name: [cells[at] for at in first] for name, cells in rows.items()}
    date_format = read_date_format(layout.date_format)
    copyist = Copyist(date_format, MISTAKE_LEVELS[errors], Random(1))
    copies = clean_rows(copyist.copy(firsts), np.arange(len(copied)), CHILDREN, layout.date_format)
    return Copies(originals, copies, copied)


def test_without_a_cap_the_ceiling_is_that_of_loops_over_texts(small: Sample) -> None:
    people = copies_of(small)
    strangers = Strangers.draw(people.originals, 2_000, np.random.default_rng(1))
    found = Rehearsal(CHILDREN, people, strangers, Setting(300, 2_000)).predict(64)
    own, others = (
        {
            person: keys_of_record(CHILDREN, spelled, CHILDREN.alias_keys.smaller)
            for person, spelled in by_person(side).items()
        }
        for side in (people.originals, people.copies)
    )
    met = [
        bool(own[person] & others.get(copy, set()))
        for copy, person in enumerate(people.copied.tolist())
    ]
    assert found.ceiling == pytest.approx(sum(met) / len(met), abs=1e-4)
    assert found.ceiling < 1


def test_rows_are_kept_as_often_as_in_blocks_of_that_size() -> None:
    for cap in (1, 2, 4):
        draw = np.random.default_rng(4)
        expected = draw.gamma(0.5, 4.0, 20_000)
        # Counted among a tenth of the strangers, and as it turns out among all.
        counted, really = draw.poisson(expected / 10), draw.poisson(expected)
        truth = np.minimum(1, cap / (really + 1)).mean()
        predicted = chance_to_be_kept(counted.astype(float), 10.0, cap)
        assert predicted.mean() == pytest.approx(truth, abs=0.01), cap
        assert ((predicted >= 0) & (predicted <= 1)).all()
        assert predicted[counted > 3].mean() < predicted[counted == 0].mean()
    # A default date is known to fill its block.
    counted = np.array([0.0] * 990 + [5_000.0] * 10)
    kept = chance_to_be_kept(counted, 10.0, 8)
    assert (kept[:990] > 0.99).all()
    assert (kept[990:] < 0.001).all()


@pytest.mark.long
def test_the_predicted_ceiling_is_what_a_rehearsal_finds(tmp_path: Path) -> None:
    files = rehearsal(tmp_path, 1_000, 20_000)
    setting = Setting(1_000, 20_000, 0.6)
    found = calibrated(sample_of(files.child_welfare, CHILD_WELFARE_LAYOUT), setting)
    numbers: list[dict[str, int]] = []
    keys = []
    for path, layout, n_aliases in (
        (files.child_welfare, CHILD_WELFARE_LAYOUT, CHILDREN.alias_keys.smaller),
        (files.k12, K12_LAYOUT, CHILDREN.alias_keys.larger),
    ):
        table = open_table(path, encoding=layout.text_encoding)
        ids = [one for chunk in table.chunks() for one in chunk.columns[layout.id_column]]
        number = {one: at for at, one in enumerate(dict.fromkeys(ids))}
        record = np.array([number[one] for one in ids])
        order = np.argsort(record, kind="stable")
        rows = {
            name: [cell for chunk in table.chunks() for cell in chunk.columns[header]]
            for name, header in layout.inputs.items()
        }
        rows = {name: [cells[at] for at in order.tolist()] for name, cells in rows.items()}
        spelled = by_person(clean_rows(rows, record[order], CHILDREN, layout.date_format))
        keys.append([keys_of_record(CHILDREN, spelled[at], n_aliases) if at in spelled else set()
                     for at in range(len(number))])  # fmt: skip
        numbers.append(number)
    truth = [
        (numbers[0][one], numbers[1][other])
        for chunk in open_table(files.truth).chunks()
        for one, other in zip(*list(chunk.columns.values())[:2], strict=True)
    ]
    for passes in found.sets:
        if passes.has_zip:
            for one in passes.predictions:
                kept = capped(keys[1], one.block_cap, seed=1)
                measured = share_that_meets(truth, keys[0], kept)
                assert one.ceiling == pytest.approx(measured, abs=0.02)


@pytest.fixture(scope="module")
def predicted(small: Sample) -> Calibration:
    return calibrated(small, Setting(300, 50_000))


def test_it_compares_the_shipped_passes_with_zip_and_without(
    small: Sample, predicted: Calibration
) -> None:
    assert calibrated(small, Setting(300, 50_000)) == predicted
    assert [one.has_zip for one in predicted.sets] == [True, False]
    assert [one.profiles[0][0] for one in predicted.sets] == ["children", "children-no-zip"]
    for one in predicted.sets:
        caps = [each.block_cap for each in one.predictions]
        ceilings = [each.ceiling for each in one.predictions]
        assert caps == sorted(caps)
        assert ceilings == sorted(ceilings)
        assert one.best.block_cap >= 4
    assert predicted.recommended in predicted.sets


def test_a_known_number_finds_more(small: Sample, predicted: Calibration) -> None:
    numbered = calibrated(small, Setting(300, 50_000), number="student-id")
    names = [one.profiles[0][0] for one in numbered.sets]
    assert names == ["children-student-id", "children-no-zip-student-id"]
    for one, plain in zip(numbered.sets, predicted.sets, strict=True):
        assert one.best.recall > plain.best.recall
        assert one.best.ceiling > plain.best.ceiling


def test_without_the_sex_the_passes_of_the_files_size_are_tried(small: Sample) -> None:
    layout = CHILD_WELFARE_LAYOUT
    found = calibrate(
        small, shipped_profile("children", sex=False), Setting(300, 2_000_000), MEDIUM,
        columns=layout.inputs, date_format=layout.date_format, n_strangers=10_000,
    )  # fmt: skip
    names = [one.profiles[0][0] for one in found.sets]
    assert names == ["children-nation-no-sex", "children-nation-no-zip-no-sex"]


def test_a_column_that_a_large_file_lacks_and_a_date_for_unknown_are_predicted_without(
    small: Sample,
) -> None:
    sex, birth_date = (CHILD_WELFARE_LAYOUT.inputs[name] for name in ("sex", "birth_date"))
    dates = ["12/31/9999" if at % 3 else cell for at, cell in enumerate(small.columns[birth_date])]
    for changed, setting in (
        ({sex: [""] * len(small.record)}, Setting(2_000, 50_000)),
        ({birth_date: dates}, Setting(300, 50_000)),
    ):
        found = calibrated(replace(small, columns={**small.columns, **changed}), setting)
        assert 0 < found.recommended.best.recall < 1


def test_a_profile_of_ones_own_is_tried_alone(small: Sample) -> None:
    own = CHILDREN.model_copy(update={"name": "ours", "block_cap": 3})
    layout = CHILD_WELFARE_LAYOUT
    found = calibrate(
        small, own, Setting(300, 50_000), MEDIUM,
        columns=layout.inputs, date_format=layout.date_format, n_strangers=10_000,
    )  # fmt: skip
    (one,) = found.sets
    assert one.profiles == (("ours", 3),)
    assert [each.block_cap for each in one.predictions] == [2, 3, 4, 8, 16]


def test_more_mistakes_find_fewer(small: Sample, predicted: Calibration) -> None:
    heavy = calibrated(small, Setting(300, 50_000), "heavy")
    light = calibrated(small, Setting(300, 50_000), "light")
    by_level = [one.recommended.best for one in (light, predicted, heavy)]
    assert [one.recall for one in by_level] == sorted(
        (one.recall for one in by_level), reverse=True
    )
    assert by_level[0].ceiling > by_level[2].ceiling


def test_a_larger_partner_has_more_strangers(small: Sample, predicted: Calibration) -> None:
    larger = calibrated(small, Setting(300, 5_000_000))
    for one, other in zip(predicted.sets, larger.sets, strict=True):
        assert other.predictions[-1].neighbours > 5 * one.predictions[-1].neighbours
        assert other.predictions[0].ceiling < one.predictions[0].ceiling


def test_mistakes_are_estimated_from_duplicates(small: Sample) -> None:
    never = [DuplicatePair(1, 2, 0.99, ()) for _ in range(200)]
    often = [replace(pair, differs=("surname",)) for pair in never]
    setting = Setting(300, 50_000)
    tidy = calibrated(small, setting, ESTIMATED, duplicates=never)
    untidy = calibrated(small, setting, ESTIMATED, duplicates=often)
    medium = MISTAKE_LEVELS[MEDIUM].errors
    assert tidy.mistakes.errors.last_typo < medium.last_typo < untidy.mistakes.errors.last_typo
    assert tidy.mistakes.errors.first_typo == untidy.mistakes.errors.first_typo
    assert tidy.recommended.best.recall > untidy.recommended.best.recall


def test_too_few_duplicates_or_records_are_refused(small: Sample, tmp_path: Path) -> None:
    doubtful = [DuplicatePair(1, 2, 0.5, ()) for _ in range(200)]
    with raises(RecordCountError, match="fewer than 30 people are in the file twice"):
        calibrated(small, Setting(300, 50_000), ESTIMATED, duplicates=doubtful)
    few = sample_of(rehearsal(tmp_path, 50, 60).child_welfare, CHILD_WELFARE_LAYOUT)
    with raises(RecordCountError, match="fewer than 200 records"):
        calibrated(few, Setting(50, 50_000))


def test_the_page_lists_the_mistakes_that_are_made() -> None:
    text = (Path(__file__).parents[3] / "docs/calibrate.md").read_text("utf-8")
    cells = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    listed = {name.strip("`"): [float(one) for one in rates[:3]] for name, *rates in cells}
    levels = [level.table() for level in MISTAKE_LEVELS.values()]
    assert list(MISTAKE_LEVELS) == ["light", "medium", "heavy"]
    assert listed == {name: [round(100 * one[name], 2) for one in levels] for name in levels[0]}
