"""Writes the vectors of checkpoints, proofs, entries and bundles; run by hand when a format changes.

Notes are put together here from the standard library and cryptography alone; entries and the bundle come from
the sample log, and the second verifier must accept it before it is written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from breaks.destruction import everything_destroyed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rigs.independent_verdict import why_refused
from samples.delivered_log import everything_delivered
from samples.log import SampleLog, everything_else, story
from samples.parties import CW, OPERATOR
from samples.reviewed_log import everything_reviewed
from samples.signed_log import everything_signed
from twins import merkle
from vectors.file import listed, write_vectors

from schemas.matchlog.checkpoint import serialise_checkpoints

ORIGIN = "broker.example/log"
ROOT = base64.b64encode(hashlib.sha256(b"root").digest()).decode()
TEXT = f"{ORIGIN}\n20852163\n{ROOT}\n"
TIME = 1_790_000_000


def _key(word: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(word.encode()).digest())


LOG, OTHER, WITNESS = _key("vector log key"), _key("vector other key"), _key("vector witness key")


def _public(key: Ed25519PrivateKey, kind: int) -> bytes:
    return bytes([kind]) + key.public_key().public_bytes_raw()


def _key_id(name: str, key: Ed25519PrivateKey, kind: int) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _public(key, kind)).digest()[:4]


def _vkey(name: str, key: Ed25519PrivateKey, kind: int = 1) -> str:
    encoded = base64.b64encode(_public(key, kind)).decode()
    return f"{name}+{_key_id(name, key, kind).hex()}+{encoded}"


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


def _signed(text: str, key: Ed25519PrivateKey = LOG, name: str = ORIGIN) -> str:
    return _line(name, _key_id(name, key, 1), key.sign(text.encode()))


def _cosigned(text: str, time_s: int = TIME, name: str = "witness.example/w") -> str:
    message = f"cosignature/v1\ntime {time_s}\n{text}".encode()
    signature = struct.pack(">Q", time_s) + WITNESS.sign(message)
    return _line(name, _key_id(name, WITNESS, 4), signature)


NOTE = f"{TEXT}\n{_signed(TEXT)}"
LINE = " ".join([*TEXT.split(), _signed(TEXT).split()[-1]])


def checkpoint_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/checkpoint.md`."""
    unknown = _signed(TEXT, OTHER, "stranger.example")
    later = _line(ORIGIN, b"\x01\x02\x03\x04", bytes(2428))
    good = {
        "plain": NOTE,
        "with a cosignature": NOTE + _cosigned(TEXT),
        "a line by an unknown key": NOTE + unknown,
        "a line of an unknown kind, as long as ML-DSA-44's": NOTE + later,
        "the log's line last": f"{TEXT}\n{_cosigned(TEXT)}{unknown}{_signed(TEXT)}",
        "size 0": _noted(TEXT.replace("20852163", "0")),
    }
    return {
        "spec": "checkpoint",
        "log_key": _vkey(ORIGIN, LOG),
        "witness_key": _vkey("witness.example/w", WITNESS, 4),
        "time_s": TIME,
        "good": listed(good, "note"),
        "bad": listed(_bad_notes(), "note"),
        "bad_cosignatures": [
            {"name": name, "note": NOTE + line} for name, line in _bad_cosignatures().items()
        ],
        "bad_keys": listed(_bad_keys(), "key"),
        "good_file": f"blindlink/checkpoints/1\n\n{NOTE}\n{NOTE}{_cosigned(TEXT)}",
        "bad_files": listed(_bad_files(), "file"),
        "good_line": LINE,
        "bad_lines": listed(_bad_lines(), "line"),
    }


def _bad_lines() -> dict[str, str]:
    _, size, root, signature = LINE.split()
    return {
        "empty": "",
        "no signature": LINE.removesuffix(f" {signature}"),
        "a part more": f"{LINE} {signature}",
        "two spaces": LINE.replace(f" {size}", f"  {size}"),
        "a newline at the end": f"{LINE}\n",
        "the dash of a note": LINE.replace(signature, f"— {signature}"),
        "a size with a comma": LINE.replace(size, "20,852,163"),
        "a root cut short": LINE.replace(root, root[:-1]),
        "a signature cut short": LINE[:-10],
    }


def _noted(text: str) -> str:
    return f"{text}\n{_signed(text)}"


def _bad_notes() -> dict[str, str]:
    signature = _signed(TEXT)
    encoded = signature.split(" ")[2].strip()
    raw = base64.b64decode(encoded)
    flipped = base64.b64encode(raw[:10] + bytes([raw[10] ^ 1]) + raw[11:]).decode()
    other_log = TEXT.replace("broker", "broker2")
    size = "20852163"
    return {
        "empty": "",
        "no signature": f"{TEXT}\n",
        "no empty line": TEXT + signature,
        "no newline at the end": NOTE[:-1],
        "an empty line at the end": NOTE + "\n",
        "carriage returns": NOTE.replace("\n", "\r\n"),
        "a tab": NOTE.replace(size, f"\t{size}"),
        "another size": NOTE.replace(size, "20852164"),
        "another root": f"{TEXT.replace(ROOT, ROOT[::-1])}\n{signature}",
        "a flipped bit in the signature": NOTE.replace(encoded, flipped),
        "a signature of 63 bytes": NOTE.replace(encoded, base64.b64encode(raw[:-1]).decode()),
        "a signature that is only a key ID": NOTE.replace(
            encoded, base64.b64encode(raw[:4]).decode()
        ),
        "padding missing": NOTE.replace(encoded, encoded.rstrip("=")),
        "a hyphen for the dash": NOTE.replace("—", "-"),
        "two spaces": NOTE.replace("— ", "—  "),
        "only a stranger's signature": f"{TEXT}\n{_signed(TEXT, OTHER, 'stranger.example')}",
        "another key under the log's name": f"{TEXT}\n{_signed(TEXT, OTHER)}",
        "a forged line beside the good one": NOTE + NOTE.split("\n\n")[1].replace(encoded, flipped),
        "another log's checkpoint": _noted(other_log),
        "another log's checkpoint under its own name": (
            f"{other_log}\n{_signed(other_log, LOG, 'broker2.example/log')}"
        ),
        "a fourth line": _noted(TEXT + "extension\n"),
        "two lines": _noted(f"{ORIGIN}\n{size}\n"),
        "leading zero": _noted(TEXT.replace(size, f"0{size}")),
        "plus sign": _noted(TEXT.replace(size, f"+{size}")),
        "digits that are not ASCII": _noted(TEXT.replace(size, "٢٣")),
        "a size of 2^53": _noted(TEXT.replace(size, str(2**53))),
        "a root of 31 bytes": _noted(TEXT.replace(ROOT, base64.b64encode(bytes(31)).decode())),
        "a root in the URL alphabet": _noted(TEXT.replace(ROOT, "-_" + ROOT[2:])),
        "an empty origin": _noted(TEXT.replace(ORIGIN, "")),
        "33 signatures": NOTE + _signed(TEXT, OTHER, "stranger.example") * 32,
    }


def _bad_cosignatures() -> dict[str, str]:
    good = _cosigned(TEXT)
    name, key_id = "witness.example/w", _key_id("witness.example/w", WITNESS, 4)
    plain = WITNESS.sign(TEXT.encode())
    stamp = struct.pack(">Q", TIME)
    late = 2**63
    message = f"cosignature/v1\ntime {late}\n{TEXT}".encode()
    raw = base64.b64decode(good.split(" ")[2])
    return {
        "over another text": _cosigned(TEXT.replace("20852163", "20852164")),
        "without its time": _line(name, key_id, plain),
        "over the bare text": _line(name, key_id, stamp + plain),
        "with another time": _line(name, key_id, struct.pack(">Q", TIME + 1) + raw[12:]),
        "with a time of 2^63": _line(name, key_id, struct.pack(">Q", late) + WITNESS.sign(message)),
        "a byte too long": _line(name, key_id, raw[4:] + b"\0"),
        "a byte too short": _line(name, key_id, raw[4:-1]),
    }


def _bad_keys() -> dict[str, str]:
    good = _vkey(ORIGIN, LOG)
    name, key_id, encoded = good.split("+", 2)
    return {
        "empty": "",
        "no key": f"{name}+{key_id}",
        "another key ID": good.replace(key_id, "00000000"),
        "a key ID in upper case": good.replace(key_id, key_id.upper()),
        "another name": good.replace("broker", "bruker"),
        "an empty name": f"+{key_id}+{encoded}",
        "a space in the name": _vkey("broker example", LOG),
        "an unknown kind": _vkey(ORIGIN, LOG, 2),
        "a short key": f"{name}+{key_id}+{base64.b64encode(_public(LOG, 1)[:-1]).decode()}",
        "a newline after": good + "\n",
        "a letter missing": good[:-1],
    }


def _bad_files() -> dict[str, str]:
    good = f"blindlink/checkpoints/1\n\n{NOTE}"
    return {
        "empty": "",
        "no header": NOTE,
        "another version": good.replace("/1\n", "/2\n"),
        "no empty line before the note": good.replace("1\n\n", "1\n"),
        "two empty lines before the note": good.replace("1\n\n", "1\n\n\n"),
        "two empty lines between notes": f"{good}\n\n{NOTE}",
        "no empty line between notes": good + NOTE,
        "an empty line at the end": good + "\n",
        "cut off in the signature": good[:-10],
        "cut off after the text": good[: good.index("—")],
        "only an empty line": "blindlink/checkpoints/1\n\n",
    }


def proof_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/receipt-proof.md`."""
    log = story(7, n_weeks=1)
    index = next(i for i, entry in enumerate(log.entries) if entry.kind == "upload-received")
    hashes = [base64.b64encode(value).decode() for value in merkle.path(index, log.raw)]
    note = log.notes[-1][1].decode()
    entry = base64.b64encode(log.raw[index]).decode()
    head = ["c2sp.org/tlog-proof@v1", f"extra {entry}", f"index {index}"]
    good = "\n".join([*head, *hashes, "", note])
    other = base64.b64encode(log.raw[index + 1]).decode()
    bad = {
        "empty": "",
        "another version": good.replace("@v1", "@v2"),
        "no entry": good.replace(f"extra {entry}\n", ""),
        "another entry": good.replace(entry, other),
        "another index": good.replace(f"index {index}\n", f"index {index + 1}\n"),
        "an index beyond the size": good.replace(f"index {index}\n", "index 999\n"),
        "an index with a leading zero": good.replace(f"index {index}\n", f"index 0{index}\n"),
        "a negative index": good.replace(f"index {index}\n", "index -1\n"),
        "the first hash missing": good.replace(hashes[0] + "\n", ""),
        "a hash twice": good.replace(hashes[0], f"{hashes[0]}\n{hashes[0]}"),
        "hashes in another order": "\n".join([*head, *hashes[::-1], "", note]),
        "a hash of 31 bytes": good.replace(hashes[0], base64.b64encode(bytes(31)).decode()),
        "a hash that is not base64": good.replace(hashes[0], "?" + hashes[0][1:]),
        "54 hashes": "\n".join([*head, *(hashes[:1] * 54), "", note]),
        "no checkpoint": "\n".join([*head, *hashes, ""]),
        "no empty line": "\n".join([*head, *hashes, note]),
        "an older checkpoint that does not cover it": (
            "\n".join([*head, *hashes, "", log.notes[index - 3][1].decode()])
        ),
        "carriage returns": good.replace("\n", "\r\n"),
        "a letter beyond ASCII": good.replace("extra", "éxtra"),
    }
    return {
        "spec": "receipt-proof",
        "log_keys": log.used_keys,
        "good": good,
        "subject": log.entries[index].object,
        "bad": [{"name": name, "proof": proof} for name, proof in bad.items() if proof != good],
    }


def entry_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/entry.md`."""
    entries = one_of_each_kind()
    received = json.loads(entries["upload-received"])
    bad: dict[str, str] = {
        "not canonical": json.dumps(received),
        "an array": "[]",
        "cut off": entries["upload-received"][:-1],
        "something after": entries["upload-received"] + "\n",
        "a key twice": entries["upload-received"].replace('"batch":', '"batch":1,"batch":', 1),
        "deep nesting": "[" * 5000,
    }
    changes: dict[str, dict[str, Any]] = {
        "an unknown kind": {"kind": "upload-lost"},
        "a reserved kind": {"kind": "log-succeeded"},
        "another kind's body": {"kind": "upload-destroyed"},
        "an unknown field": {"note": "x"},
        "an index as text": {"seq": "1"},
        "a day that does not exist": {"time": "2026-02-30T06:00:00Z"},
        "a request that is another id": {"request": "run-" + "0" * 32},
        "a project without its agreement": {"agreement": None},
        "an agreement without a project": {"project": None},
        "no project where the kind needs one": {"project": None, "agreement": None},
        "an object of another kind": {"object": "run-" + "0" * 32},
        "no object": {"object": None},
        "an outcome that the kind does not have": {"outcome": "failed"},
        "a request of no method": {"actor": _with_request(received, asks="/v1/uploads")},
    }
    for name, change in changes.items():
        bad[name] = _canonical({**received, **change})
    for name, entry in _bad_rounds(entries).items():
        bad[name] = _canonical(entry)
    for kind in ("run-started", "upload-rejected"):
        entry = json.loads(entries[kind])
        bad[f"a signed request in {kind}"] = _canonical({**entry, "actor": received["actor"]})
    for left_out, name in (("place", "a field missing"), ("version", "no version")):
        missing = {key: value for key, value in received.items() if key != left_out}
        bad[name] = _canonical(missing)
    # Of no project, so that nobody's view of the log goes without it.
    for kind in ("role-changed", "key-rotated"):
        placed = {name: received[name] for name in ("project", "agreement", "purpose")}
        bad[f"{kind} in a project"] = _canonical(json.loads(entries[kind]) | placed)
    for name, kind, change in (
        ("a role of nobody", "role-changed", {"person": None}),
        ("a party with the broker's name", "party-enrolled", {"party": "broker"}),
    ):
        entry = json.loads(entries[kind])
        bad[name] = _canonical(entry | {"body": entry["body"] | change})
    asked = json.loads(entries["run-asked"])
    asked["body"]["specification"]["floor"] = 11
    bad["a specification of another digest"] = _canonical(asked)
    changed = json.loads(entries["configuration-changed"])
    changed["body"]["changed"] = ["a" * 60] * 64
    bad["4,097 bytes and more"] = _canonical(changed)
    return {"spec": "entry", "good": listed(entries, "entry"), "bad": listed(bad, "entry")}


def _with_request(entry: Any, **changes: Any) -> dict[str, Any]:
    """Return the actor of an entry with their request changed."""
    signed = entry["actor"]["signed"]
    return {**entry["actor"], "signed": {**signed, "request": {**signed["request"], **changes}}}


def _bad_rounds(entries: dict[str, str]) -> dict[str, Any]:
    """Return entries about rounds that are malformed."""
    log = everything()
    opened = json.loads(
        next(
            raw
            for entry, raw in zip(log.entries, log.raw, strict=True)
            if (entry.kind, entry.project) == ("round-opened", "trio")
        )
    )
    closed, offered = (json.loads(entries[kind]) for kind in ("round-closed", "nonces-offered"))
    pairs, offer = opened["body"]["pairs"], offered["body"]["signed"]["offer"]
    claim = {"party": "county-cw", "partner": "school-district", "sha256": "ab" * 32}
    bodies: list[tuple[str, Any, dict[str, Any]]] = [
        ("pairs out of order", opened, {"pairs": pairs[::-1]}),
        ("a pair twice", opened, {"pairs": [pairs[0], *pairs]}),
        ("claims out of order", closed, {
            "claims": [{**claim, "party": "school-district"}, claim],
        }),
        ("claims twice", closed, {"claims": [claim, claim]}),
    ]  # fmt: skip
    offers: list[tuple[str, dict[str, Any]]] = [
        ("a nonce that is offered twice", {"nonces": offer["nonces"][:1] * 2}),
        ("nonces void that come after", {"void_below": offer["first"] + 1}),
    ]
    made = {name: {**entry, "body": {**entry["body"], **change}} for name, entry, change in bodies}
    for name, change in offers:
        signed = {**offered["body"]["signed"], "offer": {**offer, **change}}
        made[name] = {**offered, "body": {"signed": signed}}
    return made


def one_of_each_kind() -> dict[str, str]:
    """Return an entry of every kind as text, by kind."""
    log = everything()
    found = {entry.kind: raw.decode() for entry, raw in zip(log.entries, log.raw, strict=True)}
    return dict(sorted(found.items()))


def everything() -> SampleLog:
    """A small log in which every kind occurs."""
    log = story(3, n_weeks=2)
    everything_reviewed(log)
    everything_delivered(log)
    everything_else(log)
    everything_destroyed(log)
    everything_signed(log)
    log.export("foster", CW)
    log.export(None, OPERATOR)
    return log


def bundle_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/bundle.md`: one bundle of each scope, and changes that spoil it."""
    log = story(5, n_weeks=1, projects=("foster", "health"))
    log.cosign(0)
    log.export("foster")
    whole, view = log.bundle(), log.bundle("foster")
    pins = serialise_checkpoints([log.notes[3][1], log.notes[-1][1]])
    for bundle in (whole, view):
        reason = why_refused(bundle, pins, log.used_keys[0])
        if reason is not None:
            raise SystemExit(f"the second verifier refuses the sample: {reason}")
    size = len(whole)
    entry = whole.index(b'{"actor"')
    manifest = whole.index(b'{"cosigner_keys"')
    changes = {
        "cut off at the end": {"truncate": size - 1},
        "cut off in the middle": {"truncate": size // 2},
        "empty": {"truncate": 0},
        "a byte after the end": {"append": "00"},
        "another bundle after the end": {"append": whole[:1024].hex()},
        "the first name": {"at": 0, "hex": "42"},
        "the first mode": {"at": 106, "hex": "35"},
        "the first time": {"at": 146, "hex": "31"},
        "an owner's name": {"at": 265, "hex": "72"},
        "a size of 8 GiB": {"at": 124, "hex": b"77777777777".hex()},
        "a size that is not octal": {"at": 124, "hex": b"9".hex()},
        "the padding of the manifest": {"at": whole.index(b"\0", manifest + 1) + 1, "hex": "01"},
        "the manifest's version": {"at": whole.index(b"bundle/1") + 7, "hex": b"2".hex()},
        "the manifest's size": {"at": whole.index(b'"size":') + 7, "hex": b"9".hex()},
        "the manifest's origin": {"at": whole.index(b'"origin":"') + 10, "hex": b"x".hex()},
        "a key of the manifest": {
            "at": whole.index(b"broker.example/log+") + 30,
            "hex": b"A".hex(),
        },
        "a letter of an entry": {"at": entry + 20, "hex": b"z".hex()},
        "a length of an entry": {"at": entry - 2, "hex": "ffff"},
        "a leaf hash": {"at": whole.index(b"tile/0/000") + 600, "hex": "0000000000000000"},
    }
    return {
        "spec": "bundle",
        "whole": base64.b64encode(whole).decode(),
        "view_of_foster": base64.b64encode(view).decode(),
        "pins": pins.decode(),
        "log_key": log.used_keys[0],
        "size": log.size,
        "changes": [{"name": name, **change} for name, change in changes.items()],
    }


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    write_vectors("checkpoint", checkpoint_vectors())
    write_vectors("proof", proof_vectors())
    write_vectors("entry", entry_vectors())
    write_vectors("bundle", bundle_vectors())
