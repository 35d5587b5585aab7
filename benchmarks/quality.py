"""How well block-salted rows link rehearsals, beside exact match, plain CLKs and Splink in clear text.

    python -m benchmarks.quality                              4,000 x 200,000, mid errors, four seeds
    python -m benchmarks.quality --children 1000 --students 20000 --errors high --seeds 41 42
    python -m benchmarks.quality --methods bsf1 exact         some of the methods only
    python -m benchmarks.quality --case strangers             or zip, or clones: what may go wrong in files
    python -m benchmarks.quality --populations --seeds 1 2    those of benchmarks/populations.py
    python -m benchmarks.quality --known-numbers              child welfare has 80 % of student IDs, 1 % wrong

Every method gets our cleaning, links greedily one-to-one, and is measured by the people whom it should find.
Splink 5 runs in an environment that this script makes in .bench/. Plain CLKs have no probability: only what is
best by the truth is shown of them. `name frequency` is an experiment: bsf1's weights, with both names' own
frequencies in clear text. Prints a line a method and seed to stderr, then a table of means in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive import dice_candidates, pack_words
from benchmarks.peers import peer_python
from benchmarks.populations import WORLDS, population
from benchmarks.rehearsed import (
    AUTO,
    BENCH,
    CASES,
    LEVELS,
    File,
    Linked,
    Rehearsal,
    Scored,
    Truth,
    clean,
    hard_case,
    link,
    mains,
    rehearsal_files,
)
from encoding.extras.plain_clks.encoder import Encoder
from encoding.profiles.catalog import NUMBER_FIELD, SHIPPED, SIZES, ZIP_FIELD, shipped_profile
from schemas.linkage.fields import NumberKind
from schemas.linkage.profile import EncodingProfile

SEEDS = (41, 42, 43, 44)
SPLINK = "splink>=5,<6"
REVIEW = 0.05
PRECISION = 0.995
# With fewer people, the interval of a recall is wider than any gap that matters.
MIN_GROUP = 100
FEWEST_SHOWN = 20
# What went wrong is no group: of course those of whom much did are found less often.
ERRORS = "error"
# The fields and their proportions in CODI's linkage without the household, at a fill of about two fifths.
CODI_BITS = {"first_name": 184, "surname": 184, "birth_date": 184, "sex": 122}
CLK_THRESHOLD = Fraction(3, 4)
_CLK_KEY = "5f" * 32


@dataclass(frozen=True)
class Measured:
    """One method on one rehearsal; what needs match probabilities is NaN where there are none.

    Attributes:
        met: share of the people whose records were brought together.
        f1: the best F1 of any threshold.
        recall_995: recall at the lowest threshold whose precision is .995.
        precision: of links of probability .9 and more.
        recall: the same.
        expected: wrong links among them by the probabilities.
        wrong: wrong links among them.
        review: pairs of probability .05 to .9.
        reviewed: recall after a review without mistakes.
    """

    met: float
    f1: float
    recall_995: float
    precision: float
    recall: float
    expected: float
    wrong: float
    review: float
    reviewed: float


@dataclass(frozen=True)
class Result:
    """What was measured, and who of each group was found after review, for the gap over all seeds."""

    measured: Measured
    found: Mapping[str, Counter[str]]
    all: Mapping[str, Counter[str]]


# What is measured of populations: Splink gets ZIP codes, as bsf1 does.
SIDE_BY_SIDE = ("exact match", "plain CLK", "Splink, ZIP", "bsf1", "bsf1, no ZIP")
Method = Callable[[Rehearsal, EncodingProfile], Scored]


def main() -> None:
    """Measure every method on every seed and print the tables."""
    arguments = _arguments()
    methods = {
        name: method
        for name, method in METHODS.items()
        if (name in SIDE_BY_SIDE if arguments.populations else True)
        and any(wanted in name for wanted in arguments.methods)
        and (arguments.known_numbers or "number" not in name)
    }
    results: dict[tuple[str, str], list[Result]] = {}
    number: NumberKind | None = "student-id" if arguments.known_numbers else None
    profile = shipped_profile(arguments.profile, size=arguments.size, number=number)
    for where, seed, rehearsal in _rehearsals(arguments, profile):
        for name, method in methods.items():
            result = measure(method(rehearsal, profile), rehearsal.truth)
            results.setdefault((where, name), []).append(result)
            print(f"| {seed}: {_line((where, name), [result])} |", file=sys.stderr, flush=True)
        if number is not None:
            print(f"{seed}: {numbers_line(rehearsal, profile)}", file=sys.stderr, flush=True)
    columns = [
        "population",
        "method",
        *(field.name for field in fields(Measured)),
        "too wrong",
        "gap",
    ]
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for key, found in results.items():
        print(f"| {_line(key, found)} |")
    if arguments.populations:
        _print_groups(results)


def _rehearsals(
    arguments: argparse.Namespace, profile: EncodingProfile
) -> Iterator[tuple[str, int, Rehearsal]]:
    """Yield what is measured: a name, a seed, and two files."""
    if arguments.populations:
        for world in WORLDS:
            if arguments.worlds and world.name not in arguments.worlds:
                continue
            name = f"{world.name} ({'for choosing' if world.is_for_choosing else 'shown only'})"
            for seed in arguments.seeds:
                yield name, seed, population(world, profile, seed)
        return
    for seed in arguments.seeds:
        files = rehearsal_files(
            seed,
            arguments.children,
            arguments.students,
            arguments.errors,
            known_numbers=arguments.known_numbers,
        )
        yield "rehearsal", seed, hard_case(clean(files, profile), arguments.case, seed)


def _print_groups(results: Mapping[tuple[str, str], Sequence[Result]]) -> None:
    """Print how many of each kind of people each method finds after review, over all populations."""
    methods = list(dict.fromkeys(method for _, method in results))
    pooled = {
        method: [one for (_, name), of in results.items() if name == method for one in of]
        for method in methods
    }
    print(f"\n| who | people | {' | '.join(methods)} |\n{'|---' * (len(methods) + 2)}|")
    for group in pooled[methods[0]][0].all:
        found = {
            method: sum((one.found[group] for one in each), Counter[str]())
            for method, each in pooled.items()
        }
        everybody = sum((one.all[group] for one in pooled[methods[0]]), Counter[str]())
        for value, n in sorted(everybody.items(), key=lambda one: -one[1]):
            if n >= FEWEST_SHOWN:
                shares = " | ".join(f"{found[method][value] / n:.3f}" for method in methods)
                print(f"| {group}: {value} | {n} | {shares} |")


def measure(scored: Scored, truth: Truth) -> Result:
    """Link greedily one-to-one, the highest score first, and measure."""
    order = np.lexsort((scored.right, scored.left, -scored.score))
    picked = order[_one_to_one(scored.left[order].tolist(), scored.right[order].tolist())]
    person = np.array(
        [truth.person.get(pair, -1) for pair in _pairs(scored, picked)], dtype=np.int64
    )
    n_people = max(1, len(set(truth.person.values())))
    # The second record of a person who is found already is no wrong link, and finds nobody.
    new = np.zeros(len(picked), dtype=bool)
    new[np.unique(person, return_index=True)[1]] = True
    n_right = np.cumsum(new & (person >= 0))
    n_wrong = np.cumsum(person < 0)
    recall, precision = n_right / n_people, n_right / np.maximum(n_right + n_wrong, 1)
    f1 = 2 * n_right / (n_right + n_wrong + n_people)
    met = {truth.person.get(pair, -1) for pair in _pairs(scored, order)} - {-1}
    exact_enough = recall[precision >= PRECISION]
    decided = _decided(scored, picked, person, n_people)
    reviewed = set(person.tolist())
    if scored.chance is not None:
        reviewed = set(person[scored.chance[picked] >= REVIEW].tolist())
    measured = Measured(
        len(met) / n_people, float(f1.max()), float(exact_enough.max(initial=0)), *decided
    )
    return Result(measured, *_by_group(truth, reviewed - {-1}))


def _decided(
    scored: Scored, picked: NDArray[np.intp], person: NDArray[np.int64], n_people: int
) -> tuple[float, ...]:
    """Return what the probabilities decide: precision to `reviewed` of `Measured`."""
    if scored.chance is None:
        return (float("nan"),) * 6
    chance = scored.chance[picked]
    auto = chance >= float(AUTO)
    held = (chance >= REVIEW) & ~auto
    right = len(set(person[auto].tolist()) - {-1})
    after = len(set(person[auto | held].tolist()) - {-1})
    wrong = int((person[auto] < 0).sum())
    return (
        right / max(1, right + wrong),
        right / n_people,
        float((1 - chance[auto]).sum()),
        float(wrong),
        float(held.sum()),
        after / n_people,
    )


def exact(rehearsal: Rehearsal, _: EncodingProfile) -> Scored:
    """Link what agrees on first name, surname, date of birth and sex."""
    names = ("first_name", "surname_1", "surname_2", "birth_date", "sex")
    left, right = (_records_by_values(file, names) for file in (rehearsal.left, rehearsal.right))
    pairs = sorted(
        {
            (one, other)
            for key in left.keys() & right.keys()
            for one in left[key]
            for other in right[key]
        }
    )
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Scored(one, other, np.ones(len(one)))


def plain_clk(rehearsal: Rehearsal, _: EncodingProfile) -> Scored:
    """Score all pairs of records by plain CLKs of four fields, bigrams but for sex."""
    encoder = Encoder(_codi_schema(), _CLK_KEY)
    sides = []
    for file in (rehearsal.left, rehearsal.right):
        filters = encoder.encode(_clear(file)).filters
        sides.append(pack_words(filters))
    found = dice_candidates(sides[0], sides[1], CLK_THRESHOLD, n_threads=2)
    records = [
        file.record[mains(file)].astype(np.int64) for file in (rehearsal.left, rehearsal.right)
    ]
    similarity = 2 * found.common / found.total
    return Scored(records[0][found.left], records[1][found.right], similarity)


def splink(*options: str) -> Method:
    """Return the method that scores pairs by Splink, in an environment of its own."""

    def method(rehearsal: Rehearsal, _: EncodingProfile) -> Scored:
        left, right, out = (BENCH / f"splink-{name}.csv" for name in ("left", "right", "out"))
        for path, file in ((left, rehearsal.left), (right, rehearsal.right)):
            _write_clear(path, file)
        run_splink(left, right, out, *options)
        records = [
            file.record[mains(file)].astype(np.int64) for file in (rehearsal.left, rehearsal.right)
        ]
        with out.open(encoding="utf-8", newline="") as table:
            rows = [
                (int(r["left"]), int(r["right"]), float(r["weight"])) for r in csv.DictReader(table)
            ]
        one, other, weight = (np.array(column) for column in zip(*rows, strict=True))
        return Scored(records[0][one], records[1][other], weight, 1 / (1 + 2.0**-weight))

    return method


def run_splink(left: Path, right: Path, out: Path, *options: str) -> None:
    """Link two files by Splink, in an environment of its own, which is made at the first time."""
    peer = Path(__file__).with_name("splink_peer.py")
    command = [
        str(one) for one in (peer_python("splink", SPLINK, "pandas"), peer, left, right, out)
    ]
    done = subprocess.run([*command, *options], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())


def bsf1(rehearsal: Rehearsal, profile: EncodingProfile) -> Scored:
    """Link by block-salted rows."""
    return link(rehearsal, profile).scored


def bsf1_without_zip(rehearsal: Rehearsal, profile: EncodingProfile) -> Scored:
    """Link by block-salted rows, without ZIP codes."""
    return link(rehearsal, _without(profile, ZIP_FIELD)).scored


def bsf1_without_number(rehearsal: Rehearsal, profile: EncodingProfile) -> Scored:
    """Link by block-salted rows, without the known number."""
    return link(rehearsal, _without(profile, NUMBER_FIELD)).scored


def name_frequency(rehearsal: Rehearsal, profile: EncodingProfile) -> Scored:
    """Link by block-salted rows; a name that is shared weighs by its own frequency in the larger file."""
    found = link(rehearsal, profile)
    scored = found.scored
    more = np.zeros(len(scored.score))
    for field, columns, levels in (
        ("first-name", ("first_name",), ("exact",)),
        ("surname", ("surname_1", "surname_2"), ("both",)),
    ):
        more += _rarity(rehearsal, profile, found, field, columns, levels)
    score = scored.score + 1000 * more
    return Scored(scored.left, scored.right, score, 1 / (1 + 2.0 ** (-score / 1000)))


METHODS: dict[str, Method] = {
    "exact match": exact,
    "plain CLK": plain_clk,
    "Splink": splink(),
    "Splink, ZIP": splink("--zip"),
    "Splink, term frequencies": splink("--term-frequencies"),
    "Splink, ZIP, term frequencies": splink("--zip", "--term-frequencies"),
    "bsf1": bsf1,
    "bsf1, no ZIP": bsf1_without_zip,
    "bsf1, no number": bsf1_without_number,
    "name frequency": name_frequency,
}


def _without(profile: EncodingProfile, field: str) -> EncodingProfile:
    """Return the profile without a field, and without the passes that need it."""
    (gone,) = (one for one in profile.fields if one.name == field)
    columns = {lane.column for lane in gone.lanes}
    return profile.model_copy(
        update={
            "fields": tuple(one for one in profile.fields if one is not gone),
            "passes": tuple(one for one in profile.passes if not one.columns & columns),
        }
    )


def numbers_line(rehearsal: Rehearsal, profile: EncodingProfile) -> str:
    """Return what a known number did: pairs that agree on it, by whether they are one person, and by band."""
    found = link(rehearsal, profile)
    scored, names = found.scored, [field.name for field in profile.fields]
    assert scored.chance is not None
    same = found.levels[:, names.index(NUMBER_FIELD)] == 1
    pairs = zip(scored.left.tolist(), scored.right.tolist(), strict=True)
    is_right = np.array([pair in rehearsal.truth.person for pair in pairs], dtype=bool)
    bands = np.digitize(scored.chance, [REVIEW, float(AUTO)])
    counted = [
        [int((same & (is_right == right) & (bands == band)).sum()) for band in (2, 1, 0)]
        for right in (True, False)
    ]
    return (
        "pairs that agree on the number, likely enough to be linked, to be reviewed, neither: "
        f"of one person {counted[0]}, of two people {counted[1]}"
    )


def _rarity(
    rehearsal: Rehearsal,
    profile: EncodingProfile,
    found: Linked,
    field: str,
    columns: Sequence[str],
    levels: Sequence[str],
) -> NDArray[np.float64]:
    """Return for each pair log2 of u at its level over the share of the name, where they share one."""
    number = [one.name for one in profile.fields].index(field)
    names = [level.name for level in profile.fields[number].levels]
    strangers = np.array(found.counts.fields[number].strangers) / sum(
        found.counts.fields[number].strangers
    )
    file = rehearsal.right
    first = mains(file)
    values = list(
        zip(*([file.columns[name][at] for at in first.tolist()] for name in columns), strict=True)
    )
    share = Counter(values)
    of_record = dict(zip(file.record[first].tolist(), values, strict=True))
    more = np.zeros(len(found.levels))
    for name in levels:
        place = names.index(name)
        for at in np.flatnonzero(found.levels[:, number] == place + 1).tolist():
            n = share[of_record[int(found.scored.right[at])]]
            more[at] = np.log2(max(strangers[place], 1e-9) * len(values) / n)
    return more


def _pairs(scored: Scored, at: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    return zip(scored.left[at].tolist(), scored.right[at].tolist(), strict=True)


def _one_to_one(left: Iterable[int], right: Iterable[int]) -> list[int]:
    """Return the places of the pairs that are taken, the first one of each record."""
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    picked = []
    for at, (one, other) in enumerate(zip(left, right, strict=True)):
        if one not in taken_left and other not in taken_right:
            picked.append(at)
            taken_left.add(one)
            taken_right.add(other)
    return picked


def _by_group(
    truth: Truth, found: set[int]
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    return (
        {name: Counter(value for who, value in values.items() if who in found)
         for name, values in truth.groups.items()},
        {name: Counter(values.values()) for name, values in truth.groups.items()},
    )  # fmt: skip


def _gap(results: Sequence[Result]) -> float:
    """Return the largest difference in recall after review, groups pooled over the seeds."""
    gaps = [0.0]
    for name in results[0].all.keys() - {ERRORS}:
        everybody = sum((one.all[name] for one in results), Counter[str]())
        found = sum((one.found[name] for one in results), Counter[str]())
        recall = [found[value] / n for value, n in everybody.items() if n >= MIN_GROUP]
        gaps.append(max(recall, default=0.0) - min(recall, default=0.0))
    return max(gaps)


def _too_wrong(results: Sequence[Result]) -> int:
    """Return on how many seeds more links are wrong than their probabilities allow for, by two deviations."""
    measured = [one.measured for one in results]
    return sum(one.wrong > one.expected + 2 * one.expected**0.5 + 1 for one in measured)


def _line(name: tuple[str, str], results: Sequence[Result]) -> str:
    cells = []
    for field in fields(Measured):
        mean = float(np.mean([getattr(one.measured, field.name) for one in results]))
        digits = 1 if field.name in ("expected", "wrong", "review") else 4
        cells.append("" if np.isnan(mean) else f"{mean:.{digits}f}")
    return " | ".join([*name, *cells, str(_too_wrong(results)), f"{_gap(results):.3f}"])


def _records_by_values(file: File, names: Sequence[str]) -> dict[tuple[str, ...], set[int]]:
    found: dict[tuple[str, ...], set[int]] = {}
    for record, *values in zip(
        file.record.tolist(), *(file.columns[name] for name in names), strict=True
    ):
        if all(values):
            found.setdefault(tuple(values), set()).add(record)
    return found


def _clear(file: File) -> dict[str, list[str]]:
    """Return one spelling a record, the surname in one column."""
    first = mains(file).tolist()
    taken = {name: [cells[at] for at in first] for name, cells in file.columns.items()}
    parts = zip(taken["surname_1"], taken["surname_2"], strict=True)
    return taken | {"surname": [one if one == two else f"{one} {two}" for one, two in parts]}


def _codi_schema() -> dict[str, object]:
    return {
        "version": 3,
        "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}},
        "features": [
            {
                "identifier": name,
                "format": {"type": "string", "encoding": "utf-8", "case": "mixed"},
                "hashing": {
                    "comparison": {"type": "ngram", "n": 1 if name == "sex" else 2},
                    "strategy": {"bitsPerFeature": bits},
                    "hash": {"type": "blakeHash"},
                },
            }
            for name, bits in CODI_BITS.items()
        ],
    }


def _write_clear(path: Path, file: File) -> None:
    names = ("first_name", "surname", "birth_date", "sex", "middle_initial", "zip")
    columns = _clear(file)
    with path.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(("row", *names))
        rows = zip(*(columns[name] for name in names), strict=True)
        table.writerows((index, *row) for index, row in enumerate(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--children", type=int, default=4_000)
    parser.add_argument("--students", type=int, default=200_000)
    parser.add_argument("--errors", choices=LEVELS, default="mid")
    parser.add_argument("--profile", choices=SHIPPED, default="children")
    parser.add_argument("--size", choices=SIZES, default="state")
    parser.add_argument("--case", choices=CASES, default="plain")
    parser.add_argument("--populations", action="store_true")
    parser.add_argument("--worlds", nargs="+", help="some of the populations only")
    parser.add_argument("--known-numbers", action="store_true")
    parser.add_argument("--methods", nargs="+", default=[""])
    return parser.parse_args()


if __name__ == "__main__":
    main()
