"""What a verification shows, what it leaves open and says so, and what pins and keys add."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from breaks.false_log import root_of
from rigs.independent_verdict import why_refused
from samples.log import Parts, SampleLog, pack_archive, signer, story
from samples.parties import CW
from samples.refusals import raises
from vectors.file import read_vectors

from app.auditor.errors import (
    AuditError,
    CheckpointMissingError,
    CosignatureBrokenError,
    KeyChainError,
    LeafChangedError,
    LogBrokenError,
    MalformedError,
    OutOfPlaceError,
    PinContradictedError,
    PinUnreadableError,
    PinUnsignedError,
    RolledBackError,
    RuleBrokenError,
    SignatureMissingError,
    TileChangedError,
    WithheldError,
)
from app.auditor.keys import read_log_key
from app.auditor.pins import Pin, read_pins
from app.auditor.verdict import Verdict
from app.auditor.verify import verify_bundle
from schemas.documents.merkle import hash_leaf
from schemas.matchlog import log_kinds
from schemas.matchlog.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    serialise_checkpoints,
    sign_checkpoint,
)
from schemas.matchlog.entry import Entry
from schemas.signing.signatures import sign_document

VECTORS = read_vectors("bundle")
LOG = story(41, n_weeks=5, projects=("foster", "health"))


def verify(parts: Parts | bytes, **given: Any) -> Verdict:
    raw = parts if isinstance(parts, bytes) else parts.pack()
    return verify_bundle(io.BytesIO(raw), **given)


def refused(parts: Parts | bytes, error: type[AuditError], **given: Any) -> AuditError:
    with raises(error) as caught:
        verify(parts, **given)
    return caught.value


def pin_of(log: SampleLog, place: int) -> Pin:
    return Pin(*parse_checkpoint(log.notes[place][1]))


def caveats(verdict: Verdict) -> set[str]:
    return {caveat.code for caveat in verdict.caveats}


# Uploads go as soon as they are linked, and nobody states that a release is whole.
OF_THE_STORY = {"destroyed-early", "unverified-releases"}


def test_a_verdict_says_what_was_seen() -> None:
    verdict = verify(LOG.parts())
    assert (verdict.origin, verdict.project, verdict.size) == ("broker.example/log", None, LOG.size)
    assert verdict.root == LOG.frontier.root()
    assert (verdict.entries_shown, verdict.entries_withheld) == (LOG.size, 0)
    assert verdict.checkpoints == len(LOG.notes)
    assert verdict.log_keys == tuple(s.verifier_key.text for s in LOG.signers)
    assert (verdict.first_time, verdict.last_time) == (LOG.entries[0].time, LOG.entries[-1].time)
    assert set(verdict.cosigned) == {"county-cw.example/witness", "school-district.example/witness"}


def test_with_pin_and_key_only_the_brokers_time_is_left_open() -> None:
    verdict = verify(LOG.parts(), pins=[pin_of(LOG, -1)], log_key=signer(0).verifier_key)
    assert caveats(verdict) == {*OF_THE_STORY, "broker-time", "who-typed"}
    assert verdict.pins == 1


def test_without_pin_and_key_that_is_said() -> None:
    said = {*OF_THE_STORY, "no-pin", "no-log-key", "broker-time", "who-typed"}
    assert caveats(verify(LOG.parts())) == said


def test_every_checkpoint_of_a_log_may_be_a_pin() -> None:
    pins = [pin_of(LOG, place) for place in range(len(LOG.notes))]
    assert verify(LOG.parts(), pins=pins).pins == len(pins)


def test_the_vectors_verify_with_their_pins_and_key(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text(VECTORS["pins"], encoding="utf-8", newline="")
    given = {"pins": read_pins([tmp_path / "pins"]), "log_key": read_log_key(VECTORS["log_key"])}
    for name in ("whole", "view_of_foster"):
        assert verify(base64.b64decode(VECTORS[name]), **given).size == VECTORS["size"]


@pytest.mark.parametrize("vector", VECTORS["changes"], ids=lambda vector: vector["name"])
def test_the_vectors_changes_are_refused(vector: dict[str, Any]) -> None:
    raw = bytearray(base64.b64decode(VECTORS["whole"]))
    if "truncate" in vector:
        del raw[vector["truncate"] :]
    elif "append" in vector:
        raw += bytes.fromhex(vector["append"])
    else:
        bent = bytes.fromhex(vector["hex"])
        raw[vector["at"] : vector["at"] + len(bent)] = bent
    refused(bytes(raw), AuditError)


# A project's view.


def view(log: SampleLog, project: str = "foster") -> Parts:
    return log.parts(project)


def test_a_projects_view_shows_its_entries_and_those_of_none() -> None:
    shown: list[Entry] = []
    verdict = verify(view(LOG), on_entry=shown.append)
    assert {entry.project for entry in shown} == {None, "foster"}
    expected = sum(entry.project == "health" for entry in LOG.entries)
    assert verdict.entries_withheld == expected > 0
    assert {"withheld", "open-end"} <= caveats(verdict)


def test_a_view_that_ends_with_its_own_export_leaves_no_end_open() -> None:
    log = story(42, n_weeks=1, projects=("foster", "health"))
    log.export("foster")
    assert "open-end" not in caveats(verify(view(log)))
    log.export("health", CW)
    assert "open-end" in caveats(verify(view(log)))


def test_an_entry_of_the_project_withheld_from_its_own_view_is_missed() -> None:
    log = story(42, n_weeks=1, projects=("foster", "health"))
    log.export("foster")
    places = [i for i, entry in enumerate(log.entries) if entry.project in {None, "foster"}]
    for index in places[1:-1]:
        parts = view(log)
        parts.entries[index] = None
        error = refused(parts, RuleBrokenError)
        assert error.index is not None
        assert error.index > index


def test_the_last_entries_of_a_project_are_missed_by_the_counts_of_its_export() -> None:
    log = story(42, n_weeks=1, projects=("foster", "health"))
    last = max(i for i, entry in enumerate(log.entries) if entry.project == "foster")
    export = log.export("foster")
    parts = view(log)
    parts.entries[last] = None
    assert refused(parts, RuleBrokenError).index == export.seq


def test_the_first_entry_is_shown_in_every_view() -> None:
    parts = view(LOG)
    parts.entries[0] = None
    assert refused(parts, WithheldError).index == 0


def test_nothing_is_withheld_from_a_view_of_the_whole() -> None:
    parts = LOG.parts()
    parts.entries[9] = None
    assert refused(parts, WithheldError).index == 9


def test_an_entry_of_another_project_in_a_view_is_refused() -> None:
    index = next(i for i, entry in enumerate(LOG.entries) if entry.project == "health")
    parts = view(LOG)
    parts.entries[index] = LOG.raw[index]
    assert refused(parts, WithheldError).index == index


# Keys.


def test_a_log_of_another_first_key_is_refused() -> None:
    refused(LOG.parts(), KeyChainError, log_key=signer(5).verifier_key)


def test_a_bundle_that_lists_another_first_key_is_refused() -> None:
    parts = LOG.parts()
    parts.keys[0] = signer(5).verifier_key.text
    assert refused(parts, KeyChainError).index == 0


def test_a_bundle_that_lists_a_key_that_signed_nothing_is_refused() -> None:
    parts = LOG.parts()
    parts.keys.append(signer(5).verifier_key.text)
    refused(parts, KeyChainError)


def test_a_log_signed_on_by_its_old_key_after_the_hand_over_is_refused() -> None:
    log = story(43, n_weeks=0)
    log.rotate_key()
    log.signers.pop()
    entry = log.export(None)
    assert refused(log.parts(), SignatureMissingError).index == entry.seq


def test_a_hand_over_signed_by_the_new_key_is_refused() -> None:
    log = story(43, n_weeks=0)
    log.rotate_key()
    size, note = log.notes[-1]
    log.notes[-1] = (size, sign_checkpoint(parse_checkpoint(note)[0], log.signers[-1]))
    assert refused(log.parts(), SignatureMissingError).index == size - 1


@pytest.mark.parametrize(
    "changes",
    [
        {"old": signer(7).verifier_key.text},
        {"new": signer(7).verifier_key.text},
        {"new": "not-a-key"},
        {"new": signer(1, "other.example/log").verifier_key.text},
        {"new": signer(1, kind=4).verifier_key.text},
        {"possession": "A" * 86 + "=="},
    ],
    ids=["old", "new", "not-a-key", "another-name", "a-witness", "possession"],
)
def test_a_hand_over_that_does_not_hold_is_refused(changes: dict[str, Any]) -> None:
    log = SampleLog(1)
    first = signer(0).verifier_key.text
    new = signer(1)
    written = {"old": first, "new": new.verifier_key.text, **changes}
    document = {"log": "broker.example/log", "new": written["new"], "old": first}
    possession = changes.get("possession") or sign_document(
        "key-rotation", document, new.private_key
    )
    entry = log.append(
        log_kinds.LogKeyRotated(old=written["old"], new=written["new"], possession=possession)
    )
    assert refused(log.parts(), KeyChainError).index == entry.seq


def test_a_log_that_is_handed_back_to_a_former_key_is_refused() -> None:
    log = story(43, n_weeks=0)
    first = log.signers[0]
    log.rotate_key()
    log.rotate_key(first)
    entry = log.entries[-1]
    log.export(None)
    assert refused(log.parts(), KeyChainError).index == entry.seq
    assert why_refused(log.bundle()) is not None


def test_two_hand_overs_in_one_batch_are_refused() -> None:
    handed = SampleLog(1)
    handed.rotate_key()
    body = handed.entries[-1].body
    log = SampleLog(1)
    log.add(body)
    second = log.add(body)
    log.close()
    assert refused(log.parts(), KeyChainError).index == second.seq


def test_a_hand_over_in_the_last_batch_needs_no_checkpoint_of_the_new_key() -> None:
    log = story(43, n_weeks=0)
    log.rotate_key()
    n_keys = len(log.used_keys)
    assert len(verify(log.parts()).log_keys) == n_keys


# Witnesses, tiles, checkpoints.


def test_a_witness_that_is_not_listed_is_refused() -> None:
    log = story(44, n_weeks=0)
    log.cosign(0)
    parts = log.parts()
    parts.cosigners = []
    assert refused(parts, CosignatureBrokenError).index == log.size - 1


def test_a_cosignature_that_does_not_verify_is_refused() -> None:
    log = story(44, n_weeks=0)
    log.cosign(0)
    size, raw = log.notes[-1]
    note = parse_checkpoint(raw)[1]
    body = note.signatures[1].body
    bent = replace(note.signatures[1], body=body[:-1] + bytes([body[-1] ^ 1]))
    log.notes[-1] = (size, replace(note, signatures=(note.signatures[0], bent)).to_bytes())
    assert refused(log.parts(), CosignatureBrokenError).index == size - 1


def test_an_upper_tile_that_does_not_follow_is_refused() -> None:
    log = story(45, n_weeks=15)
    assert 256 < log.size < 512
    members = dict(log.parts().members())
    members["tile/1/000.p/1"] = bytes(32)
    error = refused(pack_archive(members.items()), TileChangedError)
    assert error.evidence == {"tile_level": 1, "tile_index": 0}


def test_an_older_checkpoint_in_the_newest_ones_place_is_refused() -> None:
    parts = LOG.parts()
    parts.newest = LOG.notes[-2][1]
    refused(parts, CheckpointMissingError)


def test_batches_that_merge_are_found_at_the_next_entry() -> None:
    parts = LOG.parts()
    size, _ = parts.notes.pop(4)
    error = refused(parts, CheckpointMissingError)
    assert (error.index, error.evidence["checkpoints_before"]) == (size, 4)


def test_a_batch_cut_in_two_is_found_at_its_second_half() -> None:
    log = story(46, n_weeks=1)
    ends = {size for size, _ in log.notes}
    inside = next(size for size in range(1, log.size) if size not in ends)
    forged = Checkpoint("broker.example/log", inside, root_of(log.leaf_hashes[:inside]))
    parts = log.parts()
    parts.notes = sorted([*parts.notes, (inside, sign_checkpoint(forged, log.signers[0]))])
    assert refused(parts, CheckpointMissingError).index == inside


def test_an_entry_from_another_place_of_the_log_is_named() -> None:
    parts = LOG.parts()
    parts.entries[12], parts.leaf_hashes[12] = LOG.raw[9], LOG.leaf_hashes[9]
    error = refused(parts, OutOfPlaceError)
    assert (error.index, error.evidence) == (12, {"seq": 9})


# Pins.


def write_pins(path: Path, *notes: bytes) -> Path:
    path.write_bytes(serialise_checkpoints(notes))
    return path


def test_pins_are_read_from_several_files_and_with_crlf(tmp_path: Path) -> None:
    first = write_pins(tmp_path / "a", LOG.notes[3][1])
    second = tmp_path / "b"
    raw = serialise_checkpoints([LOG.notes[7][1], LOG.notes[-1][1]])
    second.write_bytes(raw.replace(b"\n", b"\r\n"))
    assert verify(LOG.parts(), pins=read_pins([first, second])).pins == 3


def test_a_pin_that_another_key_signed_is_unusable() -> None:
    checkpoint = parse_checkpoint(LOG.notes[5][1])[0]
    pin = Pin(*parse_checkpoint(sign_checkpoint(checkpoint, signer(9))))
    refused(LOG.parts(), PinUnreadableError, pins=[pin])


def test_a_pin_of_what_is_there_that_a_later_key_signed_is_unusable() -> None:
    log = story(46, n_weeks=1)
    checkpoint = parse_checkpoint(log.notes[2][1])[0]
    log.rotate_key()
    log.export(actor=CW)
    pin = Pin(*parse_checkpoint(sign_checkpoint(checkpoint, log.signers[1])))
    refused(log.parts(), PinUnsignedError, pins=[pin])


def edited(pin: Pin, **changes: Any) -> Pin:
    """A pin whose text was changed in its file, with the signature that stood under it."""
    checkpoint = replace(pin.checkpoint, **changes)
    return Pin(checkpoint, replace(pin.note, text=checkpoint.text), "county.pin")


@pytest.mark.parametrize("size", [LOG.notes[5][0], LOG.notes[5][0] + 1, LOG.size + 7])
def test_an_edited_pin_is_bad_input_and_says_nothing_against_the_log(size: int) -> None:
    pin = edited(pin_of(LOG, 5), size=size, root=bytes(32))
    error = refused(LOG.parts(), PinUnsignedError, pins=[pin])
    assert "in county.pin is not signed by this log" in error.message


def test_an_edited_pin_hides_no_fault_of_the_log() -> None:
    other = story(47, n_weeks=5, projects=("foster", "health"))
    pins = [edited(pin_of(LOG, 3), root=bytes(32)), pin_of(other, 20)]
    refused(LOG.parts(), PinContradictedError, pins=pins)
    parts = LOG.parts()
    parts.leaf_hashes[-1] = bytes(32)
    refused(parts, LeafChangedError, pins=pins[:1])


@pytest.mark.parametrize("number", [0, 1])
def test_a_pin_by_any_key_of_the_log_contradicts_it(number: int) -> None:
    """Also by one that comes later here, since another history may have been handed over sooner."""
    log = story(46, n_weeks=1)
    first = log.notes[2][0]
    log.rotate_key()
    log.export(actor=CW)
    for size in (first, log.size + 9):
        forked = Checkpoint("broker.example/log", size, bytes(32))
        pin = Pin(*parse_checkpoint(sign_checkpoint(forked, log.signers[number])))
        error = refused(log.parts(), LogBrokenError, pins=[pin])
        seen = error.evidence
        text = f"{seen['origin']}\n{seen['pin_size']}\n{seen['pinned_root']}\n"
        note = f"{text}\n— {seen['origin']} {seen['pin_signature']}\n"
        again = Pin(*parse_checkpoint(note.encode()))
        assert again.checkpoint == forked
        assert again.is_signed_by([log.signers[number].verifier_key])


def test_of_pins_that_the_log_does_not_reach_the_farthest_is_named() -> None:
    pins = [
        Pin(*parse_checkpoint(sign_checkpoint(Checkpoint(name, size, bytes(32)), LOG.signers[0])))
        for name, size in (("broker.example/log", LOG.size + more) for more in (5, 9, 7))
    ]
    error = refused(LOG.parts(), RolledBackError, pins=pins)
    assert error.index == error.evidence["size"] == LOG.size
    assert error.evidence["pin_size"] == LOG.size + 9


def test_a_pin_of_another_log_is_unusable() -> None:
    other = signer(0, "other.example/log")
    note = sign_checkpoint(Checkpoint(other.name, 1, bytes(32)), other)
    refused(LOG.parts(), PinUnreadableError, pins=[Pin(*parse_checkpoint(note))])


def test_a_checkpoint_that_the_log_signed_and_the_bundle_hides_is_found_by_a_pin() -> None:
    log = story(46, n_weeks=1)
    ends = {size for size, _ in log.notes}
    inside = next(size for size in range(1, log.size) if size not in ends)
    hidden = Checkpoint("broker.example/log", inside, root_of(log.leaf_hashes[:inside]))
    pin = Pin(*parse_checkpoint(sign_checkpoint(hidden, log.signers[0])))
    error = refused(log.parts(), PinContradictedError, pins=[pin])
    assert error.index == inside - 1


def test_two_histories_of_one_size_are_shown_beside_each_other() -> None:
    other = story(47, n_weeks=5, projects=("foster", "health"))
    pin = pin_of(other, 20)
    error = refused(LOG.parts(), PinContradictedError, pins=[pin])
    assert error.evidence["pin_size"] == pin.checkpoint.size
    pinned = base64.b64encode(pin.checkpoint.root).decode()
    assert error.evidence["pinned_root"] == pinned != error.evidence["root"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"not pins", b"blindlink/checkpoints/1\n", b"\xff\xfe", LOG.notes[0][1]],
    ids=["empty", "text", "no-pin", "binary", "bare-note"],
)
def test_a_file_that_pins_nothing_is_unusable(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "pins").write_bytes(raw)
    with pytest.raises(PinUnreadableError):
        read_pins([tmp_path / "pins"])


def test_a_pin_of_size_0_is_unusable(tmp_path: Path) -> None:
    empty = sign_checkpoint(Checkpoint("broker.example/log", 0, root_of([])), signer(0))
    with pytest.raises(PinUnreadableError):
        read_pins([write_pins(tmp_path / "pins", empty)])


def test_a_missing_pin_file_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(PinUnreadableError):
        read_pins([tmp_path / "nothing-here"])


def test_a_log_key_is_read_from_text_or_from_a_file(tmp_path: Path) -> None:
    key = signer(0).verifier_key
    (tmp_path / "key").write_text(f"{key.text}\n", encoding="utf-8")
    assert read_log_key(key.text) == read_log_key(str(tmp_path / "key")) == key


@pytest.mark.parametrize("text", ["", "nothing", signer(100, "w.example", 4).verifier_key.text])
def test_what_is_no_log_key_is_unusable(text: str) -> None:
    with pytest.raises(PinUnreadableError):
        read_log_key(text)


def test_progress_is_told_in_entries() -> None:
    told: list[tuple[int, int]] = []
    log = story(45, n_weeks=15)
    verify(log.parts(), on_progress=lambda done, total: told.append((done, total)))
    assert told == [(256, log.size), (log.size, log.size)]


def test_an_unknown_kind_in_a_bundle_is_named_with_its_entry() -> None:
    parts = LOG.parts()
    raw = (parts.entries[6] or b"").replace(b'"kind":"', b'"kind":"x')
    parts.entries[6], parts.leaf_hashes[6] = raw, hash_leaf(raw)
    error = refused(parts, MalformedError)
    assert error.index == 6
    assert "unknown kind" in error.message
