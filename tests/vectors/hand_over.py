"""Writes the vectors of hand-overs of the log's key; run by hand when the format changes.

Entries and checkpoints come from the sample log, proofs from the slow tree.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from samples.log import ORIGIN, SampleLog, signer
from samples.parties import OPERATOR
from twins import merkle
from vectors.file import write_vectors

from schemas.matchlog import log_kinds, person_kinds
from schemas.signing.note import NoteSigner
from schemas.signing.signatures import sign_document

STRANGER = NoteSigner(ORIGIN, signer(90).private_key)
ELSEWHERE = NoteSigner("other.example/log", signer(91).private_key)


def enrolled(n_parties: int) -> SampleLog:
    log = SampleLog(5)
    origin, key = ORIGIN, log.signers[0].verifier_key.text
    log.append(log_kinds.LogStarted(origin=origin, key=key, software="sample-1"))
    for _ in range(n_parties):
        log.append(
            person_kinds.PartyEnrolled(party=f"party-{log.size}", role="agency", fingerprint=None),
            actor=OPERATOR,
        )
    return log


def hand_over(log: SampleLog, index: int, size: int) -> dict[str, Any]:
    """Proof of the entry at an index under the checkpoint of a size."""
    hashes = merkle.path(index, log.raw[:size])
    notes = dict(log.notes)
    return {
        "entry": log.raw[index].decode(),
        "index": index,
        "proof": [base64.b64encode(one).decode() for one in hashes],
        "checkpoint": notes[size].decode(),
    }


def rotate(log: SampleLog, new: NoteSigner, **changes: str) -> None:
    """Append a hand-over, whole or bent, signed by the present key."""
    old_text, new_text = log.signers[-1].verifier_key.text, new.verifier_key.text
    names = {"log": ORIGIN, "new": new_text, "old": old_text}
    possession = sign_document("key-rotation", names, new.private_key)
    body = {"old": old_text, "new": new_text, "possession": possession, **changes}
    log.append(log_kinds.LogKeyRotated(**body), actor=OPERATOR)


def bent(new: NoteSigner, **changes: str) -> list[dict[str, Any]]:
    log = enrolled(4)
    rotate(log, new, **changes)
    return [hand_over(log, log.size - 1, log.size)]


def hand_over_vectors() -> dict[str, Any]:
    """Return the vectors of hand-overs, and of the file in which their keys are kept."""
    log = enrolled(4)
    places = []
    for _ in range(2):
        log.rotate_key()
        places.append(log.size)
        log.append(
            person_kinds.PartyEnrolled(party=f"party-{log.size}", role="agency", fingerprint=None),
            actor=OPERATOR,
        )
    first, second = (hand_over(log, size - 1, size) for size in places)
    keys = [one.verifier_key.text for one in log.signers]
    possession = json.loads(first["entry"])["body"]["possession"]
    flipped = possession[:20] + ("A" if possession[20] != "A" else "B") + possession[21:]
    bad: dict[str, list[dict[str, Any]]] = {
        "the second without the first": [second],
        "in the wrong order": [second, first],
        "under a checkpoint that the new key signed": [
            hand_over(log, places[0] - 1, places[0] + 1)
        ],
        "a proof of another entry": [{**first, "index": first["index"] - 1}],
        "another entry": [{**first, "entry": second["entry"]}],
        "a hash missing": [{**first, "proof": first["proof"][1:]}],
        "a hash that is not base64": [{**first, "proof": ["?" * 44, *first["proof"][1:]]}],
        "an entry that hands nothing over": [hand_over(log, places[0] - 2, places[0] - 1)],
        "the new key did not sign for itself": bent(STRANGER, possession=flipped),
        "signed for by another key": bent(STRANGER, possession=possession),
        "from a key not in force": bent(STRANGER, old=STRANGER.verifier_key.text),
        "to a key of another log": bent(ELSEWHERE),
    }
    lines = [keys[0], f"{keys[1]} {places[0]}", f"{keys[2]} {places[1]}"]
    text = "".join(f"{line}\n" for line in lines)
    bad_files = {
        "empty": "",
        "no newline at the end": text[:-1],
        "an empty line": f"{lines[0]}\n\n{lines[1]}\n",
        "a size after the first key": f"{lines[0]} 0\n",
        "no size after the second key": f"{lines[0]}\n{keys[1]}\n",
        "a size that falls": f"{lines[0]}\n{lines[2]}\n{lines[1]}\n",
        "a size twice": f"{lines[0]}\n{lines[1]}\n{keys[2]} {places[0]}\n",
        "a key twice": f"{lines[0]}\n{lines[1]}\n{keys[0]} {places[1]}\n",
        "a key of another log": f"{lines[0]}\n{ELSEWHERE.verifier_key.text} {places[0]}\n",
        "a size with a leading zero": text.replace(f" {places[0]}", f" 0{places[0]}"),
        "a negative size": text.replace(f" {places[0]}", f" -{places[0]}"),
        "carriage returns": text.replace("\n", "\r\n"),
        "a witness's key": _witness() + "\n",
    }
    return {
        "spec": "checkpoint",
        "first_key": keys[0],
        "good": [first, second],
        "keys_file": text,
        "bad": [{"name": name, "hand_overs": one} for name, one in bad.items()],
        "bad_files": [{"name": name, "file": one} for name, one in bad_files.items()],
    }


def _witness() -> str:
    return NoteSigner("witness.example/w", signer(92).private_key, 4).verifier_key.text


if __name__ == "__main__":
    write_vectors("hand-over", hand_over_vectors())
