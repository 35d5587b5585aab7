"""Notes, keys, checkpoints, cosignatures and files of pins: shared vectors, round trips, and bent bytes.
Entries: every kind, every field bent, and the spec page's tables held against the code.
Receipt proofs, as files and as JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from samples.log import story
from vectors.file import naming, read_vectors

from blindlink_verify import entries, requests
from blindlink_verify.basics import Refused
from blindlink_verify.entries import parse_entry as parse_by_the_page
from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.errors import CheckpointError, EntryError, FormatError, ProofError
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
from schemas.matchlog.entry import Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import (
    MAX_PROOF_BYTES,
    LogProof,
    parse_proof,
    verify_proof,
    verify_receipt,
)
from schemas.matchlog.registry import KIND_OF_BODY, MAX_ENTRY_BYTES, RESERVED
from schemas.rounds.receipt import Receipt
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


SPEC = Path(__file__).resolve().parents[3] / "schemas" / "spec"
PAGE = (SPEC / "entry.md").read_text(encoding="utf-8")
VECTORS_OF_ENTRY = read_vectors("entry")
GOOD = {vector["name"]: vector["entry"].encode() for vector in VECTORS_OF_ENTRY["good"]}
LOG_OF_ENTRY = story(1, n_weeks=2)


def test_the_vectors_have_an_entry_of_every_kind() -> None:
    assert set(GOOD) == set(KINDS)
    for kind, raw in GOOD.items():
        entry = parse_entry(raw, KINDS)
        assert entry.kind == kind == KIND_OF_BODY[type(entry.body)]


WRONG = (None, True, -1, 1.5, "", "A b", "x" * 400, [], {}, 2**53, "\u202e")


def test_both_readers_take_the_same_values_of_every_field() -> None:
    for kind in sorted(GOOD):
        with naming(kind):
            # The second reader has its fields from the spec page: where they differ, page or code is wrong.
            entry = json.loads(GOOD[kind])
            for field in (*entry, *(("body", name) for name in entry["body"])):
                for value in WRONG:
                    if isinstance(field, tuple):
                        bent = {**entry, "body": {**entry["body"], field[1]: value}}
                    else:
                        bent = {**entry, field: value}
                    if isinstance(value, dict) and isinstance(field, tuple):
                        continue  # The embedded documents have pages and readers of their own.
                    assert _takes(partial(parse_entry, kinds=KINDS), bent) == _takes(
                        parse_by_the_page, bent
                    ), (
                        field,
                        value,
                    )


def rows(page: str, n_cells: int) -> list[list[str]]:
    """The rows of a page's table of so many columns, whose first cell is code."""
    found = [re.split(r" *\| *", row)[1:-1] for row in page.split("\n") if row.startswith("| `")]
    return [row for row in found if len(row) == n_cells]


def test_the_page_lists_the_kinds_and_fields_that_both_verifiers_know() -> None:
    listed = {re.findall("[a-z-]+", first)[0]: row for first, *row in rows(PAGE, 4)}
    assert set(listed) == set(KINDS) == set(entries.KINDS)
    fields = [(name.strip("`"), type_) for name, type_, _ in rows(PAGE, 3)]
    assert [name for name, _ in fields] == [*Entry.model_fields]
    assert dict(fields) == entries.OBJECTS["entry"]
    reserved = PAGE.split("Reserved for later versions")[1].split("Any other kind")[0]
    assert {word for word in RESERVED if f"`{word}`" in reserved} == RESERVED
    for first, project, prefix, body in rows(PAGE, 4):
        name = re.findall("[a-z-]+", first)[0]
        kind, other = KINDS[name], entries.KINDS[name]
        outcomes = {word for word in ("done", "refused", "failed") if f"`{word}`" in first}
        assert (outcomes or {"done"}) == kind.outcomes == set(other.outcomes)
        assert {"yes": True, "no": False, "either": None}[project] == kind.in_project
        assert (project, "*" in first) == (other.project, other.is_unbound)
        assert (kind.object_prefix or "none") in prefix
        assert ("none" in prefix) == (kind.object_prefix is None or kind.object_optional)
        assert prefix.replace("`", "").split(" or ") == other.objects
        assert dict(re.findall(r"`(\w+)` ([a-zA-Z ]+)", body)) == other.fields


def test_the_independent_verifier_has_the_table_of_signed_requests() -> None:
    page = (SPEC / "signed-request.md").read_text(encoding="utf-8")
    found = {}
    for entry, request, stated, duties, agreement in rows(page, 5):
        kind = re.findall("[a-z-]+", entry)[0]
        braces = re.search(r"\{\w+\}", stated)
        found[kind if "else" not in entry else f"{kind} {requests.SECOND[kind]}"] = (
            " or ".join(re.findall("`([A-Z]+ [^`]+)`", request)),
            braces[0] if braces else re.sub(r" \(.*?\)|`", "", stated),
            re.sub("; of a blind.*", ", or blind", duties),
            agreement,
        )
    assert found == {name: tuple(row) for name, row in requests.ROWS.items()}


def test_entries_of_a_whole_story_are_read_back_equal() -> None:
    for entry in LOG_OF_ENTRY.entries:
        with naming(str(entry)):
            assert parse_entry(entry_bytes(entry), KINDS) == entry


def test_an_entry_longer_than_its_kind_may_be_is_neither_written_nor_read() -> None:
    entry = json.loads(GOOD["configuration-changed"])
    entry["body"]["changed"] = ["a" * 60] * 64
    raw = _canonical(entry)
    assert 4096 < len(raw) < MAX_ENTRY_BYTES
    with pytest.raises(EntryError, match="longer"):
        parse_entry(raw, KINDS)
    built = parse_entry(GOOD["configuration-changed"], KINDS)
    body = built.body.model_copy(update={"changed": ("a" * 60,) * 64})
    with pytest.raises(EntryError, match="longer"):
        entry_bytes(built.model_copy(update={"body": body}))


def test_an_entry_longer_than_any_kind_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(EntryError, match="longer"):
        parse_entry(b"[" * (MAX_ENTRY_BYTES + 1), KINDS)


@pytest.mark.parametrize("field", ["purpose", "project", "time", "request", "kind"])
def test_no_error_repeats_what_it_refuses(field: str) -> None:
    entry = {**json.loads(GOOD["upload-received"]), field: "Secret Value 17"}
    with pytest.raises(EntryError) as caught:
        parse_entry(_canonical(entry), KINDS)
    assert "Secret" not in repr(caught.value)
    assert field in str(caught.value)


def _takes(read: Any, entry: dict[str, Any]) -> bool:
    try:
        read(_canonical(entry))
    except (ValueError, LookupError, TypeError, AttributeError, EntryError, Refused):
        return False
    return True


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


VECTORS_OF_PROOF = read_vectors("proof")
KEYS = [VerifierKey.from_text(text) for text in VECTORS_OF_PROOF["log_keys"]]
GOOD_OF_PROOF = VECTORS_OF_PROOF["good"].encode()
PROOF = parse_proof(GOOD_OF_PROOF)
RECEIPT = PROOF.to_receipt(VECTORS_OF_PROOF["subject"])


def test_the_good_vector_verifies() -> None:
    entry, checkpoint = verify_proof(PROOF, KEYS, KINDS)
    assert (entry.object, entry.seq) == (VECTORS_OF_PROOF["subject"], PROOF.index)
    assert checkpoint.size > entry.seq
    assert PROOF.to_bytes() == GOOD_OF_PROOF


# After the log's own signature stand those of witnesses. C2SP signed-note has a reader pass over signatures
# of names that it does not know, so a bent witness's name is one witness less, not a broken proof.
VOUCHED = GOOD_OF_PROOF.index("\n— school-district.example/witness".encode()) + 1


@given(st.data())
@pytest.mark.campaign("receipts")
def test_no_byte_of_a_proof_that_the_log_vouches_for_can_be_changed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, VOUCHED - 1))
    bent = (
        GOOD_OF_PROOF[:place] + bytes([data.draw(st.integers(0, 255))]) + GOOD_OF_PROOF[place + 1 :]
    )
    if bent != GOOD_OF_PROOF:
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
