"""Groups and pairs as anonlink writes them: JSON, a row at a time, since there may be millions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.extras.exhaustive.groups import Groups, split_record_ids
from app.extras.exhaustive.ordered_pairs import OrderedPairs

_CHUNK_ROWS = 10_000


def group_rows(groups: Groups) -> Iterator[str]:
    """Yield each group as `[[file, row], ...]`."""
    for group in groups:
        yield "[" + ", ".join(f"[{dataset}, {record}]" for dataset, record in group) + "]"


def score_rows(pairs: OrderedPairs) -> Iterator[str]:
    """Yield each pair as `[[file, row], [file, row], similarity]`."""
    similarity = pairs.similarity()
    for start in range(0, len(pairs), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        left = split_record_ids(pairs.left[chunk], pairs.n_records)
        right = split_record_ids(pairs.right[chunk], pairs.n_records)
        columns = (array.tolist() for array in (*left, *right, similarity[chunk]))
        for a, x, b, y, score in zip(*columns, strict=True):
            yield f"[[{a}, {x}], [{b}, {y}], {score!r}]"


def json_of(name: str, rows: Iterable[str]) -> Iterator[str]:
    """Yield the text of `{name: [row, ...]}` piece by piece."""
    yield f'{{"{name}": ['
    for number, row in enumerate(rows):
        yield f", {row}" if number else row
    yield "]}"
