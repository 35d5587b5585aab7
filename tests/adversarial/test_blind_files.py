"""Under `blind` an agency cannot tell, over 200 runs, which of its records have matched.

The files are made by the broker's own code; only its source of randomness is a seeded one, so that what is
found is found again. Makers that leak a little are found out, which shows that the search can fail.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rigs.blind import opened
from rigs.blind_runs import PARTIES, BlindProject, BlindRun, blind_project, tells

from app.links import preparation
from app.links.preparation import sealed_records
from schemas.documents.ids import Handle, MatchId
from schemas.linkage.profile import SIDES
from schemas.rounds.blind import NONCE_BYTES

N_RUNS, N_RECORDS, SEED = 200, 24, 20260901
Sealed = Iterator[tuple[Handle, bytes]]
Maker = Callable[..., Sealed]


class SeededSecrets:
    """Stands in for `secrets` where release files are made."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def token_bytes(self, length: int) -> bytes:
        return self.rng.randbytes(length)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlindProject]:
    seeded = SeededSecrets(SEED)
    monkeypatch.setattr(preparation, "secrets", seeded)
    monkeypatch.setattr(preparation, "secrets", seeded)
    made = blind_project(tmp_path, SEED, n_records=N_RECORDS)
    yield made
    made.broker.close()


def files_of(project: BlindProject, agency: str, n_runs: int) -> list[BlindRun]:
    recipient = project.recipients[0]
    return [found[agency, recipient] for found in project.runs(n_runs)]


def matched_of(arguments: Sequence[Any]) -> set[int]:
    run, side, *_ = arguments
    return {record for some in run.matches.of_side(side) for record in some[SIDES[side]].tolist()}


def without_unmatched(*arguments: Any) -> Sealed:
    matched = matched_of(arguments)
    return (row for at, row in enumerate(sealed_records(*arguments)) if at in matched)


def matched_first(*arguments: Any) -> Sealed:
    matched = matched_of(arguments)
    rows = list(enumerate(sealed_records(*arguments)))
    return (row for _, row in sorted(rows, key=lambda pair: (pair[0] not in matched, pair[0])))


def empty_match_ids(*arguments: Any) -> Sealed:
    """Seal nothing for those without a match, as filler that is not random."""
    matched = matched_of(arguments)
    for at, (handle, sealed) in enumerate(sealed_records(*arguments)):
        yield handle, sealed if at in matched else sealed[:NONCE_BYTES] + bytes(32)


def counted_nonces(*arguments: Any) -> Sealed:
    matched, seal = matched_of(arguments), arguments[-1]
    for at, (handle, sealed) in enumerate(sealed_records(*arguments)):
        nonce = at.to_bytes(NONCE_BYTES, "big")
        yield handle, sealed if at in matched else seal.close(MatchId(handle), nonce)


def nonces_of_handles(*arguments: Any) -> Sealed:
    """Draw a filler once for each record without a match, and show it in every run."""
    matched = matched_of(arguments)
    for at, (handle, sealed) in enumerate(sealed_records(*arguments)):
        yield handle, sealed if at in matched else random.Random(handle).randbytes(44)


def even_nonces(*arguments: Any) -> Sealed:
    """Leak one bit of the nonce, and seal rightly."""
    matched, seal = matched_of(arguments), arguments[-1]
    for at, (handle, sealed) in enumerate(sealed_records(*arguments)):
        last = sealed[NONCE_BYTES - 1] & 0xFE | (at in matched)
        nonce = sealed[: NONCE_BYTES - 1] + bytes([last])
        yield handle, seal.close(seal.open(sealed), nonce)


@pytest.mark.parametrize("agency", PARTIES)
def test_matched_and_unmatched_records_cannot_be_told_apart(
    project: BlindProject, agency: str
) -> None:
    files = files_of(project, agency, N_RUNS)
    assert len({run.matched for run in files}) > N_RUNS // 2
    assert tells(files) == []


@pytest.mark.parametrize(
    ("leaky", "tell"),
    [
        (without_unmatched, "records differ in number or order"),
        (matched_first, "records differ in number or order"),
        (empty_match_ids, "sealed match IDs come again"),
        (counted_nonces, "nonces come again"),
        (nonces_of_handles, "nonces come again"),
        (even_nonces, "some bit is set more often in one kind"),
    ],
)
def test_a_maker_that_leaks_is_found_out(
    project: BlindProject, monkeypatch: pytest.MonkeyPatch, leaky: Maker, tell: str
) -> None:
    monkeypatch.setattr(preparation, "sealed_records", leaky)
    assert tell in tells(files_of(project, PARTIES[0], N_RUNS // 4))


def test_who_matched_changes_the_size_of_no_file(project: BlindProject) -> None:
    sizes = {
        len(run.raw)
        for n_matched in (0, 1, N_RECORDS // 2, N_RECORDS)
        for run in project.run(range(n_matched)).values()
    }
    # A head names both agencies, so the length of their names makes no difference either.
    assert len(sizes) == 1


def test_spaces_that_are_kept_apart_share_nothing(tmp_path: Path) -> None:
    recipients = ("research-office", "university")
    project = blind_project(tmp_path, SEED, recipients=recipients, n_records=N_RECORDS)
    seen: dict[str, set[bytes]] = {recipient: set() for recipient in recipients}
    for found in project.runs(N_RUNS // 4):
        for (agency, recipient), run in found.items():
            match_ids = set(opened(run.raw, project.people[recipient]).values())
            assert len(match_ids) == N_RECORDS
            # Only the other agency's file of the same run has some of them.
            shared = match_ids & seen[recipient]
            assert len(shared) == (len(run.matched) if agency == PARTIES[1] else 0)
            seen[recipient] |= match_ids
    assert not seen[recipients[0]] & seen[recipients[1]]
    project.broker.close()
