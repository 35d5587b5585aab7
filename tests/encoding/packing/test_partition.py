"""Buckets: as the twin has them, kept over the rounds, and what the asked agency can tell from questions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twins import partition as twin

from encoding.errors import WorkspaceError
from encoding.packing.handles import RecordKeys, key_text
from encoding.packing.partition import Buckets, Partition, PartitionFile, carried_on, labels_of
from schemas.documents.errors import DocumentError

hashes = st.lists(st.integers(0, 2**64 - 1), max_size=60, unique=True)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def starts(partition: Partition) -> list[int]:
    return [int(start) for start in partition.hashes()]


def keys_of(values: list[int]) -> RecordKeys:
    return RecordKeys(array(sorted(values)), array([0] * len(values)))


@given(hashes, hashes, st.integers(1, 7), st.integers(1, 7))
@example([], [], 1, 1)
@example([0, 1, 2, 3], [], 1, 2)
def test_the_partition_is_that_of_the_twin_and_nothing_is_ever_split(
    before: list[int], now: list[int], size: int, size_now: int
) -> None:
    kept = carried_on(None, array(before), size)
    assert starts(kept) == twin.first(before, size)
    later = carried_on(kept, array(now), size_now)
    assert starts(later) == twin.carried_on(starts(kept), now, size_now)
    assert set(starts(later)) <= set(starts(kept))
    if len(starts(later)) > 1:
        assert min(Counter(later.places(array(now)).tolist()).values()) >= size_now


@given(hashes.filter(bool), st.integers(1, 7))
def test_at_first_a_bucket_has_twice_as_many_as_it_must_have(values: list[int], size: int) -> None:
    kept = carried_on(None, array(values), size)
    counts = Counter(kept.places(array(values)).tolist())
    assert set(counts) == set(range(len(starts(kept))))
    assert len(counts) == 1 or 2 * size <= min(counts.values()) <= max(counts.values()) < 4 * size


def test_labels_are_drawn_anew_for_each_container_and_those_of_a_bucket_are_alike(
    tmp_path: Path,
) -> None:
    file = PartitionFile(tmp_path / "kept.sealed", "demo", bytes(32))
    keys = keys_of([number << 56 for number in range(200)])
    linked = [key_text(keys, place) for place in range(30)]
    made = [labels_of(file, Buckets(20, linked), keys) for _ in range(2)]
    kept = file.read()
    assert kept is not None
    places = kept.places(keys.high)
    assert len(set(places.tolist())) == 4
    for labels in made:
        of_bucket = {(place, label.tobytes()) for place, label in zip(places, labels, strict=True)}
        assert len(of_bucket) == 4 == len({label for _, label in of_bucket})
    one, another = ({row.tobytes() for row in labels} for labels in made)
    assert not one & another


def test_in_a_file_that_is_smaller_than_a_bucket_each_record_is_apart(tmp_path: Path) -> None:
    file = PartitionFile(tmp_path / "kept.sealed", "demo", bytes(32))
    keys = keys_of([*range(9)])
    assert len(np.unique(labels_of(file, Buckets(10), keys), axis=0)) == 9
    assert file.read() is None
    all_linked = [key_text(keys, place) for place in range(9)]
    assert len(np.unique(labels_of(file, Buckets(9, all_linked), keys), axis=0)) == 1


def test_what_is_kept_is_sealed_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kept.sealed"
    file = PartitionFile(path, "demo", bytes(32))
    file.write(carried_on(None, array([*range(1, 100)]), 3))
    assert b"0000000000000000" not in path.read_bytes()
    with pytest.raises(WorkspaceError, match="damaged, or sealed under another key"):
        PartitionFile(path, "demo", bytes(31) + b"1").read()
    for bad in ("", "00", "0" * 15 + "1", "0" * 32, "0" * 16 + "f" * 16 + "e" * 16):
        with pytest.raises(DocumentError):
            Partition.from_json({"starts": bad})


class Town:
    """Records of the asked agency that come, leave and are linked, and what it knows of them itself."""

    def __init__(self, seed: int, n_records: int, leaving: float = 0.01) -> None:
        self.random, self.leaving = Random(seed), leaving
        self.linked: dict[int, bool] = {self.record(): False for _ in range(n_records)}
        self.partition: Partition | None = None

    def record(self) -> int:
        return self.random.getrandbits(64)

    def live(self, staying: int | None) -> None:
        for record in [*self.linked]:
            if record != staying and self.random.random() < self.leaving:
                del self.linked[record]
                self.linked[self.record()] = False
            elif self.linked[record] and self.random.random() < 0.01:
                self.linked[record] = False

    def place(self, record: int) -> int:
        assert self.partition is not None
        return int(self.partition.places(array([record]))[0])

    def hold_round(self, size: int, rate: float, unmatched: int | None) -> dict[int, list[int]]:
        """Encode and match; return of each bucket the records that can be in question afterwards."""
        unlinked = array([record for record, is_linked in self.linked.items() if not is_linked])
        self.partition = carried_on(self.partition, unlinked, size)
        for record, is_linked in self.linked.items():
            if not is_linked and record != unmatched and self.random.random() < rate:
                self.linked[record] = True
        places = self.partition.places(array([*self.linked])).tolist()
        left: dict[int, list[int]] = {place: [] for place in places}
        for place, (record, is_linked) in zip(places, self.linked.items(), strict=True):
            if not is_linked:
                left[place].append(record)
        return left


@pytest.mark.parametrize(("size", "first_rate"), [(5, 0.6), (10, 0.1), (10, 0.9)])
def test_over_200_rounds_the_asked_agency_guesses_one_in_as_many_as_agreed(
    size: int, first_rate: float
) -> None:
    # It knows its links, those of this round too. The broker asks about no bucket in which fewer are left.
    town = Town(seed=size, n_records=600)
    n_asked = n_hits = 0
    for number in range(200):
        left = town.hold_round(size, first_rate if number == 0 else 0.02, None)
        askable = {place: records for place, records in left.items() if len(records) >= size}
        for place, records in sorted(askable.items())[:10]:
            in_question = town.random.choice(records)
            # Anyone who knows what the agency knows can do no better than to choose.
            n_hits += town.random.choice(left[place]) == in_question
            n_asked += 1
        if number:
            assert len(askable) >= 0.6 * len(left)
        town.live(None)
    assert n_asked > 500
    assert n_hits / n_asked <= 1 / size + 3 * (1 / size / n_asked) ** 0.5


def test_a_question_that_stays_open_is_narrowed_by_leavers_and_links_alone() -> None:
    # One record is asked about in 200 rounds: all lists together say no more than who was there all along.
    town = Town(seed=3, n_records=300)
    left = town.hold_round(10, 0.3, None)
    asked = town.random.choice([r for records in left.values() for r in records])
    possible: set[int] | None = None
    stayed: set[int] = set()
    for number in range(200):
        left = town.hold_round(10, 0.02, asked)
        here = set(left[town.place(asked)])
        possible = here if possible is None else possible & here
        stayed = here if number == 0 else stayed & {r for rs in left.values() for r in rs}
        assert possible == stayed
        town.live(asked)
    assert asked in stayed


def test_how_far_a_question_is_narrowed_in_a_year_is_what_the_spec_page_says() -> None:
    left_over = []
    for seed in range(8):
        town = Town(seed, n_records=2000, leaving=0.003)
        town.hold_round(20, 0.6, None)
        left = town.hold_round(20, 0.002, None)
        asked = town.random.choice([r for records in left.values() for r in records])
        stayed = set(left[town.place(asked)])
        for _ in range(52):
            town.live(asked)
            left = town.hold_round(20, 0.002, asked)
            stayed &= set(left[town.place(asked)])
        left_over.append(len(stayed))
    assert 20 < sum(left_over) / len(left_over) < 30
