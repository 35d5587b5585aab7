"""Good sample logs, bent in generated ways by a broker that signs what it did: for two verifiers to agree on.

A bend is one change: an entry is left out, repeated, moved, or one of its fields says something else that is
plausible. What follows from it is then written anew: places, batches, the digests of agreements, statements and
specifications that later entries name, the persons' signatures (as if they were with the broker), the log's.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_args

from breaks.between_agreements import AGENCIES, linked, move
from breaks.destruction import everything_destroyed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.delivered_log import everything_delivered, everything_studied
from samples.log import ORIGIN, Parts, SampleLog, everything_else, story
from samples.parties import private_of, signing_key
from samples.reviewed_log import everything_reviewed
from samples.rounds import key_digest
from samples.signed_log import everything_signed

from schemas.api.logged_requests import asked_for
from schemas.documents.canonical import canonical_bytes, canonical_digest
from schemas.documents.errors import FormatError
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.checkpoint import Checkpoint, cosign, sign_checkpoint
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.signing.note import NoteSigner, parse_note
from schemas.signing.signatures import sign_document

Path = tuple[str | int, ...]
# The kinds of the persons' signatures, by what is signed.
SIGNED_AS = {
    **dict.fromkeys(("consent", "notice"), "agreement"),
    **dict.fromkeys(("run-approval", "standing-approval", "approval-revocation"), "approval"),
    "review-statement": "review-statement",
    "nonces": "nonces",
}
DIGESTED = ("agreement", "specification", "statement")
STEPS = [timedelta(seconds=1), timedelta(days=1), timedelta(days=40)]
GAPS = [1, 3_600, *(days * 86_400 for days in (1, 2, 7, 14, 31, 100, 400))]
RANDOM = re.compile(r"[0-9a-f]{16,}$")
MOMENTS = {
    "%Y-%m-%dT%H:%M:%SZ": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "%Y-%m-%d": re.compile(r"\d{4}-\d\d-\d\d"),
}
# What is the log's own, and written anew at each place, or follows from the rest.
FOLLOWS = {
    "seq",
    "batch",
    "place",
    "previous",
    "broker_wide",
    "version",
    "kind",
    "signed",
    "signature",
    "possession",
    "request",
}


@dataclass(slots=True)
class Row:
    """An entry as it is to be written; `group` tells which ones are of one batch, `was` how it once was."""

    said: dict[str, Any]
    group: float
    was: dict[str, Any]
    index: int
    has_new_request: bool = False

    def copy(self) -> Row:
        """A row that can be bent by itself."""
        return Row(_copied(self.said), self.group, self.was, self.index, self.has_new_request)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


@dataclass
class Story:
    """A good log that can be written anew with other entries."""

    name: str
    log: SampleLog
    rows: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self.log.close()
        said = [entry.to_json() for entry in self.log.entries]
        self.rows = [Row(one, one["batch"], one, index) for index, one in enumerate(said)]
        self.notes = [parse_note(note) for _, note in self.log.notes]
        self.witnesses = {one.verifier_key.key_id: one for one in self.log.witnesses}
        self.rotated = {
            entry.body.person: entry.seq  # type: ignore[attr-defined]
            for entry in self.log.entries
            if entry.kind == "key-rotated" and entry.body.use == "signing"  # type: ignore[attr-defined]
        }

    def witnesses_of(self, group: float) -> list[NoteSigner]:
        """Return who has cosigned the checkpoint after a batch."""
        lines = self.notes[int(group)].signatures[1:] if group in range(len(self.notes)) else ()
        return [self.witnesses[line.key_id] for line in lines]

    def key_of(self, person: str, index: int) -> Ed25519PrivateKey:
        """The key that a person has once the entry of an index is there."""
        is_old = index < self.rotated.get(person, index)
        return signing_key(private_of(person)) if is_old else self.log.key_of(person)

    def written(self, rows: Iterable[Row], *, in_step: bool = True) -> bytes:
        """The bundle with these rows; `in_step`: later entries name what was changed as it is now."""
        writer = _Writer(self, in_step=in_step)
        for row in rows:
            writer.add(row)
        return writer.parts().pack()


class _Writer:
    def __init__(self, of: Story, *, in_step: bool) -> None:
        self.story, self.in_step = of, in_step
        self.random = random.Random(1)
        self.leaves: dict[str | None, list[str]] = defaultdict(list)
        self.resigned: dict[str, dict[str, Any]] = {}
        self.renamed: dict[str, str | None] = {}
        self.raw: list[bytes] = []
        self.groups: list[float] = []
        self.batch = 0

    def add(self, row: Row) -> None:
        if self.groups and self.groups[-1] != row.group:
            self.batch += 1
        said = _with_names(row.said, self.renamed) if self.renamed else row.said
        project = said["project"]
        said = dict(said, seq=len(self.raw), batch=self.batch, place=len(self.leaves[project]))
        said["previous"] = self.newest(project)
        said["broker_wide"] = self.newest(None) if project else None
        if said["body"] != row.was["body"]:
            said["body"] = self._signed_body(_copied(said["body"]), row.index)
        if self.in_step:
            self.renamed |= _digests(row.was["body"], said["body"])
        apart = {"seq", "batch", "place", "previous", "broker_wide"}
        if row.has_new_request or any(
            said[name] != row.was[name] for name in said if name not in apart
        ):
            said = self._with_request(said, row.index)
        else:
            said = self._with_head(said, row.index)
        self.raw.append(canonical_bytes(said))
        self.leaves[project].append(hash_leaf(self.raw[-1]).hex())
        self.groups.append(row.group)

    def _signed_body(self, body: dict[str, Any], index: int) -> dict[str, Any]:
        specification = body.get("specification")
        if isinstance(specification, dict) and self.in_step:
            body["specification_sha256"] = canonical_digest(specification)
        for owner in (body, body.get("signed")):
            if isinstance(owner, dict) and "signature" in owner:
                self._sign(owner, index)
        return body

    def _sign(self, owner: dict[str, Any], index: int) -> None:
        if "manifest_sha256" in owner:
            kind, document = "manifest", {"digest": owner["manifest_sha256"]}
        else:
            document = owner.get("statement") or owner.get("offer") or {}
            kind = SIGNED_AS.get(str(document.get("version")).split("/")[1], "")
        signature = owner["signature"]
        by = signature if isinstance(signature, dict) else document
        person = str(by.get("person"))
        key = self.story.key_of(person, index)
        text = sign_document(kind, document, key)
        if isinstance(signature, dict):
            owner["signature"] = {**signature, "key": key_digest(key), "signature": text}
        else:
            owner["signature"] = text

    def _with_request(self, said: dict[str, Any], index: int) -> dict[str, Any]:
        """Let the person of an entry sign it, if they sign such a thing and it can be read at all."""
        signed, person = said["actor"]["signed"], said["actor"]["person"]
        if signed is None or person is None:
            return said
        try:
            entry = parse_entry(canonical_bytes(said), KINDS)
            asked = asked_for(entry)
        except (FormatError, LookupError, ValueError):
            return said
        request = {
            **signed["request"],
            "project": entry.project,
            "agreement": entry.agreement,
            "head": self._head(entry.project),
            "asks": asked.asks,
            "sha256": (asked.sha256 or (None,))[-1],
            "nonce": self.random.randbytes(16).hex(),
            "at": entry.time,
        }
        signature = sign_document("request", request, self.story.key_of(person, index))
        actor = said["actor"] | {"signed": {"request": request, "signature": signature}}
        return said | {"actor": actor}

    def newest(self, project: str | None) -> str | None:
        """The leaf hash of the newest entry of a project."""
        return self.leaves[project][-1] if self.leaves[project] else None

    def _head(self, project: str | None) -> dict[str, Any] | None:
        leaf = self.newest(project)
        return leaf and {"place": len(self.leaves[project]) - 1, "leaf": leaf}

    def _with_head(self, said: dict[str, Any], index: int) -> dict[str, Any]:
        """Let the person sign the same request for this log, if what they had seen reads otherwise here."""
        signed, project = said["actor"]["signed"], said["project"]
        head = signed and signed["request"]["head"]
        if not head or self.leaves[project][head["place"] :][:1] == [head["leaf"]]:
            return said
        was = canonical_digest(signed["request"])
        request = signed["request"] | {"head": self._head(project)}
        request = self.resigned.setdefault(was, request)
        key = self.story.key_of(said["actor"]["person"], index)
        again = {"request": request, "signature": sign_document("request", request, key)}
        return said | {"actor": said["actor"] | {"signed": again}}

    def parts(self) -> Parts:
        """What the bundle is packed from, signed by the log and cosigned by its witnesses anew."""
        log, frontier = self.story.log, Frontier()
        made = Parts(list(self.raw), [hash_leaf(raw) for raw in self.raw], [], [])
        by_text = {one.verifier_key.text: one for one in log.signers}
        signing, cosigners = log.signers[0], set()
        following = signing
        for size, (raw, leaf) in enumerate(zip(self.raw, made.leaf_hashes, strict=True), 1):
            frontier.append(leaf)
            if b'"kind":"log-key-rotated"' in raw:
                following = by_text.get(json.loads(raw)["body"]["new"], signing)
            if size < len(self.raw) and self.groups[size] == self.groups[size - 1]:
                continue
            note = parse_note(sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), signing))
            for witness in self.story.witnesses_of(self.groups[size - 1]):
                cosigners.add(witness.verifier_key.text)
                line = cosign(note.text, witness, 1_790_000_000)
                note = replace(note, signatures=(*note.signatures, line))
            made.notes.append((size, note.to_bytes()))
            if signing.verifier_key.text not in made.keys:
                made.keys.append(signing.verifier_key.text)
            signing = following
        made.cosigners = sorted(cosigners)
        return made


def _with_names(value: Any, renamed: dict[str, str | None]) -> Any:
    """Return a value in which all that was renamed has its new name."""
    if isinstance(value, dict):
        return {name: _with_names(one, renamed) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_names(one, renamed) for one in value]
    return renamed.get(value, value) if isinstance(value, str) else value


def _digests(was: dict[str, Any], now: dict[str, Any]) -> dict[str, str | None]:
    """Return the digests of the documents in a body as it was, with those that they have now."""
    found = {}
    for before, after in ((was, now), (was.get("signed") or {}, now.get("signed") or {})):
        for name in DIGESTED:
            old, new = before.get(name), after.get(name)
            if old != new and isinstance(old, dict) and isinstance(new, dict):
                found[canonical_digest(old)] = canonical_digest(new)
    return found


# The stories.


def _moved(log: SampleLog) -> None:
    """Add a project whose parties agree, in an open round, on link-ID sets of their own."""
    project, _ = linked(log)
    log.rounds(project.project).claim_all()
    move(project, *AGENCIES)
    log.moment += timedelta(days=7)
    log.rounds(project.project).close()
    log.rounds(project.project).open()


TOLD: dict[str, Callable[[SampleLog], None]] = {
    "else": everything_else,
    "reviewed": everything_reviewed,
    "delivered": everything_delivered,
    "studied": everything_studied,
    "destroyed": everything_destroyed,
    "signed": everything_signed,
    "moved": _moved,
}


@cache
def stories() -> tuple[Story, ...]:
    """Good logs, in which every kind of entry occurs."""
    told = [Story("weeks", story(5, n_weeks=2))]
    for name, tell in TOLD.items():
        log = story(11, n_weeks=0)
        tell(log)
        told.append(Story(name, log))
    return tuple(told)


@cache
def _seen() -> dict[str | int, list[Any]]:
    """Return the values that each field has anywhere, and may have by its type."""
    seen: dict[str | int, dict[bytes, Any]] = defaultdict(dict)
    for kind in KINDS.values():
        for name, about in kind.body.model_fields.items():
            for value in get_args(about.annotation):
                if isinstance(value, str):
                    seen[name][canonical_bytes(value)] = value
    for one in stories():
        for row in one.rows:
            for path, value in _fields(row.said):
                if not isinstance(value, dict):
                    seen[path[-1]][canonical_bytes(value)] = value
    return {name: [by[raw] for raw in sorted(by)] for name, by in seen.items()}


def _fields(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Go through all that can be changed in an entry: each field, and what lists hold."""
    if path and not isinstance(value, dict):
        yield path, value
    if isinstance(value, dict):
        for name, one in value.items():
            if name not in FOLLOWS:
                yield from _fields(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, dict):
                yield from _fields(one, (*path, number))


def plausible(name: str | int, value: Any, chooser: random.Random) -> Any:
    """Return what a field might say in place of a value."""
    others = [one for one in _seen()[name] if one != value and type(one) is not bool]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chooser.choice([value - 1, value + 1, 0, value * 2, None])
    if isinstance(value, list) and value and chooser.random() < 0.7:
        at = chooser.randrange(len(value))
        left = value[:at] + value[at + 1 :]
        return chooser.choice([left, [*value, value[at]], value[::-1], [*left, value[at]]])
    if isinstance(value, str):
        for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"):
            if MOMENTS[form].fullmatch(value):
                step = chooser.choice(STEPS[form == "%Y-%m-%d" :]) * chooser.choice([-1, 1])
                return (datetime.strptime(value, form) + step).strftime(form)  # noqa: DTZ007
        if (found := RANDOM.search(value)) and chooser.random() < 0.4:
            drawn = chooser.randbytes(len(found[0]) // 2).hex()
            return value.replace(found[0], drawn)
    alike = [one for one in others if _shape(one) == _shape(value)]
    return chooser.choice(alike if alike and chooser.random() < 0.8 else others or [None])


def _shape(value: Any) -> Any:
    """Return of which sort a value is: an id of a prefix, a digest of a length, or of which type."""
    found = RANDOM.search(value) if isinstance(value, str) else None
    return type(value) if found is None else (value[: found.start()], len(found[0]))


# The bends. Each takes the rows of a story and the number of one, and says what is to be followed.

Rows = list[Row]
Bend = Callable[[Rows, int, random.Random], None]


def left_out(rows: Rows, at: int, _: random.Random) -> None:
    del rows[at]


def repeated(rows: Rows, at: int, chooser: random.Random) -> None:
    again = _apart(rows[at].copy())
    again.has_new_request = chooser.random() < 0.7
    _insert(rows, min(len(rows), at + chooser.randrange(1, 12)), again)


def moved(rows: Rows, at: int, chooser: random.Random) -> None:
    row = _apart(rows.pop(at))
    places = [at + by for by in (-9, -3, -2, -1, 1, 2, 3, 5, 9, 15) if 0 < at + by <= len(rows)]
    _insert(rows, chooser.choice(places), row)


def done_by_another(rows: Rows, at: int, chooser: random.Random) -> None:
    own = rows[at].said["actor"]
    others = [
        {**row.said["actor"], "signed": own["signed"]}
        for row in rows
        if row.said["actor"]["person"] != own["person"]
    ]
    rows[at].said["actor"] = chooser.choice(others)


def done_elsewhere(rows: Rows, at: int, chooser: random.Random) -> None:
    """In another project, or under another agreement than the one that binds."""
    names = ("project", "agreement", "purpose")
    own = {name: rows[at].said[name] for name in names}
    seen = [{name: row.said[name] for name in names} for row in rows]
    others = [one for one in seen if one != own and one["project"]] or [own]
    rows[at].said |= chooser.choice(others)


def later(rows: Rows, at: int, chooser: random.Random) -> None:
    """All from an entry on happens later: by its time alone, or with the moments that it speaks of."""
    by, is_all = timedelta(seconds=chooser.choice(GAPS)), chooser.random() < 0.5
    begun = rows[at].said["time"]
    for row in rows[at:]:
        said = _moved_by(row.said, begun, by) if is_all else dict(row.said)
        row.said = {**said, "time": _moved_by(row.said["time"], begun, by)}


def at_another_time(rows: Rows, at: int, chooser: random.Random) -> None:
    """An entry comes as late as the next one, or as early as the one before."""
    rows[at].said["time"] = rows[chooser.choice([at - 1, min(at + 1, len(rows) - 1)])].said["time"]


def in_another_batch(rows: Rows, at: int, chooser: random.Random) -> None:
    """An entry has a batch of its own, or that of the entry before."""
    rows[at].group = rows[at - 1].group if chooser.random() < 0.5 else at + 0.5


BENDS: list[Bend] = [
    left_out,
    repeated,
    moved,
    done_by_another,
    done_elsewhere,
    later,
    at_another_time,
    in_another_batch,
]


def _apart(row: Row) -> Row:
    row.group += 0.25
    return row


def _insert(rows: Rows, at: int, row: Row) -> None:
    """Put an entry before another, in its time."""
    row.said["time"] = rows[min(at, len(rows) - 1)].said["time"]
    rows.insert(at, row)


def _moved_by(value: Any, begun: str, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {
            name: one if name == "signed" and "nonce" in str(one) else _moved_by(one, begun, by)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_moved_by(one, begun, by) for one in value]
    form = "%Y-%m-%dT%H:%M:%SZ"
    if isinstance(value, str) and MOMENTS[form].fullmatch(value) and value >= begun:
        return (datetime.strptime(value, form) + by).strftime(form)  # noqa: DTZ007
    return value


@dataclass(frozen=True, slots=True)
class Bent:
    """A bundle whose log was bent in one way; `what` tells story, kind of entry, and how."""

    what: str
    bundle: bytes


@cache
def places() -> tuple[tuple[str, str, tuple[tuple[int, int, Path], ...]], ...]:
    """Return all that can be bent: a kind, its field or how, and where that occurs in the stories."""
    found: dict[tuple[str, str], list[tuple[int, int, Path]]] = defaultdict(list)
    for number, one in enumerate(stories()):
        for at, row in enumerate(one.rows[1:], 1):
            kind = row.said["kind"]
            for path, _ in _fields(row.said):
                named = ".".join(part for part in path if isinstance(part, str))
                # What all kinds have alike counts once.
                found[kind if path[0] == "body" else "any", named].append((number, at, path))
            for bend in BENDS:
                found[kind, bend.__name__].append((number, at, ()))
    return tuple((kind, how, tuple(found[kind, how])) for kind, how in sorted(found))


def bent(number: int) -> Bent:
    """Return the log that is bent in the way of a number; as many as there are places differ in place."""
    _, how, occurs = places()[number % len(places())]
    chooser = random.Random(number)
    which, at, path = chooser.choice(occurs)
    one = stories()[which]
    rows = [row.copy() for row in one.rows]
    if path:
        _change(rows[at].said, path, chooser)
    else:
        next(bend for bend in BENDS if bend.__name__ == how)(rows, at, chooser)
    in_step = chooser.random() < 0.8
    what = f"{number}: {how} of {one.rows[at].said['kind']}, entry {at} of {one.name}"
    return Bent(what, one.written(rows, in_step=in_step))


def _change(said: Any, path: Path, chooser: random.Random) -> None:
    for part in path[:-1]:
        said = said[part]
    last = path[-1]
    if isinstance(last, int):
        del said[last]
    else:
        said[last] = plausible(last, said[last], chooser)
