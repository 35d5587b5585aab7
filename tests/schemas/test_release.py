"""Release files by their vectors, and from matches to bytes and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors
from vectors.uploads import RELEASE

from schemas.documents.ids import Handle, MatchId
from schemas.rounds.release import (
    LINE_BYTES,
    Match,
    ReleaseHeader,
    parse_release,
    release_digest,
    serialise_release,
)

VECTORS = read_vectors("release")


def test_a_good_file_is_read_and_written_to_the_byte() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            raw = vector["file"].encode()
            header, matches = parse_release(raw)
            assert header.to_json() == vector["header"]
            found = [[handle.hex(), one.match_id.hex(), one.row] for handle, one in matches.items()]
            assert found == vector["matches"]
            assert b"".join(serialise_release(header, matches.items())) == raw
            assert len(raw) == raw.index(b"\n") + 1 + LINE_BYTES * header.matches
            assert release_digest(raw) == vector["sha256"]


@given(
    st.dictionaries(
        st.binary(min_size=16, max_size=16),
        st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 10**12 - 1)),
    )
)
def test_matches_survive_their_file(made: dict[bytes, tuple[bytes, int]]) -> None:
    ids = {match_id: handle for handle, (match_id, _) in made.items()}
    kept = sorted(ids.values())
    matches = {Handle(h): Match(MatchId(made[h][0]), made[h][1]) for h in kept}
    header = ReleaseHeader.from_json({**RELEASE, "matches": len(matches)})
    assert parse_release(b"".join(serialise_release(header, matches.items()))) == (header, matches)


@given(st.data())
def test_any_changed_byte_changes_the_digest_or_is_refused(data: st.DataObject) -> None:
    raw = bytearray(VECTORS["good"][0]["file"].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert release_digest(bytes(raw)) != VECTORS["good"][0]["sha256"]
