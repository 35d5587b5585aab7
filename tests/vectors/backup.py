"""Writes schemas/vectors/workspace-backup.json, by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.backup

Put together from primitives of `cryptography` and the rfc8785 package, not by the code under test. Only what
HPKE seals is random: it is kept from the stored vectors where there are any.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from vectors.file import VECTORS, read_vectors, write_vectors
from vectors.identity import b64, code_of, identity_of, private_bytes, signature
from vectors.sealed import KEY, header_digest, key_digest, seal, sealed_file

PARTY = "child-welfare"
TIME = "2026-11-20T22:30:00Z"
WORKSPACE_KEY = bytes(range(60, 92))
NONCE = bytes(range(12))
CODE = bytes(range(18))

Sealings = dict[str, str]
FILES = {"handles/foster-1.map": b"\x00\x01", "peers.json": b"{}", "receipts/upl-1.json": b""}


def hkdf(key: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=info).derive(key)


RECOVERY = hkdf(CODE, b"blindlink/v1/recovery-code/keys\n", 128)
RECOVERY_PERSON = "per-" + hkdf(CODE, b"blindlink/v1/recovery-code/person\n", 16).hex()
PERSONS: dict[str, tuple[str, bytes]] = {
    "owner": ("per-" + "11" * 16, private_bytes(21)),
    "custodian": ("per-" + "22" * 16, private_bytes(22)),
    "stranger": ("per-" + "33" * 16, private_bytes(23)),
    "recovery": (RECOVERY_PERSON, RECOVERY),
}


def public(who: str, **changes: Any) -> dict[str, Any]:
    person, private = PERSONS[who]
    duties = ["analyst"]
    return {**identity_of(private), "person": person, "duties": duties, "created": TIME, **changes}


def keepers_of(**changes: Any) -> dict[str, Any]:
    return {
        "version": "blindlink/keepers/1",
        "owner": public("owner"),
        "custodians": [public("custodian")],
        "recovery": public("recovery"),
        **changes,
    }


def keepers_file(keepers: dict[str, Any], key: bytes = WORKSPACE_KEY) -> bytes:
    magic = b"blindlink/sealed-record/1\n"
    cipher = AESGCM(hkdf(key, b"blindlink/v1/workspace/record/keepers"))
    return magic + NONCE + cipher.encrypt(NONCE, rfc8785.dumps(keepers), magic + b"keepers")


class Sealer:
    """Seals keys as HPKE does: once for each header and person, and then always alike."""

    def __init__(self, kept: Sealings) -> None:
        self.kept, self.used = kept, {}

    def header(
        self, label: str, fields: dict[str, Any], key: bytes, receivers: list[dict[str, Any]]
    ) -> dict[str, Any]:
        info = f"blindlink/v1/{label}\n".encode() + rfc8785.dumps(fields)
        keys = []
        for one in sorted(receivers, key=lambda found: str(found["person"])):
            name = f"{header_digest(fields)}/{one['person']}"
            sealed = self.used.get(name) or self.kept.get(name) or b64(seal(key, one, info))
            self.used[name] = sealed
            keys.append({"person": one["person"], "key": key_digest(one), "sealed": sealed})
        return {**fields, "keys": keys}

    def key_file(self, receivers: list[dict[str, Any]], **changes: Any) -> str:
        fields = {"version": "blindlink/workspace-key/2", "party": PARTY, "created": TIME}
        header = self.header("workspace-key", {**fields, **changes}, WORKSPACE_KEY, receivers)
        return f"blindlink/workspace-key/2\n{rfc8785.dumps(header).decode()}\n"

    def backup(
        self, content: bytes, receivers: list[dict[str, Any]], recipient: str = PARTY
    ) -> bytes:
        fields = {
            "version": "blindlink/sealed-file/1",
            "sender": PARTY,
            "recipient": recipient,
            "created": TIME,
        }
        return sealed_file(self.header("sealed-file", fields, KEY, receivers), content)


def manifest_of(**changes: Any) -> dict[str, Any]:
    return {
        "version": "blindlink/workspace-backup/1",
        "maker": public("owner"),
        "created": TIME,
        "workspace_key": b64(WORKSPACE_KEY),
        "keepers": keepers_of(),
        "settings": "[project]\n",
        "files": [described(path, content) for path, content in FILES.items()],
        **changes,
    }


def described(path: str, content: bytes = b"") -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def signed(manifest: dict[str, Any], who: str = "owner", **changes: Any) -> dict[str, Any]:
    signed_by = signature("workspace-backup", manifest, PERSONS[who][1])
    return {"manifest": manifest, "signature": signed_by, **changes}


def content_of(document: dict[str, Any], rest: bytes = b"".join(FILES.values())) -> bytes:
    return rfc8785.dumps(document) + b"\n" + rest


def bad_files() -> dict[str, list[dict[str, Any]]]:
    """Return lists of files that no manifest may have, by what is wrong."""
    paths = {
        "a path that leads out": "../peers.json",
        "an absolute path": "/peers.json",
        "a path of Windows": "handles\\foster-1.map",
        "a drive": "C:peers.json",
        "a folder that leads up": "handles/../peers.json",
        "three folders": "a/b/c/peers.json",
        "a hidden file": ".profile",
        "a path of 151 letters": "a" * 151,
        "a file that is left out": "lock",
        "a file below a folder that is left out": "outbox/foster.enc",
        "cards of a review": "reviews/foster.sealed",
        "a delivery": "deliveries/foster.schools.incoming",
        "the workspace key as a file": "workspace.key",
    }
    lists = {name: [described(path)] for name, path in paths.items()}
    return lists | {
        "files out of order": [described("peers.json"), described("log.vkey")],
        "a file twice": [described("peers.json"), described("peers.json")],
        "two files that differ by case": [described("Peers.json"), described("peers.json")],
        "a size below nothing": [{**described("peers.json"), "size": -1}],
        "a digest in capitals": [{**described("peers.json"), "sha256": "A" * 64}],
    }


def bad_documents() -> dict[str, bytes]:
    """Return contents that are no backup though their sealing is whole, by what is wrong."""
    # Short ones: without a custodian.
    few = keepers_of(custodians=[])
    plain = manifest_of(keepers=few)
    good = signed(plain)
    other_party = public("owner", party="schools")
    manifests = {
        "another version": {"version": "blindlink/workspace-backup/2"},
        "an unknown field": {"surprise": 1},
        "a short workspace key": {"workspace_key": b64(bytes(31))},
        "a local time": {"created": "2026-11-20T22:30:00+01:00"},
        "a maker of another party": {"maker": other_party},
        "keepers of another party": {
            "keepers": keepers_of(
                owner=other_party, custodians=[], recovery=public("recovery", party="schools")
            )
        },
        "a custodian of another party": {
            "keepers": keepers_of(custodians=[public("custodian", party="schools")])
        },
        "a keeper twice": {"keepers": keepers_of(custodians=[public("owner")])},
        **{name: {"files": files} for name, files in bad_files().items()},
    }
    files = b"".join(FILES.values())
    return {
        "signed by another": content_of(signed(plain, "stranger")),
        "signed as another kind": content_of(
            {**good, "signature": signature("enrolment", plain, PERSONS["owner"][1])}
        ),
        "other settings than were signed": content_of(
            {**good, "manifest": {**plain, "settings": ""}}
        ),
        "white space": content_of(good).replace(b":", b": ", 1),
        "no line end": rfc8785.dumps(good),
        "nothing": b"",
        "a file changed": content_of(good, b"\x00\x02" + files[2:]),
        "a byte less": content_of(good, files[:-1]),
        "a byte more": content_of(good, files + b"\x00"),
        **{name: content_of(signed({**plain, **changes})) for name, changes in manifests.items()},
    }


def key_files(sealer: Sealer) -> dict[str, Any]:
    """Return good and bad files of the workspace key."""
    open_file = f"blindlink/workspace-key/1\n{b64(WORKSPACE_KEY)}\n"
    sealed = sealer.key_file([public("owner"), public("custodian"), public("recovery")])
    head, line, _ = sealed.split("\n")
    bad = {
        "empty": "",
        "another version": sealed.replace("workspace-key/2", "workspace-key/3", 1),
        "a short key": f"blindlink/workspace-key/1\n{b64(bytes(31))}\n",
        "a key in URL base64": open_file.replace("PD0", "-_0"),
        "white space": sealed.replace(":", ": ", 1),
        "another party than it was sealed for": sealed.replace(PARTY, "child-warfare"),
        "the head of the other form": f"blindlink/workspace-key/1\n{line}\n",
        "no keys": f'{head}\n{{"created":"{TIME}","keys":[],"party":"{PARTY}",'
        '"version":"blindlink/workspace-key/2"}\n',
    }
    return {
        "open": open_file,
        "sealed": sealed,
        "bad": [{"name": name, "file": text} for name, text in bad.items()],
    }


def keepers_vectors() -> dict[str, Any]:
    """Return good and bad lists of keepers, sealed."""
    many = [public("custodian", person=f"per-{n:032x}") for n in range(9)]
    good = keepers_file(keepers_of())
    bad = {
        "empty": b"",
        "another version": good.replace(b"sealed-record/1", b"sealed-record/2", 1),
        "under another workspace key": keepers_file(keepers_of(), bytes(32)),
        "cut off": good[:-1],
        "nine custodians": keepers_file(keepers_of(custodians=many)),
        "a keeper twice": keepers_file(keepers_of(custodians=[public("owner")])),
        "of two parties": keepers_file(keepers_of(owner=public("owner", party="schools"))),
        "no recovery code": keepers_file(keepers_of(recovery=None)),
    }
    return {
        "file": b64(good),
        "document": keepers_of(),
        "bad": [{"name": name, "file": b64(raw)} for name, raw in bad.items()],
    }


def good_backups(sealer: Sealer) -> list[dict[str, Any]]:
    """Return backups with who can open them, and by whose fingerprint they are taken."""
    everyone = ["owner", "custodian", "recovery"]
    bare = manifest_of(settings=None, files=[])
    made = [
        ("sealed to all keepers", manifest_of(), FILES, everyone),
        ("without settings and files", bare, {}, everyone),
        ("a handover", manifest_of(), FILES, ["custodian"]),
    ]
    return [
        {
            "name": name,
            "file": b64(
                sealer.backup(
                    content_of(signed(manifest), b"".join(files.values())),
                    [public(who) for who in openers],
                )
            ),
            "manifest": manifest,
            "files": {path: b64(content) for path, content in files.items()},
            "openers": openers,
        }
        for name, manifest, files, openers in made
    ]


def bad_backups(sealer: Sealer) -> dict[str, bytes]:
    """Return files that restore nothing, whoever opens them, by what is wrong."""
    good = content_of(signed(manifest_of(keepers=keepers_of(custodians=[]))))
    owner = [public("owner")]
    whole = sealer.backup(good, owner)
    return {
        "sealed to a stranger alone": sealer.backup(good, [public("stranger")]),
        "addressed to another party": sealer.backup(good, owner, "schools"),
        "cut off": whole[:-1],
        "another version of sealed files": whole.replace(b"sealed-file/1", b"sealed-file/2", 1),
    }


def backup_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/workspace-backup.md`."""
    stored = (VECTORS / "workspace-backup.json").exists()
    sealer = Sealer(read_vectors("workspace-backup")["sealed"] if stored else {})
    by_custodian = signed(manifest_of(maker=public("custodian")), "custodian")
    made: dict[str, Any] = {
        "spec": "workspace-backup",
        "persons": {
            who: {"identity": public(who), "private_hex": private.hex()}
            for who, (_, private) in PERSONS.items()
        },
        "recovery_code": code_of(CODE),
        "workspace_key": WORKSPACE_KEY.hex(),
        "key_files": key_files(sealer),
        "keepers": keepers_vectors(),
        "good": good_backups(sealer),
        "made_by_a_custodian": b64(sealer.backup(content_of(by_custodian), [public("owner")])),
        "bad": [{"name": name, "file": b64(raw)} for name, raw in bad_backups(sealer).items()],
        # As text of Latin-1, to be sealed to the owner: their sealing is not what is wrong.
        "bad_contents": [
            {"name": name, "content": content.decode("latin-1")}
            for name, content in bad_documents().items()
        ],
    }
    return {**made, "sealed": sealer.used}


if __name__ == "__main__":
    write_vectors("workspace-backup", backup_vectors())
