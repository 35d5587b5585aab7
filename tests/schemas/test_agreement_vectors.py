"""Agreements and their amendments, by the vectors that all readers share."""

from __future__ import annotations

import json
from typing import Any

from samples.documents import changed
from vectors.file import naming, read_vectors

from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import opens_epoch, succession_fault
from schemas.documents.canonical import canonical_bytes

VECTORS = read_vectors("agreement")
BASE: dict[str, Any] = json.loads(VECTORS["base"])


def test_a_good_agreement_is_read_and_has_its_digest() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            made = changed(BASE, vector["place"], vector["value"])
            assert Agreement.from_canonical(canonical_bytes(made)).digest() == vector["sha256"]


def test_an_amendment_follows_or_does_not() -> None:
    for vector in VECTORS["successions"]:
        with naming(vector):
            before, after = Agreement.from_json(BASE), Agreement.from_json(BASE | vector["changes"])
            assert (succession_fault(before, after) is None) == vector["may_follow"]
            if vector["may_follow"]:
                assert (after.epoch != before.epoch) == vector["encodes_anew"]
                assert vector["encodes_anew"] or not opens_epoch(before, after)
