"""A second verifier of the log's integrity, from schemas/spec alone; `blindlink_verify` replays the rules."""

# ruff: noqa: PT018
import base64
import hashlib
import io
import json
import re
import tarfile
from collections import defaultdict
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PAGE = (Path(__file__).parents[2] / "schemas/spec/bundle.md").read_text("utf-8")
FORMATS = json.loads(re.findall(r"`formats` \| `(.*)` \|", PAGE)[0])


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unbase64(text):
    raw = base64.b64decode(text)
    assert base64.b64encode(raw).decode() == text, "base64"
    return raw


def read_key(text, kind):
    name, key_id, encoded = text.split("+", 2)
    raw = unbase64(encoded)
    assert (len(raw), raw[0], sha(name.encode(), b"\n", raw)[:4].hex()) == (33, kind, key_id), "key"
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def read_notes(raw):
    head, *parts, last = (raw.decode() + "\n").split("\n\n")
    assert (head, last, len(parts) % 2) == ("blindlink/checkpoints/1", "", 0), "checkpoints"
    return [(t + "\n", s.split("\n")) for t, s in zip(parts[::2], parts[1::2], strict=True)]


def check(text, lines, log, witnesses, is_strict):
    seen = []
    for dash, name, encoded in (line.split(" ") for line in lines):
        raw = unbase64(encoded)
        key = next((k for k in [log, *witnesses] if k[:2] == (name, raw[:4])), None)
        assert dash == "—" and (not is_strict or (key and key not in seen)), "signature line"
        seen.append(key)
        if key == log:
            log[2].verify(raw[4:], text.encode())
        elif key:
            time = int.from_bytes(raw[4:12], "big") % 2**63  # Of a later one nothing verifies.
            key[2].verify(raw[12:], f"cosignature/v1\ntime {time}\n{text}".encode())
    assert log in seen, "signature of the log"


class Verifier:
    def open(self, bundle, log_key):
        with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
            self.files = {head.name: tar.extractfile(head).read() for head in tar}
        again = b""
        for name, content in self.files.items():
            head = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
            head += b"%011o\0" % len(content) + b"0" * 11 + b"\0" + b" " * 8 + b"0" + bytes(100)
            head += b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
            again += head[:148] + b"%06o\0 " % sum(head) + head[156:]
            again += content + bytes(-len(content) % 512)
        assert again + bytes(1024) == bundle, "archive"
        self.claims = claims = json.loads(self.files["bundle.json"])
        assert canonical(claims) == self.files["bundle.json"], "canonical JSON"
        assert (claims["formats"], claims["version"]) == (FORMATS, "blindlink/bundle/1"), "claims"
        assert len(claims) == 7 and log_key in (None, claims["log_keys"][0]), "first key"
        self.keys = [read_key(key, 1) for key in claims["log_keys"]]
        assert {key[0] for key in self.keys} == {claims["origin"]}, "log keys"
        self.witnesses = [read_key(key, 4) for key in claims["cosigner_keys"]]
        self.key, self.next, self.used, self.batch, self.newest = self.keys[0], None, [], 0, ""
        self.stack, self.upper, self.time, self.last = [], defaultdict(list), "", {None: (0, None)}

    def entry(self, raw, leaf):
        assert sha(b"\0", raw) == leaf, "leaf"
        e = json.loads(raw, parse_float=str, parse_constant=str)
        assert canonical(e) == raw, "canonical JSON"
        body, project, key = e["body"], e["project"], self.claims["log_keys"][0]
        assert self.claims["project"] in (None, project) or project is None, "scope"
        is_next = e["time"] >= self.time and (e["seq"], e["batch"]) == (self.index, self.batch)
        assert (e["kind"] == "log-started") == (self.index == 0), "start of the log"
        assert self.index or (body["origin"], body["key"]) == (self.key[0], key), "first key"
        before = *self.last.get(project, (0, None)), project and self.last[None][1]
        assert is_next and (e["place"], e["previous"], e["broker_wide"]) == before, "place and time"
        self.time, self.last[project] = e["time"], (e["place"] + 1, leaf.hex())
        if e["kind"] == "log-key-rotated":
            assert self.next is None and read_key(body["old"], 1) == self.key, "hand-over"
            self.next, possession = read_key(body["new"], 1), unbase64(body.pop("possession"))
            stated = canonical({"log": self.next[0], **body})
            self.next[2].verify(possession, b"blindlink/v1/key-rotation\n" + stated)
            assert self.next[0] == self.key[0] and self.next not in self.used, "hand-over"

    def checkpoint(self, text, lines, pins):
        root = self.stack[-1][1]
        for _, left in self.stack[-2::-1]:
            root = sha(b"\1", left, root)
        stated = f"{self.key[0]}\n{self.index + 1}\n{base64.b64encode(root).decode()}\n"
        assert text == stated, "root"
        check(text, lines, self.key, self.witnesses, True)
        for pin in [pin for pin in pins if pin[0] == text]:
            check(*pins.pop(pins.index(pin)), self.key, [], False)
        self.used += [self.key] * (self.key not in self.used)
        self.newest = f"{text}\n" + "".join(f"{line}\n" for line in lines)
        self.key, self.next, self.batch = self.next or self.key, None, self.batch + 1

    def run(self, pins):
        names, size = ["bundle.json"], self.claims["size"]
        for start in range(0, size, 256):
            part = f"{start // 256:03}" + (start + 256 > size) * f".p/{size - start}"
            names += [f"tile/0/{part}", f"tile/entries/{part}", f"checkpoints/{part[:3]}"]
            leaves, entries, notes = (self.files[name] for name in names[-3:])
            pending = read_notes(notes)
            for self.index in range(start, min(start + 256, size)):
                end, level, node = 2 + int.from_bytes(entries[:2], "big"), 0, leaves[:32]
                assert end > 2 or (self.claims["project"] and self.index), "withheld"
                if end > 2:
                    self.entry(entries[2:end], node)
                while self.stack and self.stack[-1][0] == level:
                    level, node = level + 1, sha(b"\1", self.stack.pop()[1], node)
                    self.upper[level / 8].append(node)
                self.stack.append((level, node))
                entries, leaves = entries[end:], leaves[32:]
                if pending and pending[0][0].split("\n")[1] == str(self.index + 1):
                    self.checkpoint(*pending.pop(0), pins)
            assert not (pending or entries or leaves), "left over"
        if size >= 256:
            names.append(f"tile/1/000.p/{size // 256}")
            assert self.files[names[-1]] == b"".join(self.upper[1]), "upper tile"
        assert [*self.files] == [*names, "checkpoint"] and not pins, "files and pins"
        assert self.files["checkpoint"].decode() == self.newest, "newest checkpoint"
        assert self.newest.split("\n")[1] == str(size) and self.used == self.keys, "end"


def why_refused(bundle, pins=b"", log_key=None):
    verifier = Verifier()
    try:
        verifier.open(bundle, log_key)
        verifier.run(read_notes(pins) if pins else [])
    except Exception as exc:  # noqa: BLE001
        return getattr(verifier, "index", None), repr(exc)
    return None
