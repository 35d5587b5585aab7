"""Cosigning: only what is pinned, once for each size and person, and in a form that every auditor reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from breaks.false_log import Log

from encoding.errors import BrokerAnswerError, BrokerRefusedError, BrokerUnreachableError
from encoding.log.pins import Pin
from encoding.log.witness import Witness, read_cosigned
from encoding.people.identity import new_identity
from schemas.api.bodies import CosignatureRequest, CosignatureStored
from schemas.matchlog.checkpoint import parse_checkpoint, parse_checkpoints, verify_cosignatures
from schemas.signing.note import VerifierKey, parse_note

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
ANN = new_identity("welfare", ("analyst",), NOW)
BOB = new_identity("welfare", ("approver",), NOW)


class Sink:
    def __init__(self) -> None:
        self.taken: list[CosignatureRequest] = []
        self.answers = CosignatureStored(party="welfare", size=3, time="2026-11-20T22:30:00Z")

    def cosign(self, request: CosignatureRequest) -> CosignatureStored:
        self.taken.append(request)
        return self.answers.model_copy(update={"size": request.size})


def pin_of(log: Log, n_entries: int) -> Pin:
    log.entries = [f"entry {i}".encode() for i in range(n_entries)]
    note = log.checkpoint().encode()
    return Pin(parse_checkpoint(note)[0], note)


def test_cosignature_is_one_of_the_pin_by_the_persons_key(tmp_path: Path) -> None:
    pin, sink = pin_of(Log(), 3), Sink()
    assert Witness.of(ANN, tmp_path).cosign(pin, NOW, sink)
    (request,) = sink.taken
    key = VerifierKey.from_text(request.key)
    assert (key.name, request.size) == ("welfare", 3)
    assert key.public_key == ANN.public.verifier().public_bytes_raw()
    (cosignature,) = verify_cosignatures(parse_note(pin.note + request.line.encode()), [key])
    assert cosignature.time_s == int(NOW.timestamp())


def test_what_was_cosigned_is_kept_as_a_checkpoint_with_both_signatures(tmp_path: Path) -> None:
    witness = Witness.of(ANN, tmp_path)
    witness.cosign(pin_of(Log(), 3), NOW, Sink())
    ((checkpoint, note),) = parse_checkpoints((tmp_path / "cosigned").read_bytes())
    assert checkpoint.size == 3
    assert [s.name for s in note.signatures] == ["broker.test/log", "welfare"]
    assert witness.cosigned_size() == 3


def test_the_same_size_is_cosigned_once_for_each_person_and_no_log_without_entries(
    tmp_path: Path,
) -> None:
    sink = Sink()
    assert not Witness.of(ANN, tmp_path).cosign(pin_of(Log(), 0), NOW, sink)
    assert sink.taken == []
    pin = pin_of(Log(), 3)
    done = [Witness.of(who, tmp_path).cosign(pin, NOW, sink) for who in (ANN, ANN, BOB, BOB)]
    assert done == [True, False, True, False]


def test_nothing_is_remembered_of_what_could_not_be_sent_or_came_too_early(tmp_path: Path) -> None:
    class Refusing:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def cosign(self, request: CosignatureRequest) -> CosignatureStored:
            raise self.error

    witness, pin = Witness.of(ANN, tmp_path), pin_of(Log(), 3)
    with pytest.raises(BrokerUnreachableError):
        witness.cosign(pin, NOW, Refusing(BrokerUnreachableError("no answer")))
    # No project binds its party yet.
    early = BrokerRefusedError("not yet", problem="nothing-to-witness")
    assert not witness.cosign(pin, NOW, Refusing(early))
    assert witness.cosigned_size() == 0
    assert witness.cosign(pin, NOW, Sink())


def test_an_answer_about_another_party_is_refused(tmp_path: Path) -> None:
    sink = Sink()
    sink.answers = sink.answers.model_copy(update={"party": "schools"})
    with pytest.raises(BrokerAnswerError):
        Witness.of(ANN, tmp_path).cosign(pin_of(Log(), 3), NOW, sink)


def test_a_damaged_record_of_it_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "cosigned").write_bytes(b"hello")
    key = Witness.of(ANN, tmp_path).signer.verifier_key
    assert read_cosigned(tmp_path / "cosigned", key) is None
    assert Witness.of(ANN, tmp_path).cosign(pin_of(Log(), 3), NOW, Sink())
