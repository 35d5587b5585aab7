"""Notes, keys, checkpoints, cosignatures and files of pins: shared vectors, round trips, and bent bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import (
    MAX_TIME_S,
    Checkpoint,
    checkpoint_line,
    cosign,
    open_checkpoint,
    parse_checkpoint,
    parse_checkpoint_line,
    parse_checkpoints,
    serialise_checkpoints,
    sign_checkpoint,
    verify_cosignatures,
    verify_log_signature,
)
from schemas.signing.note import (
    COSIGNER_KEY,
    LOG_KEY,
    MAX_NOTE_BYTES,
    Note,
    NoteSigner,
    VerifierKey,
    parse_note,
    sign_text,
    verify_text,
)

VECTORS = read_vectors("checkpoint")
LOG = VerifierKey.from_text(VECTORS["log_key"])
WITNESS = VerifierKey.from_text(VECTORS["witness_key"])

SIGNER = NoteSigner("log.example/1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS_SIGNER = NoteSigner(
    "witness.example", Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)), COSIGNER_KEY
)

checkpoints = st.builds(
    Checkpoint,
    origin=st.just(SIGNER.name),
    size=st.integers(0, MAX_INTEGER),
    root=st.binary(min_size=32, max_size=32),
)


def test_good_vectors_open() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            checkpoint = open_checkpoint(vector["note"].encode(), [LOG])
            assert checkpoint.origin == LOG.name
            assert vector["note"].startswith(checkpoint.text.decode())


def test_the_cosignature_of_the_good_vector_verifies() -> None:
    note = parse_note(VECTORS["good"][1]["note"].encode())
    (cosignature,) = verify_cosignatures(note, [WITNESS])
    assert (cosignature.key, cosignature.time_s) == (WITNESS, VECTORS["time_s"])


def test_bad_cosignatures_are_refused_where_the_witness_is_known() -> None:
    for vector in VECTORS["bad_cosignatures"]:
        with naming(vector):
            note = parse_note(vector["note"].encode())
            with pytest.raises(CheckpointError):
                verify_cosignatures(note, [WITNESS])


def test_bad_cosignatures_are_ignored_where_the_witness_is_unknown() -> None:
    for vector in VECTORS["bad_cosignatures"]:
        with naming(vector):
            assert verify_cosignatures(parse_note(vector["note"].encode()), []) == ()
            open_checkpoint(vector["note"].encode(), [LOG])


@pytest.mark.campaign("vectors")
def test_the_example_of_the_signed_note_specification_verifies() -> None:
    # C2SP signed-note v1, sections "Verifier keys" and "Example".
    key = VerifierKey.from_text(
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )
    note = parse_note(
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2O"
        "NncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
    )
    assert verify_text(note, [key]) == (key,)


@given(checkpoints)
def test_a_signed_checkpoint_opens_to_itself(checkpoint: Checkpoint) -> None:
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), [SIGNER.verifier_key]) == checkpoint


@given(checkpoints, st.integers(0, MAX_TIME_S))
def test_a_cosignature_gives_its_witness_and_time(checkpoint: Checkpoint, time_s: int) -> None:
    _, note = parse_checkpoint(sign_checkpoint(checkpoint, SIGNER))
    line = cosign(note.text, WITNESS_SIGNER, time_s)
    cosigned = parse_note(replace(note, signatures=(*note.signatures, line)).to_bytes())
    (found,) = verify_cosignatures(cosigned, [WITNESS_SIGNER.verifier_key])
    assert (found.key, found.time_s) == (WITNESS_SIGNER.verifier_key, time_s)
    verify_text(cosigned, [SIGNER.verifier_key])


@given(checkpoints, st.data())
def test_no_byte_of_a_checkpoint_can_be_changed(
    checkpoint: Checkpoint, data: st.DataObject
) -> None:
    note = sign_checkpoint(checkpoint, SIGNER)
    place = data.draw(st.integers(0, len(note) - 1))
    bent = note[:place] + bytes([data.draw(st.integers(0, 255))]) + note[place + 1 :]
    if bent != note:
        with pytest.raises(CheckpointError):
            open_checkpoint(bent, [SIGNER.verifier_key])


@given(st.sampled_from([LOG_KEY, COSIGNER_KEY]), st.binary(min_size=32, max_size=32))
def test_a_key_is_read_as_it_was_written(kind: int, public_key: bytes) -> None:
    key = VerifierKey("log.example/1", kind, public_key)
    assert VerifierKey.from_text(key.text) == key


def test_one_key_of_two_kinds_has_two_ids() -> None:
    public_key = SIGNER.verifier_key.public_key
    as_log = VerifierKey("a", LOG_KEY, public_key)
    assert as_log.key_id != VerifierKey("a", COSIGNER_KEY, public_key).key_id


def test_a_private_key_does_not_show() -> None:
    assert "private" not in repr(SIGNER)


def test_a_log_does_not_sign_another_logs_checkpoint() -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(Checkpoint("other.example", 1, bytes(32)), SIGNER)


def test_a_witness_key_does_not_sign_checkpoints_nor_a_log_key_cosign() -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(Checkpoint(WITNESS_SIGNER.name, 1, bytes(32)), WITNESS_SIGNER)
    with pytest.raises(CheckpointError):
        cosign(b"text\n", SIGNER, 1)


@pytest.mark.parametrize("time_s", [-1, MAX_TIME_S + 1])
def test_a_cosignature_has_a_time_in_range(time_s: int) -> None:
    with pytest.raises(CheckpointError):
        cosign(b"text\n", WITNESS_SIGNER, time_s)


def test_a_note_may_hold_empty_lines_of_its_own() -> None:
    text = b"one\n\ntwo\n\n"
    note = Note(text, (sign_text(text, SIGNER),))
    assert verify_text(parse_note(note.to_bytes()), [SIGNER.verifier_key])


def test_sixteen_signatures_as_long_as_post_quantum_ones_are_read() -> None:
    _, note = parse_checkpoint(sign_checkpoint(Checkpoint(SIGNER.name, 1, bytes(32)), SIGNER))
    long = replace(note.signatures[0], name="pq.example", body=bytes(5000))
    crowded = replace(note, signatures=(*note.signatures, *[long] * 16)).to_bytes()
    assert len(crowded) < MAX_NOTE_BYTES
    open_checkpoint(crowded, [SIGNER.verifier_key])


def test_a_note_of_a_gigabyte_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(CheckpointError, match="too long"):
        parse_note(bytes(MAX_NOTE_BYTES + 1))


def test_a_checkpoint_on_one_line_is_its_note_without_cosignatures() -> None:
    notes = {vector["name"]: vector["note"].encode() for vector in VECTORS["good"]}
    for note in notes.values():
        checkpoint, read = parse_checkpoint_line(checkpoint_line(note))
        verify_log_signature(checkpoint, read, [LOG])
        assert checkpoint == open_checkpoint(note, [LOG])
        assert len(read.signatures) == 1
    assert checkpoint_line(notes["with a cosignature"]) == VECTORS["good_line"]
    _, read = parse_checkpoint_line(VECTORS["good_line"])
    assert read.to_bytes() == notes["plain"]
    stranger = notes["a line by an unknown key"].split(b"\n")
    with pytest.raises(CheckpointError, match="no signature by its log"):
        checkpoint_line(b"\n".join([*stranger[:4], stranger[5], b""]))


@given(st.lists(checkpoints, max_size=4))
def test_a_file_of_checkpoints_is_read_as_it_was_written(found: list[Checkpoint]) -> None:
    raw = serialise_checkpoints(sign_checkpoint(checkpoint, SIGNER) for checkpoint in found)
    assert [checkpoint for checkpoint, _ in parse_checkpoints(raw)] == found
