"""Ten agencies, 45 pairs: a round opens with all of them, is proven to each, and closes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.near_broker import NearBroker, near_broker

from encoding.secret.secret import Secret, write_secret
from schemas.agreement.clauses import FileSize
from schemas.linkage.run import IdSpace, Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.rounds import RoundList

AGENCIES = tuple(f"agency-{number}" for number in range(10))
FILE = "ID,first,last,born\n1,Ana,Ortiz,2011-04-09\n2,Bo,Nguyen,2012-05-01\n"

SECRET = Secret(bytes(range(32)))

pytestmark = pytest.mark.long


def set_up(near: NearBroker) -> None:
    for party in AGENCIES:
        write_secret(near.add(party, FILE).folder / "secret.txt", SECRET)
    near.add_project(
        providers=AGENCIES,
        recipients=tuple(Recipient(party=p, mode="linked", space="shared") for p in AGENCIES),
        spaces=(IdSpace(name="shared", lifetime="lasting"),),
        files=tuple(
            FileSize(party=party, least=1, most=1000 + n) for n, party in enumerate(AGENCIES)
        ),
    )
    for desk in near.desks.values():
        desk.ok("round", "--ready")


def rounds_of(near: NearBroker, party: str) -> RoundList:
    return RoundList.from_json(near.desks[party].json("round"))


def test_a_round_of_45_pairs_opens_corrects_and_closes_with_proofs_that_fit(tmp_path: Path) -> None:
    with near_broker(tmp_path) as near:
        set_up(near)
        first, last = AGENCIES[0], AGENCIES[-1]
        # It opens the round, which is proven to it, before it makes nine containers.
        near.desks[first].ok("encode")
        (found,) = rounds_of(near, last).rounds
        assert len(found.pairs) == 45
        keys = LogKeys.from_lines((near.desks[last].folder / "workspace" / "log.vkey").read_text())
        entry, _ = verify_receipt(found.receipt, keys, KINDS)
        assert entry.body.pairs == found.pairs  # type: ignore[union-attr]
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        corrected = near.desks[first].json("round", "--correct", "other")
        assert len(corrected["pairs"]) == 45
        near.move(days=4)
        near.sweep()
        closed = rounds_of(near, first).rounds[0]
        assert closed.state == "closed"
        assert closed.closing is not None
        verify_receipt(closed.closing, keys, KINDS)
