"""What a partner reads of linked children whose ZIP it does not have, by an encoder of its own.

    python -m benchmarks.crafted_rows                        4,000 x 22,000, four seeds
    python -m benchmarks.crafted_rows --seeds 41

The partner puts another guessed ZIP into each row of every record. Its release names the row in which a record
met its match, so it claims the ZIP of that row: by the row that scored best, as releases said once, and by that
of the smallest common token, as they say. Then it sends copies of records it has links of, each with a guess.
Beside it what the same checks see of honest files. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks import resolution
from app.matching.blocks.decisions import Band
from app.matching.blocks.errors import RowMatchingError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Window, meet
from app.matching.blocks.resolution import Resolution
from app.matching.blocks.weights import model_of, shipped_scores
from benchmarks.rehearsed import File, Rehearsal, clean, encoded_file, mains, rehearsal_files
from encoding.blocks.assembly import Assembly
from encoding.blocks.keys import index_rows
from encoding.profiles.catalog import shipped_profile
from encoding.trial import linkage
from encoding.trial.linkage import Encoded, link
from schemas.linkage.profile import TOKEN_BYTES, EncodingProfile, Side

SEEDS = (41, 42, 43, 44)
# A pair meets up to nine times: of more guesses none is likelier to be among them.
N_GUESSED = 9
N_COPIED, N_COPIES = 200, 12


class Guessing(Assembly):
    """Makes rows as always, but for the ZIP, which is guessed anew in each."""

    guesses: ClassVar[list[str]] = []

    def _sealed(self, cells: Any, places: Any, records: Any, lines: Any) -> Any:
        indexed = np.frombuffer(index_rows(cells.tobytes(), places.tolist()), np.uint8)
        tokens = indexed.reshape(-1, 2 * TOKEN_BYTES)[:, :TOKEN_BYTES]
        columns = [placed.lane.column for placed in self._tables.layout.tags]
        numbers = np.array(self._tables.tags[columns.index("zip")].numbers(self.guesses))
        lines = lines.copy()
        lines[:, len(self._tables.filters) + columns.index("zip")] = numbers[guess_of(tokens)]
        return super()._sealed(cells, places, records, lines)


def guess_of(tokens: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return which guess the rows of tokens carry, so that it need not be kept."""
    some = np.ascontiguousarray(tokens[:, :4]).view(">u4").astype(np.int64).reshape(-1)
    return some % len(Guessing.guesses)


@contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Let a module have another thing of a name meanwhile."""
    was = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, was)


def sizes_given(description: str | None) -> argparse.Namespace:
    """Return the sizes of both files and the seeds, as they were typed."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--children", type=int, default=4_000)
    parser.add_argument("--students", type=int, default=22_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    return parser.parse_args()


def main() -> None:
    """Attack each seed from both sides, and print what was read."""
    given = sizes_given(__doc__)
    print(
        "| seed | who asks | other ZIPs among links | read by the best row "
        "| by the first row, and wrong claims | unsteady | the run |"
    )
    print("|---|---|--:|--:|--:|--:|---|")
    for seed in given.seeds:
        profile = shipped_profile("children")
        files = rehearsal_files(seed, given.children, given.students, "mid")
        rehearsal = clean(files, profile)
        honest = {side: encoded_file(file, profile, side) for side, file in sides(rehearsal)}
        print(f"| {seed} | nobody | | | | {unsteady(profile, honest)} |", flush=True)
        for side, file in sides(rehearsal):
            print(f"| {seed} | {attack(rehearsal, profile, side, file, honest)} |", flush=True)
        print(f"| {seed} | {copies(rehearsal, profile)} |", flush=True)


def sides(rehearsal: Rehearsal) -> tuple[tuple[Side, File], tuple[Side, File]]:
    """Return both files by their side."""
    return ("smaller", rehearsal.left), ("larger", rehearsal.right)


def unsteady(profile: EncodingProfile, files: dict[Side, Encoded]) -> str:
    """Return how many links' meetings differ, and whether the run ends."""
    rows = unchecked(profile, files).rows(Band.AUTO)
    return f"{int(rows['is_unsteady'].sum())} of {len(rows):,} | {ending(profile, files)}"


def ending(profile: EncodingProfile, files: dict[Side, Encoded]) -> str:
    """Return what becomes of a run."""
    try:
        link(profile, files["smaller"], files["larger"])
    except RowMatchingError as error:
        return f"ends: {error.code}"
    return "goes on"


def unchecked(profile: EncodingProfile, files: dict[Side, Encoded]) -> Resolution:
    """Return a run that is not ended."""
    with patched(resolution, "require_steady", lambda *_: None):
        return link(profile, files["smaller"], files["larger"])


def attack(
    rehearsal: Rehearsal,
    profile: EncodingProfile,
    side: Side,
    own: File,
    honest: dict[Side, Encoded],
) -> str:
    """Let one side guess ZIPs, and return what it reads of links whose ZIPs differ."""
    common = Counter(own.columns["zip"]).most_common(N_GUESSED)
    Guessing.guesses = [code for code, _ in common if code]
    with patched(linkage, "Assembly", Guessing):
        files = honest | {side: encoded_file(own, profile, side)}
    run = unchecked(profile, files)
    pairs = run.rows(Band.AUTO)
    zips = {one: zips_of(file) for one, file in sides(rehearsal)}
    mine, theirs = (
        zips[one][pairs[one]] for one in (side, "larger" if side == "smaller" else "smaller")
    )
    differs = (mine != theirs) & (theirs != "") & (mine != "")
    tokens = files[side].rows["token"]
    guesses = np.array(Guessing.guesses)
    read = []
    for rows in (best_rows(profile, files, pairs, side), pairs[f"row_{side}"]):
        claimed = guesses[guess_of(tokens[rows])]
        read.append(float((claimed == theirs)[differs].mean()))
    return (
        f"the agency of the {side} file | {int(differs.sum()):,} of {len(pairs):,} | {read[0]:.1%} | "
        f"{read[1]:.1%}, {1 - read[1]:.1%} | {unsteady(profile, files)}"
    )


def zips_of(file: File) -> NDArray[Any]:
    """Return the ZIP of each record's main spelling."""
    codes = np.full(len(file.ids), "", dtype="U10")
    at = mains(file)
    codes[file.record[at]] = np.array(file.columns["zip"])[at]
    return codes


def best_rows(
    profile: EncodingProfile, files: dict[Side, Encoded], pairs: Any, side: Side
) -> NDArray[np.int64]:
    """Return the row of each pair's best-scoring meeting."""
    rules = LevelRules(profile)
    met = meet(Window(files["smaller"].rows, 0), Window(files["larger"].rows, 0), rules)
    model = model_of(profile, files["larger"].counts, files["larger"].n_records)
    levels, score = rules.levels_of(met["code"]), np.zeros(len(met), dtype=np.int64)
    for number, of_level in enumerate(shipped_scores(model)):
        score += np.array(of_level, dtype=np.int64)[levels[:, number]]
    key = met["smaller"].astype(np.uint64) << np.uint64(32) | met["larger"]
    order = np.lexsort((met["row_smaller"], met["code"], -score, key))
    found, first = np.unique(key[order], return_index=True)
    wanted = pairs["smaller"].astype(np.uint64) << np.uint64(32) | pairs["larger"]
    rows: NDArray[np.int64] = met[f"row_{side}"][order[first[np.searchsorted(found, wanted)]]]
    return rows


def copies(rehearsal: Rehearsal, profile: EncodingProfile) -> str:
    """Let the smaller side send copies of linked records, each with the link ID, and say what the run does."""
    rng = np.random.default_rng(1)
    pairs = sorted(rehearsal.truth.person)
    chosen = [pairs[at] for at in rng.choice(len(pairs), N_COPIED, replace=False)]
    ids = {one: f"{number:032x}" for number, (one, _) in enumerate(chosen, 1)}
    partner = {other: ids[one] for one, other in chosen}
    left, right = remembering(rehearsal.left, ids), remembering(rehearsal.right, partner)
    at = np.flatnonzero(np.isin(left.record, list(ids)))
    times = np.repeat(np.arange(N_COPIES), len(at))
    again = np.tile(at, N_COPIES)
    place = {record: number for number, record in enumerate(ids)}
    numbers = (
        len(left.ids) + times * len(ids) + np.array([place[int(one)] for one in left.record[again]])
    )
    copied = File(
        left.ids + [f"copy {number}" for number in range(N_COPIES * len(ids))],
        np.concatenate([left.record, numbers.astype(np.uint32)]),
        {
            name: cells + [cells[one] for one in again.tolist()]
            for name, cells in left.columns.items()
        },
    )
    both: dict[Side, Encoded] = {
        "smaller": encoded_file(copied, profile, "smaller"),
        "larger": encoded_file(right, profile, "larger"),
    }
    said = ending(profile, both)
    plain = ending(profile, both | {"smaller": encoded_file(left, profile, "smaller")})
    return f"copies, {N_COPIES} each of {N_COPIED} | | | | | {said}; without copies {plain}"


def remembering(file: File, ids: dict[int, str]) -> File:
    """Return a file whose agency remembers link IDs of some records."""
    links = [ids.get(int(record), "") for record in file.record]
    columns = dict.fromkeys(("linked_before_1", "linked_before_2"), links)
    return File(file.ids, file.record, {**file.columns, **columns})


if __name__ == "__main__":
    main()
