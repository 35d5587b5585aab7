"""Whose signing keys were whose, as the match log says: for readers of statements that persons signed."""

from __future__ import annotations

from collections import defaultdict

from schemas.identity import signing_key_sha256
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KeyRotated, PersonEnrolled

SIGNING = "signing"


class PersonKeys:
    """Takes the log's entries in order; `by_person` holds the SHA-256s of each person's keys, newest last."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self.by_person: dict[str, list[str]] = defaultdict(list)

    def take(self, entry: Entry) -> None:
        """Note a key where the entry is about one."""
        body = entry.body
        if isinstance(body, PersonEnrolled):
            self.by_person[body.person].append(signing_key_sha256(body.signing_key))
        elif isinstance(body, KeyRotated) and body.use == SIGNING and body.person and body.new:
            self.by_person[body.person].append(body.new)
