"""How well the shipped linkage schemas link rehearsal files, beside exact match, plain CLKs and Splink.

    python -m benchmarks.quality             4,000 x 200,000 rows, mid errors, three seeds
    python -m benchmarks.quality --quick     one small rehearsal, to see that it runs

Ours runs at a fixed policy that was chosen on other seeds (benchmarks/weights.py), peers at the threshold that
is best on the very files: in their favour. Splink 5 runs in clear text, in an environment that this script
makes in .bench/. All but exact match get our cleaning, again in the peers' favour. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from app.matching.exhaustive import Dataset, dice_candidates, pack_words
from benchmarks.rehearsed import (
    BENCH,
    Outcome,
    Rehearsal,
    Side,
    agreed,
    clean,
    filters,
    link,
    rehearsal_files,
)
from encoding.evaluate import Evaluation, Pair, evaluate, read_truth
from encoding.linkage import NO_HARDENING, load_shipped
from encoding.recipe import Recipe
from encoding.records import open_table
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, RehearsalFiles
from schemas.profile import EncodingProfile

SEEDS = (41, 42, 43)
SPLINK = "splink>=5,<6"
# Chosen on seeds 31 to 33, of which none is measured here; units of plain CLKs.
POLICIES = {
    "children": agreed(0.88, 0.83, 0.03),
    "children-strict": agreed(0.865, 0.805, 0.03),
}
# The fields and their proportions in CODI's linkage without the household, at the fill of ours.
CODI_BITS = {"first_name": 184, "surname": 184, "birth_date": 184, "sex": 122}
Scored = tuple[float, Pair]


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured on each seed."""

    name: str
    evaluations: list[Evaluation]
    outcomes: list[Outcome]


def main() -> None:
    """Measure every method on every seed and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    sizes = (400, 8_000) if quick else (4_000, 200_000)
    rows: dict[str, Row] = {}
    for seed in SEEDS[: 1 if quick else None]:
        for name, found in measure(rehearsal_files(seed, *sizes)):
            row = rows.setdefault(name, Row(name, [], []))
            row.evaluations.append(found.resolved if isinstance(found, Outcome) else found)
            if isinstance(found, Outcome):
                row.outcomes.append(found)
            print(f"seed {seed}: {name}: {_line(row)}", file=sys.stderr, flush=True)
    print(
        "| method | precision | recall | F1 | auto precision | auto recall | auto F1 | review | gap |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows.values():
        print(f"| {row.name} | {_line(row)} |")


def measure(files: RehearsalFiles) -> Iterator[tuple[str, Evaluation | Outcome]]:
    """Yield every method's result on one rehearsal."""
    yield "exact match on four fields", exact(files)
    plain_rows = clean(files, Recipe.load(_without_variants("children")))
    yield "plain CLK, CODI-like fields, best threshold", best(plain_rows, codi(plain_rows))
    for refined in (False, True):
        name = f"Splink 5, clear text{', term frequencies' if refined else ''}, best threshold"
        yield name, best(plain_rows, splink(plain_rows, refined=refined))
    for name, policy in POLICIES.items():
        profile = load_shipped(name)
        rehearsal = clean(files, Recipe.load(profile.recipe or {}))
        yield f"{name}, eld1", link(rehearsal, profile, policy)
        if name == "children":
            plain = load_shipped(name, hardening=NO_HARDENING)
            yield f"{name}, plain CLK", link(rehearsal, plain, policy)


def exact(files: RehearsalFiles) -> Evaluation:
    """Link what agrees on first name, last name, date of birth and sex, but for capitals."""
    left = _by_key(files.child_welfare, CHILD_WELFARE_LAYOUT)
    right = _by_key(files.k12, K12_LAYOUT)
    pairs = {
        (one, other)
        for key in left.keys() & right.keys()
        for one in left[key]
        for other in right[key]
    }
    return evaluate(sorted(pairs), read_truth(files.truth), by=("race_ethnicity", "surname_form"))


def codi(rehearsal: Rehearsal) -> Iterator[Scored]:
    """Score pairs by plain CLKs of four fields, bigrams throughout but for sex."""
    shipped = load_shipped("children", hardening=NO_HARDENING)
    schema = json.loads(shipped.linkage_schema)
    features = {feature["identifier"]: feature for feature in schema["features"]}
    features["birth_date"]["hashing"]["comparison"] = {"type": "ngram", "n": 2, "positional": False}
    schema["features"] = [features[name] for name in CODI_BITS]
    for feature in schema["features"]:
        feature["hashing"]["strategy"]["bitsPerFeature"] = CODI_BITS[feature["identifier"]]
    profile = shipped.model_copy(update={"linkage_schema": json.dumps(schema)})
    return _candidates(rehearsal, profile, Fraction(3, 4))


def splink(rehearsal: Rehearsal, *, refined: bool) -> Iterator[Scored]:
    """Score pairs by Splink, in an environment of its own."""
    python = _splink_python()
    left, right, out = (BENCH / f"splink-{name}.csv" for name in ("left", "right", "out"))
    for path, side in ((left, rehearsal.left), (right, rehearsal.right)):
        _write_clear(path, side)
    command = [python, Path(__file__).with_name("splink_peer.py"), left, right, out]
    done = subprocess.run(
        [*map(str, command), *(["--refined"] if refined else [])], capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    with out.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pair = int(row["left"]), int(row["right"])
            yield float(row["weight"]), _ids(rehearsal, *pair)


def best(rehearsal: Rehearsal, scored: Iterable[Scored]) -> Evaluation:
    """Return the best that greedy one-to-one links reach at any threshold, chosen by the truth."""
    picked = _one_to_one(scored)
    true = set(rehearsal.truth.pairs)
    n_correct, top = 0, (0.0, 0)
    for n_links, pair in enumerate(picked, start=1):
        n_correct += pair in true
        top = max(top, (2 * n_correct / (n_links + len(true)), n_links))
    return evaluate(picked[: top[1]], rehearsal.truth, by=("race_ethnicity", "surname_form"))


def _one_to_one(scored: Iterable[Scored]) -> list[Pair]:
    left: set[str] = set()
    right: set[str] = set()
    picked = []
    for _, (one, other) in sorted(scored, key=lambda found: (-found[0], found[1])):
        if one not in left and other not in right:
            picked.append((one, other))
            left.add(one)
            right.add(other)
    return picked


def _candidates(
    rehearsal: Rehearsal, profile: EncodingProfile, threshold: Fraction
) -> Iterator[Scored]:
    left, right = (
        Dataset.of(pack_words(filters(side, profile))) for side in (rehearsal.left, rehearsal.right)
    )
    found = dice_candidates(left.words, right.words, threshold, n_threads=2)
    similarity = 2 * found.common / found.total
    for score, one, other in zip(
        similarity.tolist(), found.left.tolist(), found.right.tolist(), strict=True
    ):
        yield score, _ids(rehearsal, one, other)


def _ids(rehearsal: Rehearsal, left_row: int, right_row: int) -> Pair:
    left, right = rehearsal.left, rehearsal.right
    return left.ids[left.record[left_row]], right.ids[right.record[right_row]]


def _by_key(path: Path, layout: Layout) -> dict[tuple[str, ...], set[str]]:
    columns = [layout.inputs[name] for name in ("first_name", "last_name", "birth_date", "sex")]
    table = open_table(path, encoding=layout.text_encoding).select([layout.id_column, *columns])
    keys: dict[tuple[str, ...], set[str]] = {}
    for chunk in table.chunks():
        for record_id, first, last, birth, sex in zip(*chunk.columns.values(), strict=True):
            if "/" in birth:
                month, day, year = birth.split("/")
                birth = f"{year}-{month:>02}-{day:>02}"  # noqa: PLW2901
            keys.setdefault((first.upper(), last.upper(), birth, sex[:1]), set()).add(record_id)
    return keys


def _without_variants(name: str) -> dict[str, object]:
    recipe = load_shipped(name).recipe or {}
    return {**recipe, "variants": {"kinds": [], "cap": 1}}


def _write_clear(path: Path, side: Side) -> None:
    names = ("first_name", "surname", "birth_date", "sex", "middle_initial")
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("row", *names))
        rows = zip(*(side.columns[name] for name in names), strict=True)
        table.writerows((index, *row) for index, row in enumerate(rows))


def _splink_python() -> Path:
    folder = BENCH / "splink-venv"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", SPLINK, "pandas"], check=True)
    return python


def _line(row: Row) -> str:
    found = row.evaluations
    cells = [
        _pooled(found, lambda e: (e.n_correct, e.n_links)),
        _pooled(found, lambda e: (e.n_correct, e.n_true)),
        _pooled(found, lambda e: (2 * e.n_correct, e.n_links + e.n_true)),
    ]
    if row.outcomes:
        auto = [outcome.auto for outcome in row.outcomes]
        cells += [
            _pooled(auto, lambda e: (e.n_correct, e.n_links)),
            _pooled(auto, lambda e: (e.n_correct, e.n_true)),
            _pooled(auto, lambda e: (2 * e.n_correct, e.n_links + e.n_true)),
            f"{100 * sum(o.review_share for o in row.outcomes) / len(row.outcomes):.1f} %",
        ]
    else:
        cells += ["", "", "", ""]
    return " | ".join([*cells, f"{100 * _pooled_gap(found):.1f}"])


def _pooled(found: Sequence[Evaluation], counts: Callable[[Evaluation], tuple[int, int]]) -> str:
    pairs = [counts(evaluation) for evaluation in found]
    return f"{sum(one for one, _ in pairs) / max(1, sum(other for _, other in pairs)):.4f}"


def _pooled_gap(found: Sequence[Evaluation]) -> float:
    """Return the largest gap in recall over all columns, groups pooled over the seeds."""
    gaps = []
    for column in range(len(found[0].subgroups)):
        groups: dict[str, list[float]] = {}
        for evaluation in found:
            for value, recall in evaluation.subgroups[column].recall.items():
                total = groups.setdefault(value, [0.0, 0.0])
                total[0] += recall.value * recall.n
                total[1] += recall.n
        recalls = [n_found / n for n_found, n in groups.values() if n >= 100]
        gaps.append(max(recalls) - min(recalls) if recalls else 0.0)
    return max(gaps)


if __name__ == "__main__":
    main()
