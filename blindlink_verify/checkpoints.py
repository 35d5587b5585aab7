"""Chapters 2 and 3, `checkpoint.md`: checkpoints, the log's keys and their hand-over, cosignatures, pins."""

import base64
import re
from typing import Any, NamedTuple

from blindlink_verify.basics import Refused, is_signed, need, sha, unbase64, verifies

Note = tuple[str, list[str]]


class Key(NamedTuple):
    """A written key: `name+<key ID>+<base64 of kind byte and public key>`."""

    name: str
    key_id: bytes
    public: bytes
    text: str


def parse_key(text: str, kind: int) -> Key:
    """A key of a kind: 1 is a log's, 4 a witness's."""
    name, key_id, encoded = text.split("+", 2)
    raw = unbase64(encoded)
    need(re.fullmatch(r"[!-*,-~]{1,200}", name), "malformed", "a key's name has no white space")
    need(len(raw) == 33 and raw[0] == kind, "malformed", "a key has 32 bytes, its kind before them")
    fits = sha(name.encode(), b"\n", raw)[:4].hex() == key_id
    need(fits, "malformed", "a key ID begins the SHA-256 of name, newline, kind, and public key")
    return Key(name, bytes.fromhex(key_id), raw[1:], text)


def parse_notes(raw: bytes) -> list[Note]:
    """A file of checkpoints: its head, and an empty line before and in the middle of each note."""
    head, *blocks, last = (raw.decode() + "\n").split("\n\n")
    is_whole = (head, last, len(blocks) % 2) == ("blindlink/checkpoints/1", "", 0)
    need(is_whole, "malformed", "there is nothing but the head line and the notes")
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return [(text + "\n", lines.split("\n")) for text, lines in pairs]


def size_of(text: str) -> int:
    """The size that a checkpoint states, 0 where it is none."""
    lines = text.split("\n")
    return int(lines[1]) if len(lines) == 4 and re.fullmatch("[1-9][0-9]{0,15}", lines[1]) else 0


def parse_line(line: str) -> tuple[str, bytes]:
    """A line of a signature: the name of its key; key ID and signature."""
    dash, name, encoded = line.split(" ")
    need(dash == "—", "malformed", "a signature's line begins with a dash")
    return name, unbase64(encoded)


class Checkpoints:
    """The key in force, those before it, the pins that are still to be met, and who has cosigned what."""

    def __init__(self, claims: Any, pins: list[Note]) -> None:
        self.origin, self.pins = claims["origin"], pins
        self.keys = [parse_key(key, 1) for key in claims["log_keys"]]
        self.witnesses = [parse_key(key, 4) for key in claims["cosigner_keys"]]
        own = {key.name for key in self.keys} == {self.origin}
        need(own and len(self.keys) <= 64, "malformed", "1 to 64 log keys, all of the log's name")
        n_others = len(set(self.witnesses))
        need(n_others == len(claims["cosigner_keys"]) <= 64, "malformed", "0 to 64 witnesses")
        self.key, self.used = self.keys[0], list[Key]()
        self.next_key: Key | None = None
        self.batch, self.size, self.newest = 0, 0, ""
        # The largest size that each key of a witness has cosigned: by name, then digest of the key.
        self.cosigned: dict[str, dict[str, int]] = {}

    def hand_over(self, body: Any) -> None:
        """An entry `log-key-rotated`: the key in force (`old`) and the one that follows (`new`)."""
        fits = not self.next_key and body["old"] == self.key.text
        need(fits, "log-key", "a batch hands over at most once, and `old` is the key in force")
        new = parse_key(body["new"], 1)
        stated = {"log": self.origin, "new": body["new"], "old": body["old"]}
        possession = base64.b64encode(new.public).decode()
        holds = is_signed("key-rotation", stated, body["possession"], possession)
        need(holds, "log-key", "the new key has signed the hand-over")
        is_new = new.name == self.origin and new not in [*self.used, self.key]
        need(is_new, "log-key", "the new key is of the log's name, and none that was before")
        self.next_key = new

    def take(self, note: Note, size: int, root: bytes) -> None:
        text, lines = note
        stated = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        need(text == stated, "root-mismatch", "a checkpoint's root is that of so many leaves")
        self.check_lines(text, lines, size)
        # Each pin has the root of the tree at its size, and the key that signed that one signed the pin.
        for pin in [one for one in self.pins if size_of(one[0]) == size]:
            need(is_pin_of(pin, [self.key]), "pin-unreadable", "a pin is signed by the log's key")
            need(pin[0] == text, "pin-contradicted", "the log has the root that was pinned")
            self.pins.remove(pin)
        self.used += [] if self.key in self.used else [self.key]
        self.newest, self.size = f"{text}\n" + "".join(f"{line}\n" for line in lines), size
        self.key, self.next_key, self.batch = self.next_key or self.key, None, self.batch + 1

    def check_lines(self, text: str, lines: list[str], size: int) -> None:
        """Each line is the log's signature, or a cosignature by a named witness; no key signs twice."""
        seen: list[Key] = []
        for line in lines:
            name, raw = parse_line(line)
            known = [k for k in (self.key, *self.witnesses) if k[:2] == (name, raw[:4])]
            is_new = known and known[0] not in seen
            need(is_new, "cosignature-broken", "every further line is a named witness's, each once")
            key = known[0]
            seen.append(key)
            if key is self.key:
                holds = verifies(key.public, raw[4:], text.encode())
                need(holds, "signature-missing", "the key in force has signed the checkpoint")
                continue
            time = int.from_bytes(raw[4:12], "big")
            message = f"cosignature/v1\ntime {time}\n{text}".encode()
            holds = time < 2**63 and verifies(key.public, raw[12:], message)
            need(holds, "cosignature-broken", "a cosignature verifies with the witness's key")
            self.cosigned.setdefault(key.name, {})[sha(key.public).hex()] = size
        need(self.key in seen, "signature-missing", "the key in force signed it")

    def end(self, size: int) -> None:
        need(self.size == size, "checkpoint-missing", "the last checkpoint has the bundle's size")
        need(self.used == self.keys, "log-key", "`log_keys` are those that signed checkpoints here")
        for pin in self.pins:
            need(is_pin_of(pin, self.keys), "pin-unreadable", "a pin is signed by the log's key")
            need(size_of(pin[0]) <= size, "rolled-back", "the log is not shorter than a pin says")
            raise Refused("pin-contradicted", "a checkpoint of the pin's size is in the bundle")


def is_pin_of(pin: Note, keys: list[Key]) -> bool:
    """Whether one of the keys signed a pin, whose other lines are ignored; no signature by it fails."""
    found = [parse_line(line) for line in pin[1]]
    return any(
        all(verifies(key.public, raw[4:], pin[0].encode()) for raw in own)
        for key in keys
        if (own := [raw for name, raw in found if (name, raw[:4]) == key[:2]])
    )
