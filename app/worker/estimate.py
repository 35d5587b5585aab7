"""What a run of a pair of files will cost, by their sizes and a sample of made-up rows that is compared now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine import threads
from app.matching.blocks.bins import MemoryShelf, PairLots
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import MEETING, Met, best_of_pairs
from app.matching.blocks.ranges import Sizes, meet_range, plan_ranges
from app.matching.blocks.rows import ROW, Rows, read_rows
from app.matching.blocks.weights import model_of, shipped_scores
from app.security.at_rest import seal, unseal
from app.security.keystore import DataKey
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.linkage.counts import published_counts
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import STORED_ROW_BYTES
from schemas.rounds.match_record import commitment
from schemas.signing.sealing import KEY_BYTES

_PART_ROWS: Final = 1 << 16
_LARGER_PARTS: Final = 4
_SAMPLE_MEETINGS: Final = 200_000
# Share of the made-up meetings that are of one person.
_MATCHES: Final = 0.02
# What is stored of a linked record, measured on rehearsals: match record, openings, releases, claims, cards.
_RESULT_BYTES: Final = 1_000
# What waits of it meanwhile, in the order of one column and then of another.
_WAITING_BYTES: Final = 400
# Measured peaks of a worker: by itself, for each task at a time, and for each record of the smaller file.
_WORKER_BYTES: Final = 200 << 20
_TASK_BYTES: Final = 60 << 20
_RECORD_BYTES: Final = 4
# What is written of a linked record takes as long as so many commitments (21 microseconds and .95).
_LINK_COMMITMENTS: Final = 22
_SAMPLE_COMMITMENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What to expect of a run of one pair of files.

    Attributes:
        sizes: records of the two files.
        n_rows: rows of both.
        upload_bytes: of both containers, as they are sent.
        most_meetings: how often rows can meet at most: each row of the smaller file once.
        disk_bytes: containers, meetings and results at their largest together.
        memory_bytes: of a worker.
        seconds: from taken up to released if rows meet as often as they can and every record of the smaller
            file is linked, with one worker.
    """

    sizes: Sizes
    n_rows: int
    upload_bytes: int
    most_meetings: int
    disk_bytes: int
    memory_bytes: int
    seconds: float


def estimate_run(
    profile: EncodingProfile,
    sizes: Sizes,
    *,
    n_threads: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> RunEstimate:
    """Return what a run of files of these sizes costs on this machine, as it is busy now.

    Args:
        profile: says how many rows a record has.
        sizes: of the two files, each at least 1.
        n_threads: tasks at a time.
        clock: seconds that only go forward.
    """
    n_smaller = sizes.smaller * profile.rows("smaller")
    n_larger = sizes.larger * profile.rows("larger")
    n_rows = n_smaller + n_larger
    upload_bytes = n_rows * STORED_ROW_BYTES + (sizes.smaller + sizes.larger) * HANDLE_BYTES
    row_s = _seconds_a_row(profile, n_smaller / n_larger, n_threads, clock)
    meeting_s = _seconds_a_meeting(profile, clock)
    return RunEstimate(
        sizes=sizes,
        n_rows=n_rows,
        upload_bytes=upload_bytes,
        most_meetings=n_smaller,
        # Meetings are stored as they are found, and wait once more as pairs.
        disk_bytes=upload_bytes
        + 2 * n_smaller * MEETING.itemsize
        + sizes.smaller * (_RESULT_BYTES + _WAITING_BYTES),
        memory_bytes=_WORKER_BYTES + n_threads * _TASK_BYTES + sizes.smaller * _RECORD_BYTES,
        seconds=n_rows * row_s + n_smaller * meeting_s + sizes.smaller * _seconds_a_link(clock),
    )


class MadeRows:
    """Parts of random rows, sealed and unsealed as stored ones are; tokens lie evenly, so two files meet."""

    def __init__(self, n_parts: int, rows_each: int, gap: int, n_records: int) -> None:
        self._gap, self._n_records = gap, n_records
        self._key = DataKey("sample", os.urandom(KEY_BYTES))
        self.n_rows = [rows_each] * n_parts
        self.first_tokens = [self._tokens(number)[0].tobytes() for number in range(n_parts)]
        self._sealed: dict[int, bytes] = {}

    def keep(self) -> None:
        """Make all parts now, so that reading one takes no longer than unsealing it."""
        self._sealed = {number: self._made(number) for number in range(len(self.n_rows))}

    def part(self, number: int) -> Rows:
        """Return the rows of a part."""
        sealed = self._sealed.get(number) or self._made(number)
        return read_rows(unseal(self._key, "part", "sample", number, sealed))

    def _made(self, number: int) -> bytes:
        random, n = np.random.default_rng(number), self.n_rows[number]
        rows = np.empty(n, dtype=ROW)
        rows["token"] = self._tokens(number)
        rows["record"] = random.integers(0, self._n_records, n)
        rows["sealed"] = np.frombuffer(random.bytes(n * 64), np.uint8).reshape(-1, 64)
        return seal(self._key, "part", "sample", number, rows.tobytes())

    def _tokens(self, number: int) -> NDArray[np.uint8]:
        n = self.n_rows[number]
        heads = np.arange(number * n, (number + 1) * n, dtype=np.uint64)
        tokens = np.zeros((n, 16), dtype=np.uint8)
        tokens[:, :8] = (heads * np.uint64(self._gap)).astype(">u8").view(np.uint8).reshape(-1, 8)
        return tokens


def made_meetings(
    n: int, profile: EncodingProfile, sizes: Sizes, *, each: int = 250_000
) -> Iterator[Met]:
    """Yield meetings of nobody, some at a time: nearly all as strangers agree, others as one person does."""
    random, rules = np.random.default_rng(1), LevelRules(profile)
    counts = published_counts(profile, sizes.larger)
    strangers = [one.strangers for one in counts.fields]
    matches = [[level.m for level in field.levels] for field in profile.fields]
    for start in range(0, n, each):
        met = np.zeros(min(each, n - start), dtype=MEETING)
        met["smaller"] = random.integers(0, sizes.smaller, len(met))
        met["larger"] = random.integers(0, sizes.larger, len(met))
        is_match = random.random(len(met)) < _MATCHES
        levels = np.where(
            is_match[:, None],
            _drawn(random, matches, len(met)),
            _drawn(random, strangers, len(met)),
        )
        met["code"] = rules.codes(levels)
        met["row_smaller"] = start + np.arange(len(met))
        yield met


def _drawn(
    random: np.random.Generator, shares: Sequence[Sequence[int]], n: int
) -> NDArray[np.uint8]:
    """Return levels, a column a field, each as often as its share says."""
    return np.column_stack(
        [
            1 + random.choice(len(one), n, p=np.array(one) / sum(one)).astype(np.uint8)
            for one in shares
        ]
    )


def _seconds_a_row(
    profile: EncodingProfile, ratio: float, n_threads: int, clock: Callable[[], float]
) -> float:
    n_larger = _LARGER_PARTS * _PART_ROWS
    n_smaller = max(1, round(n_larger * min(ratio, 1)))
    gap = 2**63 // n_larger
    larger = MadeRows(_LARGER_PARTS, _PART_ROWS, gap, n_larger)
    smaller = MadeRows(1, n_smaller, gap * max(1, n_larger // n_smaller), n_smaller)
    for file in (larger, smaller):
        file.keep()
    rules = LevelRules(profile)
    (whole,) = plan_ranges(smaller, larger, rows_each=2 * (n_larger + n_smaller))
    with threads(n_threads) as executor:
        started = clock()
        tasks = [
            executor.submit(meet_range, whole, smaller, larger, rules) for _ in range(n_threads)
        ]
        for task in tasks:
            task.result()
        return (clock() - started) / (n_threads * (n_larger + n_smaller))


def _seconds_a_meeting(profile: EncodingProfile, clock: Callable[[], float]) -> float:
    sizes = Sizes(_SAMPLE_MEETINGS // 4, 10 * _SAMPLE_MEETINGS)
    rules = LevelRules(profile)
    scores = shipped_scores(
        model_of(profile, published_counts(profile, sizes.larger), sizes.larger)
    )
    met = list(made_meetings(_SAMPLE_MEETINGS, profile, sizes))
    lots = PairLots(lambda some: best_of_pairs(some, rules, scores), sizes.smaller, MemoryShelf())
    started = clock()
    for some in met:
        lots.add(some)
    lots.close(lambda pairs: np.zeros(len(pairs), dtype=bool))
    # Weighing, rivals and what is missed look at each pair once more.
    return 2 * (clock() - started) / _SAMPLE_MEETINGS


def _seconds_a_link(clock: Callable[[], float]) -> float:
    nonce, handle = bytes(32), Handle(bytes(HANDLE_BYTES))
    started = clock()
    for _ in range(_SAMPLE_COMMITMENTS):
        commitment(nonce, "sample", "sample", handle)
    return _LINK_COMMITMENTS * (clock() - started) / _SAMPLE_COMMITMENTS
