"""What a link takes of memory while link IDs come home, and afterwards: a state has a million of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ledger_simulator.duo import PAIR, ROOTS, SPACE, Duo, duo, match_id

from encoding.ledger import inputs
from encoding.ledger.additions import apply_release
from encoding.ledger.claims import PackedMatches, PairRelease, Proof
from encoding.ledger.inputs import inputs_of_claims
from encoding.ledger.ledger_file import LedgerFile
from encoding.ledger.values import Turn
from encoding.rounds.round_memory import Said
from encoding.workspace import sealed_record
from schemas.rounds.claims import Claims, serialise_claims

N_LINKS = 1000
KEY = bytes(32)


@dataclass
class Measured:
    """How many bytes each link took at most, and in the end."""

    most: float = 0.0
    kept: float = 0.0


@contextmanager
def measured() -> Iterator[Measured]:
    found = Measured()
    tracemalloc.start()
    try:
        yield found
        found.kept, found.most = (one / N_LINKS for one in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()


def release_of(number: int, side: int) -> PairRelease:
    packed = (
        match_id(number * N_LINKS + at) + match_id(-1 - 2 * at - side) + at.to_bytes(8)
        for at in range(N_LINKS)
    )
    return PairRelease(Turn(number, 1), PAIR, PackedMatches(b"".join(sorted(packed))))


def proof() -> Proof:
    return Proof(KEY, lambda row: row.to_bytes(16), ROOTS)


@pytest.fixture(scope="module")
def linked() -> Duo:
    """Two agencies with a round of many links. Tests leave them as they are."""
    pair = duo()
    pair.one.proof = pair.two.proof = lambda _: proof()  # type: ignore[method-assign]
    pair.link(release_of(1, 0), release_of(1, 1))
    return pair


def claims_of(pair: Duo, number: int) -> list[Claims]:
    return [side.claim(release_of(number, at)) for at, side in enumerate(pair.sides())]


def test_a_ledger_keeps_a_link_in_half_a_kilobyte(linked: Duo, tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "ledger", SPACE, linked.one.party, KEY)
    file.write(linked.one.ledger)
    file.read()
    with measured() as found:
        ledger = file.read()
    assert len(ledger) == N_LINKS
    assert found.kept < 500
    assert found.most < 1300


def test_claims_are_kept_and_read_in_pieces(
    linked: Duo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_record, "PIECE_BYTES", 16 * 1024)
    own, _ = claims_of(linked, 2)
    said = Said(tmp_path, "foster-pupils", KEY)
    raw = serialise_claims(own)
    with measured() as keeping:
        said.keep(Turn(2, 1), "research", "a b", raw, own)
    with measured() as reading:
        read = said.claims(Turn(2, 1), "research", "a b")
    assert read == own
    assert reading.kept < 200
    assert max(keeping.most, reading.most) < 800


def test_a_release_is_applied_in_parts(linked: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger parts take more, and change nothing."""
    results = []
    for n_members in (N_LINKS // 10, 2 * N_LINKS + 1):
        monkeypatch.setattr(inputs, "PART_MEMBERS", n_members)
        pair = duo()
        pair.one.proof = pair.two.proof = lambda _: proof()  # type: ignore[method-assign]
        release = release_of(1, 0)
        here, there = pair.one.claim(release), pair.two.claim(release_of(1, 1))
        records = release.records()
        with measured() as found:
            assert apply_release(pair.one.ledger, inputs_of_claims(here, there, ()), records)
        results.append((found.most, dict(pair.one.ledger.everyone())))
    (small, held), (large, again) = results
    assert held == again == dict(linked.one.ledger.everyone())
    assert small < 0.75 * large
