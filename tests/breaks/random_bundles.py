"""Bundles good and bad by a seed, for two verifiers to agree on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from breaks.destruction import everything_destroyed
from breaks.every import CASES
from breaks.false_log import root_of
from breaks.rules import never_destroyed
from samples.delivered_log import everything_delivered, everything_studied
from samples.log import ORIGIN, WITNESSES, Parts, SampleLog, signer, story
from samples.parties import CW
from samples.reviewed_log import everything_reviewed
from samples.signed_log import everything_signed

from schemas.documents.canonical import canonical_bytes, parse_canonical_object
from schemas.documents.merkle import hash_leaf
from schemas.matchlog import log_kinds
from schemas.matchlog.checkpoint import (
    Checkpoint,
    cosign,
    serialise_checkpoints,
    sign_checkpoint,
)
from schemas.matchlog.entry import entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.signing.note import parse_note


@dataclass(frozen=True, slots=True)
class Given:
    """What an auditor gives a verifier; `pins` is empty and `log_key` None where they have none."""

    what: str
    bundle: bytes
    pins: bytes
    log_key: str | None


BUNDLES = ("good", "rule", "row", "note", "given", "byte", "view", "hand-over")


def given(seed: int, kinds_of_bundle: Sequence[str] = BUNDLES) -> Given:
    """A bundle with pins and key; about a third of the seeds give one that verifies."""
    chooser = random.Random(seed)
    log = _log(chooser)
    project = chooser.choice([None, "foster"])
    pins, log_key = b"", None
    if chooser.random() < 0.5:
        chosen = chooser.sample(log.notes, min(len(log.notes), 3))
        pins, log_key = serialise_checkpoints(note for _, note in chosen), log.used_keys[0]
    kind = chooser.choice(kinds_of_bundle)
    if kind == "rule":
        name, (_, broken) = chooser.choice([*CASES.items()])
        if broken is not never_destroyed or project is None:
            broken(log)
            return Given(name, log.bundle(project), pins, log_key)
    parts = log.parts(project)
    if kind in {"row", "note", "view"}:
        bends = {"row": ROWS, "note": NOTES, "view": VIEWS}[kind]
        bend = chooser.choice(bends)
        bend(parts, log, chooser)
        return Given(bend.__name__, parts.pack(), pins, log_key)
    if kind == "given":
        return _given_wrongly(chooser, parts, pins, log_key)
    if kind == "byte":
        return Given("byte", _flip(parts.pack(), chooser), pins, log_key)
    if kind == "hand-over":
        return Given("hand-over", _hand_over(log, chooser, project), pins, log_key)
    return Given("good", parts.pack(), pins, log_key)


def _log(chooser: random.Random) -> SampleLog:
    projects = ("foster",) if chooser.random() < 0.5 else ("foster", "health")
    log = story(chooser.randrange(1000), chooser.randrange(0, 3), projects)
    if chooser.random() < 0.3:
        log.week("foster")
    if chooser.random() < 0.2:
        everything_reviewed(log)
        everything_delivered(log)
        everything_studied(log)
        everything_destroyed(log)
        everything_signed(log)
    if chooser.random() < 0.5:
        log.cosign(chooser.randrange(2))
    if chooser.random() < 0.5:
        log.export("foster", CW)
    return log


# Rows.


def leaf_hash_changed(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    parts.leaf_hashes[chooser.randrange(len(parts.leaf_hashes))] = chooser.randbytes(32)


def row_deleted(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    index = chooser.randrange(len(parts.entries))
    del parts.entries[index], parts.leaf_hashes[index]


def row_repeated(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    index = chooser.randrange(len(parts.entries))
    parts.entries.insert(index, parts.entries[index])
    parts.leaf_hashes.insert(index, parts.leaf_hashes[index])


def row_rewritten_and_signed_anew(parts: Parts, log: SampleLog, chooser: random.Random) -> None:
    """A change that the log's own key covers: only the entry's form and the rules can tell."""
    index = chooser.choice([i for i, raw in enumerate(parts.entries) if raw])
    entry = parse_canonical_object(parts.entries[index] or b"")
    field = chooser.choice(sorted(entry))
    entry[field] = chooser.choice(
        [None, 0, True, -1, "x-y", "Ann B", [], {}, "2026-02-30T00:00:00Z"]
    )
    if chooser.random() < 0.2:
        entry["extra"] = 1
    _replace(parts, log, index, canonical_bytes(entry))


def body_rewritten_and_signed_anew(parts: Parts, log: SampleLog, chooser: random.Random) -> None:
    index = chooser.choice([i for i, raw in enumerate(parts.entries) if raw])
    entry = parse_canonical_object(parts.entries[index] or b"")
    body = dict(entry["body"])  # type: ignore[arg-type]
    field = chooser.choice(sorted(body))
    if not isinstance(body[field], dict):
        body[field] = chooser.choice([None, 0, True, 3, "x-y", "0" * 64, ["Ann B"], "linked"])
    _replace(parts, log, index, canonical_bytes({**entry, "body": body}))


def request_rewritten_and_signed_anew(parts: Parts, log: SampleLog, chooser: random.Random) -> None:
    """Harmless: a log that says something else, but nothing wrong; pins alone can tell."""
    index = chooser.choice([i for i, raw in enumerate(parts.entries) if raw])
    entry = parse_entry(parts.entries[index] or b"", KINDS)
    bent = entry.model_copy(update={"request": f"req-{chooser.randbytes(16).hex()}"})
    _replace(parts, log, index, entry_bytes(bent))


def _replace(parts: Parts, log: SampleLog, index: int, raw: bytes) -> None:
    parts.entries[index], parts.leaf_hashes[index] = raw, hash_leaf(raw)
    signers = {s.verifier_key.key_id: s for s in log.signers}
    for place, (size, note) in enumerate(parts.notes):
        signing = signers[parse_note(note).signatures[0].key_id]
        checkpoint = Checkpoint(ORIGIN, size, root_of(parts.leaf_hashes[:size]))
        parts.notes[place] = (size, sign_checkpoint(checkpoint, signing))
    parts.cosigners = []


ROWS = [
    leaf_hash_changed,
    row_deleted,
    row_repeated,
    row_rewritten_and_signed_anew,
    row_rewritten_and_signed_anew,
    body_rewritten_and_signed_anew,
    body_rewritten_and_signed_anew,
    request_rewritten_and_signed_anew,
]


# Checkpoints.


def note_deleted(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    if len(parts.notes) > 1:
        del parts.notes[chooser.randrange(len(parts.notes))]


def note_repeated(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    place = chooser.randrange(len(parts.notes))
    parts.notes.insert(place, parts.notes[place])


def notes_swapped(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    if len(parts.notes) > 1:
        place = chooser.randrange(len(parts.notes) - 1)
        first, second = parts.notes[place : place + 2]
        parts.notes[place : place + 2] = [second, first]


def note_signed_by_another(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    place = chooser.randrange(len(parts.notes))
    size, _note = parts.notes[place]
    checkpoint = Checkpoint(ORIGIN, size, root_of(parts.leaf_hashes[:size]))
    parts.notes[place] = (size, sign_checkpoint(checkpoint, signer(chooser.randrange(1, 9))))


def note_signed_twice(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    _with_line(parts, chooser, lambda note: note.signatures[0])


def note_cosigned(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    """Good, where the witness is listed."""
    _with_line(parts, chooser, lambda note: cosign(note.text, WITNESSES[0], 5))
    if chooser.random() < 0.6:
        key = WITNESSES[0].verifier_key.text
        parts.cosigners = sorted({*parts.cosigners, key})


def note_cosigned_wrongly(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    _with_line(parts, chooser, lambda note: cosign(note.text + b"x\n", WITNESSES[1], 5))
    parts.cosigners = sorted({*parts.cosigners, WITNESSES[1].verifier_key.text})


def newest_is_an_older_one(parts: Parts, _: SampleLog, __: random.Random) -> None:
    parts.newest = parts.notes[0][1]


def keys_listed_otherwise(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    parts.keys = chooser.choice(
        [
            [*parts.keys, signer(8).verifier_key.text],
            [signer(8).verifier_key.text],
            parts.keys[::-1],
            parts.keys * 2,
        ]
    )


def witness_listed_without_signing(parts: Parts, _: SampleLog, __: random.Random) -> None:
    """Harmless: a key that signed nothing."""
    parts.cosigners = sorted({*parts.cosigners, WITNESSES[0].verifier_key.text})


def _with_line(parts: Parts, chooser: random.Random, make: Callable) -> None:  # type: ignore[type-arg]
    place = chooser.randrange(len(parts.notes))
    size, raw = parts.notes[place]
    note = parse_note(raw)
    bent = replace(note, signatures=(*note.signatures, make(note)))
    parts.notes[place] = (size, bent.to_bytes())


NOTES = [
    note_deleted,
    note_repeated,
    notes_swapped,
    note_signed_by_another,
    note_signed_twice,
    note_cosigned,
    note_cosigned_wrongly,
    newest_is_an_older_one,
    keys_listed_otherwise,
    witness_listed_without_signing,
]


# What is shown and withheld.


def entry_withheld(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    shown = [i for i, raw in enumerate(parts.entries) if raw]
    parts.entries[chooser.choice(shown)] = None


def all_withheld_but_the_first(parts: Parts, _: SampleLog, __: random.Random) -> None:
    """Verifies, in a project's view, since nothing shown contradicts it; the caveats say so."""
    parts.entries[1:] = [None] * (len(parts.entries) - 1)


def tail_withheld(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    n_left = chooser.randrange(len(parts.entries))
    parts.entries[n_left:] = [None] * (len(parts.entries) - n_left)


def everything_shown(parts: Parts, log: SampleLog, _: random.Random) -> None:
    parts.entries = list(log.raw)


def another_scope(parts: Parts, _: SampleLog, chooser: random.Random) -> None:
    parts.project = chooser.choice(["health", "nothing-like-it", None, "foster"])


VIEWS = [
    entry_withheld,
    all_withheld_but_the_first,
    tail_withheld,
    everything_shown,
    another_scope,
]


def _given_wrongly(chooser: random.Random, parts: Parts, pins: bytes, log_key: str | None) -> Given:
    what = chooser.choice(["longer", "other", "key", "text", "between"])
    if what == "longer":
        longer = Checkpoint(ORIGIN, len(parts.entries) + 1, bytes(32))
        pins = serialise_checkpoints([sign_checkpoint(longer, signer(0))])
    elif what == "other":
        size = chooser.choice(parts.notes)[0]
        pins = serialise_checkpoints(
            [sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), signer(0))]
        )
    elif what == "between":
        size = chooser.randrange(1, len(parts.entries) + 1)
        found = Checkpoint(ORIGIN, size, root_of(parts.leaf_hashes[:size]))
        pins = serialise_checkpoints([sign_checkpoint(found, signer(0))])
    elif what == "key":
        log_key = signer(chooser.randrange(3)).verifier_key.text
    else:
        elsewhere = signer(0, "elsewhere.example")
        checkpoint = Checkpoint(elsewhere.name, 1, parts.leaf_hashes[0])
        pins = serialise_checkpoints([sign_checkpoint(checkpoint, elsewhere)])
    return Given(f"given-{what}", parts.pack(), pins, log_key)


def _flip(raw: bytes, chooser: random.Random) -> bytes:
    place = chooser.randrange(len(raw))
    choice = chooser.random()
    if choice < 0.1:
        return raw[:place]
    if choice < 0.2:
        return raw + chooser.randbytes(1)
    return raw[:place] + bytes([raw[place] ^ chooser.randrange(1, 256)]) + raw[place + 1 :]


def _hand_over(log: SampleLog, chooser: random.Random, project: str | None) -> bytes:
    """A second hand-over, in good order or not."""
    log.rotate_key()
    body = log.entries[-1].body
    assert isinstance(body, log_kinds.LogKeyRotated)
    what = chooser.randrange(5)
    if what == 1:
        log.append(body)
    elif what == 2:
        log.signers.pop()
    elif what == 3:
        bent = body.model_copy(update={"possession": body.possession[::-1].replace("=", "A")})
        log.signers.pop()
        log.append(bent)
    elif what == 4:
        log.add(body)
        log.add(body)
        log.close()
    log.enrol(CW.model_copy(update={"party": "newcomer"}))
    return log.bundle(project)
