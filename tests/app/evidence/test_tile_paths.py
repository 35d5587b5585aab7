from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rigs.refused_calls import refuses

from app.errors import NotInLogError
from app.evidence.service import parse_tile_path
from schemas.matchlog.tiles import Tile

TILES = st.builds(Tile, st.integers(0, 6), st.integers(0, 10**9), st.integers(1, 256))


@given(TILES)
def test_every_tile_and_its_entries_are_found_by_their_paths(tile: Tile) -> None:
    assert parse_tile_path(tile.path.removeprefix("tile/")) == (tile, False)
    level_0 = Tile(0, tile.index, tile.width)
    assert parse_tile_path(level_0.entries_path.removeprefix("tile/")) == (level_0, True)


def test_another_spelling_names_no_tile() -> None:
    for path in (
        *("", "0", "0/0", "0/1234", "0/x000/001", "0/001/002", "00/000", "7/000", "-1/000"),
        *("0/000.p/256", "0/000.p/257", "0/000.p/0", "0/000.p/01", "0/000.p/", "0/000/"),
        *("/0/000", "0/٠٠٠", "0/000\n", "entries/", "Entries/000", "0/" + "x001/" * 6 + "000"),
    ):
        with refuses(NotInLogError, path):
            parse_tile_path(path)


@given(st.text(alphabet="0123456789x/.pentris", max_size=30))
def test_what_is_parsed_is_spelled_the_one_way(path: str) -> None:
    try:
        tile, is_entries = parse_tile_path(path)
    except NotInLogError:
        return
    assert (tile.entries_path if is_entries else tile.path) == f"tile/{path}"
