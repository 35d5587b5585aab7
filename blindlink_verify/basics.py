"""What all use, by `canonical-json.md`, `signing.md`: a check and how it fails, digests, signatures, days."""

import base64
import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):
    """A bundle is refused: the rule's code, what should hold, and the entry's index where that is known."""

    def __init__(self, code: str, sentence: str, index: int | None = None) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence, self.index = code, sentence, index


def need(holds: Any, code: str, sentence: str, index: int | None = None) -> None:
    """Check that something holds, by a rule of this code; `sentence` is what the specification says."""
    if not holds:
        raise Refused(code, sentence, index)


class Known(dict[Any, Any]):
    """What was there before: anyone who asks for anything else breaks a rule."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__()
        self.broken = code, sentence

    def __missing__(self, key: Any) -> Any:
        raise Refused(*self.broken)


def canonical(value: Any) -> bytes:
    """Keys in order, no spaces, UTF-8: the one spelling of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def parse(raw: bytes) -> Any:
    value = json.loads(raw, parse_constant=lambda name: need(False, "malformed", f"{name} is no number"))
    need(canonical(value) == raw, "malformed", "what is JSON is canonical JSON")
    return value


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def digest_of(value: Any) -> str:
    """The SHA-256 of the canonical JSON, in hex."""
    return sha(canonical(value)).hex()


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text)
    need(base64.b64encode(raw).decode() == text, "malformed", "base64 has its one spelling")
    return raw


def verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_signed(kind: str, document: Any, signature: Any, key: str) -> bool:
    """`signing.md`: the message is "blindlink/v1/", the kind, a newline, and the canonical JSON."""
    message = f"blindlink/v1/{kind}\n".encode() + canonical(document)
    return verifies(unbase64(key), unbase64(signature), message)


def key_digest(public_key: str) -> str:
    """The digests of a person's keys are those of the raw bytes of the public keys."""
    return sha(unbase64(public_key)).hex()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shifted(time: str, **by: int) -> str:
    """The time so much later, as text."""
    return (moment(time) + timedelta(**by)).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(day: str, n: int) -> str:
    """The day that lies n days later."""
    return (date.fromisoformat(day) + timedelta(days=n)).isoformat()


def timely(e: Any, at: str, code: str = "statement-late", since: str | None = None) -> None:
    """What a person signs is logged at once: *timely* is what has an `at` near its entry's time."""
    first = shifted(e.time, days=-2) if since is None else shifted(since, minutes=-5)
    holds = moment(first) <= moment(at) <= moment(e.time) + timedelta(minutes=5)
    need(holds, code, "signed at most two days before its entry and at most 5 minutes after it")
