"""A slow verifier of bundles with all their rules, from schemas/spec alone, with cryptography and nothing else.

It shares no code with the auditor's verifier. This module follows a log; the others do the rest.
`why_refused` returns None where a bundle verifies, else a reason.
"""

from __future__ import annotations

import base64
import json
import re

from cryptography.exceptions import InvalidSignature

from blindlink_verify.entries import (
    FORMS,
    PAGES,
    canonical,
    has_type,
    need,
    parse,
    parse_entry,
    sha,
    unbase64,
)
from blindlink_verify.files import (
    check_signatures,
    parse_checkpoints,
    parse_key,
    read_archive,
    tile_number,
    verify_with,
)
from blindlink_verify.rules import Replay

FORMATS = re.findall(r"`formats` \| `(.*)` \|", (PAGES / "bundle.md").read_text(encoding="utf-8"))


class Verifier:
    def __init__(self, bundle: bytes, pins: bytes, log_key: str | None) -> None:
        self.files = read_archive(bundle)
        self.claims = parse(self.files["bundle.json"])
        names = ["cosigner_keys", "formats", "log_keys", "origin", "project", "size", "version"]
        _, formats, self.keys, self.origin, self.project, self.size, version = (
            self.claims[name] for name in names
        )
        need(sorted(self.claims) == names and formats == json.loads(FORMATS[0]), "claims")
        need(version == "blindlink/bundle/1" and has_type(self.project, "name or null"), "claims")
        need(
            re.fullmatch(FORMS["origin"], self.origin) and has_type(self.size, "ordinal"), "claims"
        )
        need(all(parse_key(key, 1)[0] == self.origin for key in self.keys), "log keys")
        need(log_key in (None, self.keys[0]), "first key")
        self.witnesses = [parse_key(key, 4) for key in self.claims["cosigner_keys"]]
        self.pins = parse_checkpoints(pins) if pins else []
        self.replay, self.key, self.next_key = Replay(), self.keys[0], ""
        self.used: list[str] = []
        self.batch, self.newest = 0, ""
        self.cosigned: dict[str, dict[str, int]] = {}
        self.stack: list[tuple[int, bytes]] = []
        self.upper: dict[int, list[bytes]] = {}

    def entry(self, raw: bytes, leaf: bytes, index: int) -> None:
        e = parse_entry(raw)
        need(sha(b"\0", raw) == leaf, "leaf")
        need((e["seq"], e["batch"]) == (index, self.batch), "place of the entry")
        need(not self.project or e["project"] in (None, self.project), "scope")
        body = e["body"]
        need(index or (body["origin"], body["key"]) == (self.origin, self.key), "start of the log")
        if e["kind"] == "log-key-rotated":
            need(body["old"] == self.key and not self.next_key, "hand-over")
            self.next_key = body["new"]
            document = canonical({"log": self.origin, "new": self.next_key, "old": self.key})
            new = parse_key(self.next_key, 1)
            verify_with(
                new, unbase64(body["possession"]), b"blindlink/v1/key-rotation\n" + document
            )
            need(new[0] == self.origin and body["new"] not in self.used, "hand-over")
        self.replay.take(e, index)

    def grow(self, leaf: bytes) -> None:
        level, node = 0, leaf
        while self.stack and self.stack[-1][0] == level:
            level, node = level + 1, sha(b"\1", self.stack.pop()[1], node)
            if level % 8 == 0:
                self.upper.setdefault(level // 8, []).append(node)
        self.stack.append((level, node))

    def checkpoint(self, text: str, lines: list[str], size: int) -> None:
        root = self.stack[-1][1]
        for _, left in self.stack[-2::-1]:
            root = sha(b"\1", left, root)
        need(text == f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n", "root")
        for name, _, key in check_signatures(text, lines, parse_key(self.key, 1), self.witnesses):
            self.cosigned.setdefault(name, {})[sha(key).hex()] = size
        for pin in self.pins:
            if pin[0] == text:
                check_signatures(*pin, parse_key(self.key, 1), None)
        self.pins = [pin for pin in self.pins if pin[0] != text]
        self.used += [self.key] if self.key not in self.used else []
        self.newest = f"{text}\n" + "".join(f"{line}\n" for line in lines)
        self.key, self.next_key, self.batch = self.next_key or self.key, "", self.batch + 1

    def run(self) -> None:
        names = ["bundle.json"]
        for start in range(0, self.size, 256):
            width, number = min(256, self.size - start), tile_number(start // 256)
            part = "" if width == 256 else f".p/{width}"
            names += [
                f"tile/0/{number}{part}",
                f"tile/entries/{number}{part}",
                f"checkpoints/{number}",
            ]
            leaves, entries, notes = (self.files[name] for name in names[-3:])
            pending = parse_checkpoints(notes)
            for index in range(start, start + width):
                end = 2 + int.from_bytes(entries[:2], "big")
                need(end > 2 or (self.project and index), "withheld")
                if end > 2:
                    self.entry(entries[2:end], leaves[:32], index)
                self.grow(leaves[:32])
                entries, leaves = entries[end:], leaves[32:]
                if pending and pending[0][0].split("\n")[1] == str(index + 1):
                    self.checkpoint(*pending.pop(0), index + 1)
            need(not (pending or entries or leaves), "left over")
        for level, hashes in sorted(self.upper.items()):
            for at in range(0, len(hashes), 256):
                part = "" if len(hashes) >= at + 256 else f".p/{len(hashes) - at}"
                names.append(f"tile/{level}/{tile_number(at // 256)}{part}")
                need(self.files[names[-1]] == b"".join(hashes[at : at + 256]), "upper tile")
        need(list(self.files) == [*names, "checkpoint"], "files of the bundle")
        need(self.files["checkpoint"].decode() == self.newest, "newest checkpoint")
        need(self.newest.split("\n")[1] == str(self.size), "last entries")
        need(self.used == self.keys and not self.pins, "keys and pins")
        self.replay.end(self.cosigned)


def why_refused(bundle: bytes, pins: bytes = b"", log_key: str | None = None) -> str | None:
    try:
        Verifier(bundle, pins, log_key).run()
    except (ValueError, LookupError, TypeError, AttributeError, InvalidSignature) as exc:
        return repr(exc)
    return None
