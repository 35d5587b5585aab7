"""Part of the independent verifier: archive, keys and checkpoints, from bundle.md and checkpoint.md alone."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from blindlink_verify.entries import need, sha, unbase64


def read_archive(raw: bytes) -> dict[str, bytes]:
    files, at = {}, 0
    while raw[at : at + 512] != bytes(512):
        name, size = raw[at : at + 100].rstrip(b"\0"), int(raw[at + 124 : at + 135], 8)
        head = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size
        head += b"0" * 11 + b"\0" + b" " * 8 + b"0" + bytes(100) + b"ustar\x0000"
        head += bytes(64) + b"0000000\0" * 2 + bytes(167)
        head = head[:148] + b"%06o\0 " % sum(head) + head[156:]
        file = head + raw[at + 512 : at + 512 + size] + bytes(-size % 512)
        need(raw[at : at + len(file)] == file and size <= 2**24 and len(name) < 100, "archive")
        files[name.decode("ascii")], at = file[512 : 512 + size], at + len(file)
    need(raw[at:] == bytes(1024), "end of the archive")
    return files


def parse_key(text: str, kind: int) -> tuple[str, bytes, bytes]:
    name, key_id, encoded = text.split("+", 2)
    raw = unbase64(encoded)
    need(len(raw) == 33 and raw[0] == kind, "key")
    need(sha(name.encode(), b"\n", raw)[:4].hex() == key_id, "key ID")
    return name, bytes.fromhex(key_id), raw[1:]


def verify_with(key: tuple[str, bytes, bytes], signature: bytes, message: str | bytes) -> None:
    raw = message.encode() if isinstance(message, str) else message
    Ed25519PublicKey.from_public_bytes(key[2]).verify(signature, raw)


def parse_checkpoints(raw: bytes) -> list[tuple[str, list[str]]]:
    head, *blocks, last = (raw.decode() + "\n").split("\n\n")
    need((head, last) == ("blindlink/checkpoints/1", "") and len(blocks) % 2 == 0, "checkpoints")
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return [(text + "\n", lines.split("\n")) for text, lines in pairs]


def check_signatures(
    text: str, lines: list[str], log_key: Any, witnesses: list[Any] | None
) -> list[Any]:
    seen = []
    for line in lines:
        dash, name, encoded = line.split(" ")
        raw = unbase64(encoded)
        known = [key for key in (log_key, *(witnesses or ())) if key[:2] == (name, raw[:4])]
        if witnesses is None and not known:
            continue  # A pin's other lines are ignored.
        (key,) = known
        need(dash == "—" and (key not in seen or witnesses is None), "signature line")
        seen.append(key)
        if key is log_key:
            verify_with(key, raw[4:], text)
        else:
            time = int.from_bytes(raw[4:12], "big")
            need(time < 2**63, "time of a cosignature")
            verify_with(key, raw[12:], f"cosignature/v1\ntime {time}\n{text}")
    need(log_key in seen, "signature of the log")
    return [key for key in seen if key is not log_key]


def tile_number(index: int) -> str:
    text = f"{index:03}"
    text = text.zfill(-(-len(text) // 3) * 3)
    parts = [text[i : i + 3] for i in range(0, len(text), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
