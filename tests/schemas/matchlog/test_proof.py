"""Receipt proofs, as files and as JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import read_vectors

from schemas.documents.errors import FormatError, ProofError
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import (
    MAX_PROOF_BYTES,
    LogProof,
    parse_proof,
    verify_proof,
    verify_receipt,
)
from schemas.rounds.receipt import Receipt
from schemas.signing.note import VerifierKey

VECTORS = read_vectors("proof")
KEYS = [VerifierKey.from_text(text) for text in VECTORS["log_keys"]]
GOOD = VECTORS["good"].encode()
PROOF = parse_proof(GOOD)
RECEIPT = PROOF.to_receipt(VECTORS["subject"])


def test_the_good_vector_verifies() -> None:
    entry, checkpoint = verify_proof(PROOF, KEYS, KINDS)
    assert (entry.object, entry.seq) == (VECTORS["subject"], PROOF.index)
    assert checkpoint.size > entry.seq
    assert PROOF.to_bytes() == GOOD


# After the log's own signature stand those of witnesses. C2SP signed-note has a reader pass over signatures
# of names that it does not know, so a bent witness's name is one witness less, not a broken proof.
VOUCHED = GOOD.index("\n— school-district.example/witness".encode()) + 1


@given(st.data())
@pytest.mark.campaign("receipts")
def test_no_byte_of_a_proof_that_the_log_vouches_for_can_be_changed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, VOUCHED - 1))
    bent = GOOD[:place] + bytes([data.draw(st.integers(0, 255))]) + GOOD[place + 1 :]
    if bent != GOOD:
        with pytest.raises(FormatError):
            verify_proof(parse_proof(bent), KEYS, KINDS)


def test_a_receipt_says_the_same_as_the_file() -> None:
    assert LogProof.from_receipt(RECEIPT) == PROOF
    again = Receipt.from_canonical(RECEIPT.to_canonical())
    assert verify_receipt(again, KEYS, KINDS) == verify_proof(PROOF, KEYS, KINDS)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "upl-" + "0" * 32},
        {"index": PROOF.index + 1},
        {"proof": ()},
        {"proof": RECEIPT.proof[::-1]},
        {"proof": ("=" * 44, *RECEIPT.proof[1:])},
        {"entry": RECEIPT.entry.replace("done", "failed")},
        {"checkpoint": RECEIPT.checkpoint.replace("—", "-")},
    ],
    ids=["subject", "index", "no-proof", "order", "not-base64", "entry", "checkpoint"],
)
@pytest.mark.campaign("receipts")
def test_a_bent_receipt_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        verify_receipt(RECEIPT.model_copy(update=change), KEYS, KINDS)


@pytest.mark.campaign("receipts")
def test_a_receipt_of_another_log_is_refused() -> None:
    other = VerifierKey(KEYS[0].name, KEYS[0].kind, bytes(32))
    with pytest.raises(FormatError):
        verify_receipt(RECEIPT, [other], KINDS)
    with pytest.raises(FormatError):
        verify_receipt(RECEIPT, [], KINDS)


def test_a_proof_of_a_gigabyte_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ProofError, match="too long"):
        parse_proof(bytes(MAX_PROOF_BYTES + 1))
