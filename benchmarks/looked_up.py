"""What an agency learns of strangers by made-up records, without and with the rule of compared fields.

    python -m benchmarks.looked_up                        4,000 x 22,000, four seeds
    python -m benchmarks.looked_up --seeds 41

Child welfare knows something of 200 students whom it has no record of, and puts that into its file as records
of its own. A pair of one with its student that is linked or asked about tells of the student. In the first
round the agencies remember nothing; in a later one all honest links. Prints a Markdown table of means over the
seeds; the first line of a round has the pairs of one person that honest files hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

import numpy as np

from app.matching.blocks import doubts
from app.matching.blocks.decisions import Band
from app.matching.blocks.resolution import Resolution
from benchmarks.crafted_rows import patched, remembering, sizes_given
from benchmarks.rehearsed import File, Rehearsal, clean, encoded_file, mains, rehearsal_files
from encoding.profiles.catalog import shipped_profile
from encoding.trial.linkage import Encoded, link
from schemas.linkage.profile import EncodingProfile

N_MADE_UP = 200
Counts = tuple[int, ...]
Person = Mapping[str, str]
Knowledge = Callable[[Person, Person], dict[str, str]]


def without(*beginnings: str) -> Knowledge:
    """Return what is known of all but some columns."""
    return lambda meant, _: {
        name: "" if name.startswith(beginnings) else value for name, value in meant.items()
    }


def with_others(*beginnings: str) -> Knowledge:
    """Return another person's values in some columns, where nothing else is known but names and date."""
    return lambda meant, other: {
        name: other[name] if name.startswith(beginnings) else value
        for name, value in without("middle", "zip")(meant, other).items()
    }


MADE_UP: Mapping[str, Knowledge] = {
    "surname and date of birth": without("first_name", "middle", "zip"),
    "first name and date of birth": without("surname", "middle", "zip"),
    "both names": without("birth", "middle", "zip"),
    "surname and date of birth, a first name guessed": with_others("first_name"),
    "first name and date of birth, a surname guessed": with_others("surname"),
    "both names and the year of birth, a day guessed": with_others(
        "birth_month", "birth_day", "birth_date"
    ),
    "date of birth, both names guessed": with_others("first_name", "surname"),
    "both names and date of birth": without("middle", "zip"),
}


def main() -> None:
    """Look strangers up by each kind of record, and print how many are linked or asked about."""
    given = sizes_given(__doc__)
    profile, found = shipped_profile("children"), defaultdict[tuple[str, str], list[Counts]](list)
    for seed in given.seeds:
        rehearsal = clean(rehearsal_files(seed, given.children, given.students, "mid"), profile)
        for name, files in rounds(rehearsal).items():
            larger = encoded_file(files.right, profile, "larger")
            found[name, "honest pairs"].append(
                counts(files.left, larger, profile, files.truth.person)
            )
            for known, knowledge in MADE_UP.items():
                asked, meant = made_up(files, knowledge, seed)
                found[name, known].append(counts(asked, larger, profile, meant))
    print("| round | known of a stranger | linked, held without the rule | linked, held with it |")
    print("|---|---|--:|--:|")
    for (name, known), each in found.items():
        means = [f"{mean:,.0f}" for mean in np.mean(each, axis=0)]
        print(f"| {name} | {known} | {means[0]}, {means[1]} | {means[2]}, {means[3]} |")


def rounds(rehearsal: Rehearsal) -> dict[str, Rehearsal]:
    """Return the files as they are, and with what both agencies remember of all true pairs."""
    pairs = dict(sorted(rehearsal.truth.person))
    ids = {one: f"{number:032x}" for number, one in enumerate(pairs, 1)}
    partner = {other: ids[one] for one, other in pairs.items()}
    later = Rehearsal(
        remembering(rehearsal.left, ids), remembering(rehearsal.right, partner), rehearsal.truth
    )
    return {"first": rehearsal, "later": later}


def compared(
    smaller: File, larger: Encoded, profile: EncodingProfile
) -> tuple[Resolution, Resolution]:
    """Return a run without the rule, and one with it."""
    own = encoded_file(smaller, profile, "smaller")
    with patched(doubts, "are_bare", lambda _, levels: np.zeros(len(levels), dtype=bool)):
        before = link(profile, own, larger)
    return before, link(profile, own, larger)


def made_up(files: Rehearsal, knowledge: Knowledge, seed: int) -> tuple[File, set[tuple[int, int]]]:
    """Return the smaller file with records of strangers, and the pairs of each with whom it means."""
    rng = np.random.default_rng(seed)
    left, right = files.left, files.right
    at = mains(right)
    known = {other for _, other in files.truth.person}
    strangers = [int(one) for one in right.record[at] if int(one) not in known]
    place = dict(zip(right.record[at].tolist(), at.tolist(), strict=True))
    meant, others = (rng.choice(strangers, N_MADE_UP, replace=False).tolist() for _ in range(2))
    columns = {name: list(cells) for name, cells in left.columns.items()}
    for one, other in zip(meant, others, strict=True):
        people = [
            {name: right.columns[name][place[who]] for name in columns} for who in (one, other)
        ]
        for name, value in knowledge(*people).items():
            columns[name].append(value)
    first = len(left.ids)
    numbers = range(first, first + N_MADE_UP)
    more = File(
        left.ids + [f"made up {number}" for number in numbers],
        np.concatenate([left.record, np.array(numbers, dtype=np.uint32)]),
        columns,
    )
    return more, set(zip(numbers, meant, strict=True))


def counts(
    smaller: File, larger: Encoded, profile: EncodingProfile, meant: Collection[tuple[int, int]]
) -> Counts:
    """Return how many of some pairs are linked and held, without the rule and with it."""
    found = []
    for run in compared(smaller, larger, profile):
        for band in (Band.AUTO, Band.REVIEW):
            rows = run.rows(band)
            pairs = zip(rows["smaller"].tolist(), rows["larger"].tolist(), strict=True)
            found.append(sum(pair in meant for pair in pairs))
    return tuple(found)


if __name__ == "__main__":
    main()
