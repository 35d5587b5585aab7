"""Chapter 1, `bundle.md`: a bundle from first byte to last, in tiles of 256 entries. All begins here."""

import re
from collections import defaultdict
from typing import IO, Any

from blindlink_verify.basics import Refused, need, parse, sha
from blindlink_verify.checkpoints import Checkpoints, Note, parse_notes, size_of
from blindlink_verify.entries import FORMS, has_type, parse_entry
from blindlink_verify.rules import end, follow
from blindlink_verify.state import Log

FORMATS = {name: f"c2sp.org/tlog-{name}@v1" for name in ("checkpoint", "cosignature", "tiles")}
FORMATS |= {"archive": "posix-ustar", "entry": "blindlink/entry/2"}
FIELDS = ["cosigner_keys", "formats", "log_keys", "origin", "project", "size", "version"]


class Bundle:
    """One reading of a bundle; `index` is the entry that it has come to."""

    def __init__(self, file: IO[bytes], pins: list[Note], log_key: str | None) -> None:
        self.file, self.n_shown = file, 0
        self.index: int | None = None
        self.claims = parse(self.read("bundle.json"))
        check_claims(self.claims)
        self.project, self.size = self.claims["project"], self.claims["size"]
        # 2. Where the auditor gave the log's first key, it is the first of `log_keys`.
        need(log_key in (None, self.claims["log_keys"][0]), "log-key", "the log's first key is the given one")
        self.checkpoints, self.log = Checkpoints(self.claims, [*pins]), Log()
        # Of the tree: the full nodes from left to right with their levels, and the hashes of the upper tiles.
        self.stack: list[tuple[int, bytes]] = []
        self.upper: dict[int, bytearray] = defaultdict(bytearray)

    def read(self, name: str) -> bytes:
        """The next file of the archive: a reader compares each header with the one it would write itself."""
        head = self.file.read(512)
        digits = head[124:135]
        need(re.fullmatch(rb"[0-7]{11}", digits), "malformed", f"the next file is {name}")
        size = int(digits, 8)
        need(head == header(name, size) and size <= 2**24, "malformed", f"the next file is {name}")
        content = self.file.read(size + -size % 512)
        is_whole = len(content) == size + -size % 512 and not content[size:].strip(b"\0")
        need(is_whole, "malformed", "zero bytes fill a file up to a multiple of 512")
        return content[:size]

    def run(self) -> None:
        for number in range(-(-self.size // 256)):
            self.tile(number, min(256, self.size - 256 * number))
        self.index = None
        # 6. Every upper tile follows from the leaves. `checkpoint` is the last checkpoint.
        for level, hashes in sorted(self.upper.items()):
            for number, at in enumerate(range(0, len(hashes), 32 * 256)):
                part = hashes[at : at + 32 * 256]
                found = self.read(tile_name(str(level), number, len(part) // 32))
                need(found == part, "tile-changed", "every upper tile follows from the leaves")
        is_newest = self.read("checkpoint").decode() == self.checkpoints.newest
        need(is_newest, "checkpoint-missing", "`checkpoint` is the last checkpoint")
        need(self.file.read(1025) == bytes(1024), "malformed", "at the end come 1,024 zero bytes, no more")
        self.checkpoints.end(self.size)
        end(self.log, self.checkpoints.cosigned)

    def tile(self, number: int, width: int) -> None:
        """Up to 256 entries: their leaf hashes, they themselves, and the checkpoints among them."""
        leaves = self.read(tile_name("0", number, width))
        entries = self.read(tile_name("entries", number, width))
        notes = parse_notes(self.read(f"checkpoints/{tile_number(number)}"))
        need(len(leaves) == 32 * width, "malformed", "a tile has a hash for each entry")
        at = 0
        for place in range(width):
            index = self.index = 256 * number + place
            end = at + 2 + int.from_bytes(entries[at : at + 2], "big")
            need(end <= len(entries), "malformed", "an entry has as many bytes as its length says")
            leaf = leaves[32 * place : 32 * place + 32]
            self.entry(entries[at + 2 : end], leaf, index)
            self.grow(leaf)
            at = end
            if notes and size_of(notes[0][0]) == index + 1:
                self.checkpoints.take(notes.pop(0), index + 1, self.root())
        need(at == len(entries), "malformed", "there is one entry for each hash")
        need(not notes, "checkpoint-missing", "checkpoints come in strictly increasing size")

    def entry(self, raw: bytes, leaf: bytes, index: int) -> None:
        if not raw:
            # 3. With `project` null none is withheld. 2. Entry 0 is shown.
            need(self.project and index, "withheld", "only entries of other projects are withheld")
            return
        need(sha(b"\0", raw) == leaf, "leaf-changed", "each entry hashes to its leaf hash")
        e = parse_entry(raw, leaf)
        is_next = (e.seq, e.batch) == (index, self.checkpoints.batch)
        need(is_next, "out-of-place", "`seq` is the index, `batch` the number of checkpoints before")
        in_scope = not self.project or e.project in (None, self.project)
        need(in_scope, "withheld", "no entry of another project is shown")
        self.n_shown += 1
        follow(self.log, e)
        if e.kind == "log-started":
            own = [self.claims["origin"], self.claims["log_keys"][0]]
            need([e.body["origin"], e.body["key"]] == own, "log-key", "it names the log and its first key")
        if e.kind == "log-key-rotated":
            self.checkpoints.hand_over(e.body)

    def grow(self, leaf: bytes) -> None:
        """Add a leaf: the hash of a node is H(0x01 || left || right)."""
        level, node = 0, leaf
        while self.stack and self.stack[-1][0] == level:
            level, node = level + 1, sha(b"\1", self.stack.pop()[1], node)
            if level % 8 == 0:
                self.upper[level // 8] += node
        self.stack.append((level, node))

    def root(self) -> bytes:
        root = self.stack[-1][1]
        for _, left in self.stack[-2::-1]:
            root = sha(b"\1", left, root)
        return root


def check_claims(claims: Any) -> None:
    need(sorted(claims) == FIELDS, "malformed", "bundle.json has exactly its fields")
    is_known = (claims["version"], claims["formats"]) == ("blindlink/bundle/1", FORMATS)
    need(is_known, "malformed", "the bundle is of this version: a newer one needs a newer program")
    fits = has_type(claims["project"], "name or null") and has_type(claims["size"], "ordinal")
    is_name = re.fullmatch(FORMS["origin"], claims["origin"])
    need(fits and is_name, "malformed", "name, project and size of the bundle have their forms")


def header(name: str, size: int) -> bytes:
    """The header of a POSIX ustar archive in which every byte follows from names and contents."""
    head = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    head += b"%011o\0" % size + b"0" * 11 + b"\0" + b" " * 8 + b"0" + bytes(100)
    head += b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def tile_number(number: int) -> str:
    """Groups of three digits, all but the last with `x` before it: 1234067 is `x001/x234/067`."""
    text = str(number).zfill(-(-len(str(number)) // 3) * 3)
    parts = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def tile_name(place: str, number: int, width: int) -> str:
    """A tile of fewer than 256 hashes has `.p/<width>` after it."""
    return f"tile/{place}/{tile_number(number)}" + (f".p/{width}" if width < 256 else "")


def verify(file: IO[bytes], pins: list[Note], log_key: str | None = None) -> Bundle:
    """Read a bundle from front to back; `Refused` is the first fault, with the index of its entry."""
    bundle = None
    try:
        bundle = Bundle(file, pins, log_key)
        bundle.run()
    except Refused as refused:
        refused.index = bundle.index if bundle and refused.index is None else refused.index
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as exc:
        # A document inside an entry lacks what its own page asks for.
        index = bundle.index if bundle else None
        raise Refused("malformed", "a document has the form of its page", index) from exc
    return bundle
