"""Input that is no bundle, or means harm: one clear error, little memory, and none of the input repeated."""

from __future__ import annotations

import io
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.log import Parts, pack_archive, story

from app.auditor.errors import AuditError, MalformedError
from app.auditor.verify import verify_bundle
from schemas.documents.canonical import canonical_bytes
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.archive import pack_member
from schemas.matchlog.bundle import BundleManifest

pytestmark = pytest.mark.campaign("malformed")

LOG = story(51, n_weeks=1)
MEMBERS = list(LOG.parts().members())


class Endless:
    """A source of more than a gigabyte that is never held in memory."""

    def __init__(self, start: bytes, filler: bytes) -> None:
        self.start, self.filler, self.given = start, filler, 0

    def read(self, size: int, /) -> bytes:
        if self.start:
            taken, self.start = self.start[:size], self.start[size:]
            return taken
        self.given += size
        return (self.filler * size)[:size]


def malformed(source: Any) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        verify_bundle(source)
    return caught.value


def with_member(name: str, content: bytes) -> io.BytesIO:
    return io.BytesIO(pack_archive((n, content if n == name else c) for n, c in MEMBERS))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0" * 512, b"PK\x03\x04" + bytes(600), b"hello\n" * 200, b"{}", bytes(1024)],
    ids=["empty", "zeros", "zip", "text", "json", "empty-tar"],
)
def test_what_is_no_bundle_is_said_to_be_none(raw: bytes) -> None:
    malformed(io.BytesIO(raw))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_bundle_is_cut_off(share: float) -> None:
    raw = LOG.bundle()
    assert "cut off" in malformed(io.BytesIO(raw[: int(len(raw) * share)])).message


@pytest.mark.parametrize("filler", [b"\0", b"a", b"\n"])
def test_a_gigabyte_without_end_is_refused_in_little_memory(filler: bytes) -> None:
    header = bytearray(pack_member("bundle.json", b"")[:512])
    source = Endless(bytes(header[:124]) + b"00377777777\0" + bytes(header[136:]), filler)
    tracemalloc.start()
    malformed(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * 1024 * 1024
    assert source.given < 32 * 1024 * 1024


def test_a_line_of_sixteen_megabytes_in_the_checkpoints_is_refused() -> None:
    line = b"blindlink/checkpoints/1\n\n" + b"x" * (15 * 1024 * 1024)
    malformed(with_member("checkpoints/000", line))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_json_is_refused_without_a_crash(opening: bytes) -> None:
    malformed(with_member("bundle.json", opening * 200_000))


@pytest.mark.parametrize(
    "change",
    [
        {"version": "blindlink/bundle/2"},
        {"formats": {}},
        {"size": 10**15},
        {"size": "77"},
        {"size": True},
        {"surprise": 1},
    ],
    ids=["version", "formats", "huge", "text", "truth", "unknown-field"],
)
def test_a_manifest_that_is_not_one_is_refused(change: dict[str, Any]) -> None:
    claims = BundleManifest.from_canonical(dict(MEMBERS)["bundle.json"]).to_json()
    malformed(with_member("bundle.json", canonical_bytes({**claims, **change})))


UPLOAD = next(e.seq for e in LOG.entries if e.kind == "upload-received")


def with_entry(raw: bytes, index: int = UPLOAD) -> io.BytesIO:
    parts: Parts = LOG.parts()
    parts.entries[index], parts.leaf_hashes[index] = raw, hash_leaf(raw)
    return io.BytesIO(parts.pack())


ENTRY = LOG.raw[UPLOAD]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[" * 30_000, "levels deep"),
        (b'{"a":' * 6_000, "levels deep"),
        (ENTRY.replace(b"entry/2", b"entry/1"), "version"),
        (ENTRY.replace(b'"kind":"upload-received"', b'"kind":"upload-lost"'), "unknown kind"),
        (ENTRY.replace(b'"kind":"upload-received"', b'"kind":"log-succeeded"'), "later versions"),
        (ENTRY + b" ", "canonical"),
        (b" " * 62_000, "longer"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":NaN}', "not an integer"),
        (b'{"a":1e999}', "not an integer"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":' + b"9" * 30_000 + b"}", "2^53"),
    ],
    ids=range(13),
)
def test_an_entry_that_cannot_be_read_is_named(raw: bytes, said: str) -> None:
    error = malformed(with_entry(raw))
    assert error.index == UPLOAD
    assert said in error.message


def test_no_message_repeats_the_entry() -> None:
    secret = b"Maria Lopez"
    error = malformed(with_entry(ENTRY.replace(b'"purpose":"foster', b'"purpose":"' + secret)))
    assert "Maria" not in repr(error) + str(error.__cause__)


@given(st.binary(max_size=2000))
def test_any_bytes_give_one_kind_of_error(raw: bytes) -> None:
    malformed(io.BytesIO(raw))


@given(st.integers(0, 2**32))
def test_a_bundle_with_some_blocks_exchanged_gives_one_kind_of_error(seed: int) -> None:
    chooser = random.Random(seed)
    raw = LOG.bundle()
    blocks = [raw[i : i + 512] for i in range(0, len(raw), 512)]
    first, second = chooser.randrange(len(blocks)), chooser.randrange(len(blocks))
    blocks[first], blocks[second] = blocks[second], blocks[first]
    bent = b"".join(blocks)
    if bent != raw:
        with pytest.raises(AuditError):
            verify_bundle(io.BytesIO(bent))
