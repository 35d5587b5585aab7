"""Good documents, and what each of them becomes when one thing in it is bent."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from vectors.file import VECTORS

import schemas
from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS

IN_SMALL_LETTERS: Final = re.compile(r"([a-z]{3}-)?[0-9a-f]{8,}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*")
# What of a file of vectors is no good document, or bent only where the file says so.
NOT_GOOD: Final = ("bad", "forged", "malformed", "changes")
GONE: Final = object()

ModelKind = TypeVar("ModelKind", bound=Model)


for _module in pkgutil.walk_packages(schemas.__path__, "schemas."):
    importlib.import_module(_module.name)


def subclasses(base: type[ModelKind]) -> list[type[ModelKind]]:
    """Return every model of `schemas` below a base, but for those that are bases themselves."""
    found: list[type[ModelKind]] = []
    waiting = [base]
    while waiting:
        below = [kind for kind in waiting.pop().__subclasses__() if kind not in found]
        found += below
        waiting += below
    return [
        kind
        for kind in found
        if kind.__module__.startswith("schemas.") and not kind.__subclasses__()
    ]


def examples_in_vectors() -> Iterator[dict[str, Any]]:
    """Yield every JSON object in the good vectors of all files, those inside of others and of texts too."""
    for file in sorted(VECTORS.glob("*.json")):
        yield from _objects(json.loads(file.read_text(encoding="utf-8")))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for name, item in value.items():
            if not any(word in name for word in NOT_GOOD):
                yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, str) and "{" in value:
        for line in value.splitlines():
            try:
                yield from _objects(json.loads(line[line.find("{") : line.rfind("}") + 1]))
            except ValueError:
                continue
    elif isinstance(value, str) and len(value) > 100:
        try:
            yield from _objects(base64.b64decode(value, validate=True).decode("latin-1"))
        except ValueError:
            return


def good_examples(more: Iterable[tuple[type[Document], Any]]) -> dict[type[Document], list[Any]]:
    """Return good examples of each kind of document: those of the vectors, and others."""
    found: dict[type[Document], dict[str, Any]] = {}
    for kind, raw in more:
        found.setdefault(kind, {})[json.dumps(raw)] = raw
    fields = {
        kind: {info.alias or name for name, info in kind.model_fields.items()}
        for kind in subclasses(Document)
    }
    for raw in examples_in_vectors():
        for kind in fields:
            if raw.keys() <= fields[kind] and _reads(kind, raw):
                found.setdefault(kind, {})[json.dumps(raw)] = raw
    return {kind: list(found[kind].values()) for kind in sorted(found, key=lambda k: k.__name__)}


def read_document(kind: type[Document], raw: bytes) -> Document:
    """Read a document as anyone who it comes to does; an entry of the log has a reader of its own."""
    return parse_entry(raw, KINDS) if kind is Entry else kind.from_canonical(raw)


def _reads(kind: type[Document], raw: Any) -> bool:
    try:
        read_document(kind, canonical_bytes(raw))
    except FormatError:
        return False
    return True


class Place(NamedTuple):
    """A model in a document, as it was read and as JSON, and the way to it."""

    part: Model
    raw: dict[str, Any]
    path: tuple[str | int, ...]


def places(part: object, raw: Any, path: tuple[str | int, ...] = ()) -> Iterator[Place]:
    """Yield a document, and each model in it."""
    if isinstance(part, Model):
        yield Place(part, raw, path)
        for name, info in type(part).model_fields.items():
            key = info.serialization_alias or info.alias or name
            if key in raw:
                yield from places(getattr(part, name), raw[key], (*path, key))
    elif isinstance(part, Sequence) and isinstance(raw, list):
        for at, (one, of_raw) in enumerate(zip(part, raw, strict=True)):
            yield from places(one, of_raw, (*path, at))


def put(document: Any, path: Sequence[str | int], value: Any) -> Any:
    """Return a document with another value at a place, or without it."""
    if not path:
        return value
    first, *rest = path
    if isinstance(document, list):
        at = int(first)
        return [*document[:at], put(document[at], rest, value), *document[at + 1 :]]
    if value is GONE and not rest:
        return {name: held for name, held in document.items() if name != first}
    return {**document, first: put(document[first], rest, value)}


def _other_case(value: str) -> str:
    return value.upper() if IN_SMALL_LETTERS.fullmatch(value) else value


def _cut_short(value: str) -> str:
    return value[:-1] if IN_SMALL_LETTERS.fullmatch(value) else value


def _other_id(value: str) -> str:
    return re.sub(r"^[a-z]{3}(-[0-9a-f]{32})$", r"zzz\1", value)


def _other_day(value: str) -> str:
    return re.sub(r"^([0-9]{4})-[0-9]{2}-[0-9]{2}", r"\1-02-30", value)


def _other_zone(value: str) -> str:
    return re.sub(r"(T[0-9:]{8})Z$", r"\1+00:00", value)


def _fraction(value: str) -> str:
    return re.sub(r"(T[0-9:]{8})Z$", r"\1.5Z", value)


def _other_version(value: str) -> str:
    stem, _, number = value.rpartition("/")
    return f"{stem}/{int(number) + 1}" if re.fullmatch(r"[a-z/-]+/[0-9]", value) else value


Bend = Callable[[Any], Any]
OF_ANY: Final[dict[str, Bend]] = {
    "missing": lambda _: GONE,
    "null": lambda _: None,
    "a number": lambda _: 7,
    "a text": lambda _: "7",
    "a list": lambda _: [7],
    "an object": lambda _: {"7": 7},
}
OF_TYPE: Final[dict[type, dict[str, Bend]]] = {
    bool: {},
    int: {"true": lambda _: True},
    str: {
        "empty": lambda _: "",
        "other words": lambda _: "Other words.",
        "a line end": lambda value: value + "\n",
        "a control": lambda value: value + "\x1b[2J",
        "cut short": _cut_short,
        "capitals": _other_case,
        "another version": _other_version,
        "another kind of id": _other_id,
        "no such day": _other_day,
        "another zone": _other_zone,
        "half a second": _fraction,
    },
    list: {
        "empty": lambda _: [],
        "twice": lambda value: [value[0], *value] if value else value,
        "another order": lambda value: value[::-1],
    },
    dict: {"empty": lambda _: {}, "unknown field": lambda value: {**value, "surprise": 1}},
}


def bends_of(value: Any) -> dict[str, Bend]:
    """Return what may be done to a value, by what it becomes; those of another type are none of its own."""
    if value is None:
        return {name: OF_ANY[name] for name in ("a number", "a text", "a list", "an object")}
    other = {name: bend for name, bend in OF_ANY.items() if type(bend(value)) is not type(value)}
    return other | OF_TYPE[type(value)]


# Where no bound is found below these, there is none for any use; of a list, by the length of its JSON.
MOST_INTEGER: Final = 2**53 - 1
MOST_TEXT: Final = 100_000
MOST_LIST_BYTES: Final = 1_000_000


def ends_of(value: Any) -> tuple[int, int]:
    """Return the least and the greatest size at which bounds of a value are looked for."""
    if isinstance(value, int):
        return -MOST_INTEGER, MOST_INTEGER
    if isinstance(value, str):
        return 0, MOST_TEXT
    return 0, min(20_000, MOST_LIST_BYTES // len(json.dumps(value[0])))


def of_size(value: Any, size: int) -> Any:
    """Return a value of the same type that is so large, or so long."""
    if isinstance(value, int):
        return size
    return (value * size)[:size] if isinstance(value, str) else value[:1] * size


def last_within(is_within: Callable[[int], bool], inside: int, outside: int) -> int:
    """Return the last number from one that is within bounds on towards one that need not be."""
    step = 1 if outside > inside else -1
    # In growing steps first, since most bounds are near, and a value far beyond them takes long to read.
    while abs(outside - inside) > abs(step) and is_within(inside + step):
        inside, step = inside + step, step * 8
    if abs(outside - inside) <= abs(step):
        if is_within(outside):
            return outside
    else:
        outside = inside + step
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if is_within(middle) else (inside, middle)
    return inside


def spellings(raw: bytes) -> dict[str, bytes]:
    """Return other spellings of a document, none of which is canonical."""
    first = raw[: raw.index(b":") + 1]
    members = raw[1:-1]
    return {
        "empty": b"",
        "null": b"null",
        "a list around it": b"[" + raw + b"]",
        "cut off": raw[:-1],
        "a byte before": b" " + raw,
        "a byte after": raw + b"\n",
        "a null after": raw + b"\0",
        "white space": raw.replace(b":", b": ", 1),
        "a mark of its order of bytes": b"\xef\xbb\xbf" + raw,
        "a key twice": first + b"0," + members + b"}",
        "the same twice": b"{" + members + b"," + members + b"}",
        "an escape that is not needed": b'{"\\u00%02x' % raw[2] + raw[3:],
        "a fraction": first + b"0.5}",
        "UTF-16": raw.decode().encode("utf-16"),
    }
