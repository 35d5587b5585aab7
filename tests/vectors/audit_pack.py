"""Writes the vectors of audit packs and samples. Run by hand when the formats change.

Bytes come from the rfc8785 package and the standard library, not from the code under test.
"""

from __future__ import annotations

import hashlib
from typing import Any

from twins.match_record import canonical
from vectors.file import listed, write_vectors

RUN = f"run-{'5' * 32}"
UPLOAD = f"upl-{'1' * 32}"
FILES = {
    "openings/" + RUN: b"openings",
    "pins": b"pins",
    f"receipts/{UPLOAD}.json": b"{}",
    f"receipts/{UPLOAD}.manifest.json": b"{}",
}
MANIFEST: dict[str, Any] = {
    "version": "blindlink/audit-pack/1",
    "project": "foster-pupils",
    "party": "child-welfare",
    "created": "2026-11-20T22:30:00Z",
    "files": [
        {"name": name, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        for name, raw in FILES.items()
    ],
}
SAMPLE: dict[str, Any] = {
    "version": "blindlink/sample/1",
    "project": "foster-pupils",
    "run": RUN,
    "match_record": "cd" * 32,
    "seed": "2026-11-20",
    "numbers": [3, 17, 40],
}


def drawn(eligible: list[int], n: int, seed: str, root: str) -> list[int]:
    def place(number: int) -> bytes:
        return hashlib.sha256(f"blindlink/v1/sample\n{seed}\n{root}\n{number}".encode()).digest()

    return sorted(sorted(eligible, key=place)[:n])


def text(value: dict[str, Any], **changes: Any) -> str:
    return canonical({**value, **changes}).decode()


def _bad_manifests() -> list[tuple[str, str]]:
    one = MANIFEST["files"][0]

    def named(name: str) -> str:
        return text(MANIFEST, files=[{**one, "name": name}])

    return [
        ("an unknown field", text(MANIFEST, surprise=1)),
        ("files in another order", text(MANIFEST, files=MANIFEST["files"][::-1])),
        ("a file twice", text(MANIFEST, files=[one, one])),
        ("a path upwards", named("receipts/../pins")),
        ("an absolute path", named("/pins")),
        ("a file of another kind", named("secret.txt")),
        ("a receipt of nothing", named("receipts/x.json")),
        (
            "too much together",
            text(MANIFEST, files=[{**file, "size": 60 * 2**20} for file in MANIFEST["files"]]),
        ),
        ("not canonical", text(MANIFEST).replace(":", ": ", 1)),
    ]


def _bad_samples() -> list[tuple[str, str]]:
    return [
        ("an unknown field", text(SAMPLE, handle="21" * 16)),
        ("numbers that decrease", text(SAMPLE, numbers=[17, 3])),
        ("a number twice", text(SAMPLE, numbers=[3, 3])),
        ("a seed with a space", text(SAMPLE, seed="a b")),
        ("no seed", text(SAMPLE, seed="")),
        ("a seed that is too long", text(SAMPLE, seed="x" * 65)),
    ]


def audit_pack_vectors() -> dict[str, Any]:
    root, eligible = SAMPLE["match_record"], list(range(1, 60))
    return {
        "spec": "audit-pack",
        "manifests": {
            "good": [
                {"name": "a few files", "document": text(MANIFEST)},
                {"name": "none", "document": text(MANIFEST, files=[])},
            ],
            "bad": listed(_bad_manifests(), "document"),
        },
        "samples": {
            "good": [
                {"name": "three rows", "document": text(SAMPLE)},
                {"name": "no row", "document": text(SAMPLE, numbers=[])},
            ],
            "bad": listed(_bad_samples(), "document"),
        },
        "draws": [
            {
                "eligible": eligible,
                "n": n,
                "seed": seed,
                "match_record": root,
                "numbers": drawn(eligible, n, seed, root),
            }
            for n, seed in ((0, "a"), (1, "a"), (5, "a"), (5, "b"), (100, "2026-11-20"))
        ],
    }


if __name__ == "__main__":
    write_vectors("audit-pack", audit_pack_vectors())
