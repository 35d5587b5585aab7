from typing import Any

from numpy.typing import NDArray

def instruction_sets() -> tuple[tuple[str, str], ...]: ...
def open(
    name: str,
    n_words: int,
    width: int,
    is_triangle: bool,
    left_words: NDArray[Any],
    right_words: NDArray[Any],
    left_counts: NDArray[Any],
    right_counts: NDArray[Any],
    left_rows: NDArray[Any],
    right_blocks: NDArray[Any],
    largest_distance: NDArray[Any],
    smallest_common: NDArray[Any],
    smallest_partner: NDArray[Any],
    largest_partner: NDArray[Any],
    /,
) -> object: ...
def scan(
    comparison: object,
    start: int,
    stop: int,
    position: tuple[int, int, int],
    left: NDArray[Any],
    right: NDArray[Any],
    common: NDArray[Any],
    /,
) -> tuple[bool, int, tuple[int, int, int]]: ...
def count(comparison: object, /) -> int: ...
