"""Part of the independent verifier: the form of entries, written from schemas/spec/entry.md alone.

The fields of each kind are read from the page's own tables.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[1] / "schemas/spec"
PAGE = (PAGES / "entry.md").read_text(encoding="utf-8")
ASKED_PAGE = (PAGES / "signed-request.md").read_text(encoding="utf-8")
CELLS = [re.split(r" *\| *", row)[1:-1] for row in PAGE.split("\n") if row.startswith("| `")]
FIELDS = {row[0].strip("`"): row[1] for row in CELLS if len(row) == 3}
KINDS = {re.findall(r"[a-z-]+", row[0])[0]: row for row in CELLS if len(row) == 4}
ACTOR = {"party": "name", "person": "id or null", "role": "code", "signed": "document or null"}
SIGNED_REQUEST = {"request": "document", "signature": "signature"}
REQUEST = {
    "version": "request version",
    "log": "origin or null",
    "project": "name or null",
    "agreement": "digest or null",
    "head": "head or null",
    "asks": "asks",
    "sha256": "digest or null",
    "nonce": "nonce",
    "at": "time",
}
# The kinds of entries that hold a signed request, by the table of their page.
SIGNED = set(re.findall(r"^\| `([a-z-]+)`.*`(?:GET|POST|PUT|DELETE) ", ASKED_PAGE, re.MULTILINE))
OBJECTS = {
    "person signature": {
        "party": "name",
        "person": "id",
        "key": "digest",
        "signature": "signature",
    },
    "offer": {"offer": "document", "signature": "person signature"},
    "review statement": {"statement": "document", "signature": "signature"},
    "privacy audit": {
        "digest": "digest",
        "scope": "audit scope",
        "profile": "digest",
        "side": "side",
        "records": "records",
        "structure": "structure",
        "draws": "draws",
        "figures": "figures",
    },
    "used nonce": {"number": "ordinal", "nonce": "digest"},
    "head": {"place": "number", "leaf": "digest"},
}
# What a privacy audit measures, in this order; those beyond the first six only where they can be.
MEASURES = (
    *("shown", "named", "named_partial", "named_mistaken", "followed_smaller", "followed_larger"),
    *("guessed_sex", "guessed_age", "guessed_name_length", "guessed_double_name"),
)
LISTED = {
    "pairs": {
        **dict.fromkeys(("larger", "smaller"), "name"),
        **{f"nonce_{side}": "used nonce" for side in ("larger", "smaller")},
    },
    "claims": {"party": "name", "partner": "name", "sha256": "digest"},
    "statements": {"party": "name", "space": "name", "sha256": "digest"},
    "figures": {"measure": "measure", **dict.fromkeys(("mean", "least", "most"), "share")},
}
FORMS = {
    "name": r"(?=.{2,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "party": r"(?!broker\Z)(?=.{2,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "code": r"(?=.{1,60}\Z)[a-z0-9]+([-.][a-z0-9]+)*",
    "digest": "[0-9a-f]{64}",
    "key ID": "[0-9a-f]{16}",
    "id": "[a-z]{3}-[0-9a-f]{32}",
    "request": "req-[0-9a-f]{32}",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "origin": "[!-*,-~]{1,200}",
    "key": "[!-~]{1,300}",
    "signature": "[A-Za-z0-9+/=]{88}",
    "public key": "[A-Za-z0-9+/=]{44}",
    "change": "granted|revoked",
    "scope": "project|party|upload|expired",
    "mode": "linked|blind|count|none",
    "review file": "questions|buckets|cards",
    "fault": "unreadable|not-signed|not-as-stated|not-agreed",
    "audit scope": "full|quick",
    "side": "larger|smaller",
    "measure": "|".join(MEASURES),
    "share": r"1(\.0{1,9})?|0(\.[0-9]{1,9})?",
    "end reason": "decided|deadline|round-over|destroyed",
    "outcome": "done|refused|failed",
    "version": "blindlink/entry/2",
    "request version": "blindlink/request/3",
    "asks": "(?=.{1,300}\\Z)(GET|POST|PUT|DELETE) /v1/[!-~]+",
    "nonce": "[0-9a-f]{32}",
}


def need(holds: Any, why: str) -> None:
    if not holds:
        raise ValueError(why)


def canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text)
    need(base64.b64encode(raw).decode() == text, "base64")
    return raw


def parse(raw: bytes) -> Any:
    value = json.loads(raw)
    need(canonical(value) == raw, "canonical JSON")
    return value


def has_type(value: Any, name: str) -> bool:
    if name.endswith(" or null"):
        return value is None or has_type(value, name.removesuffix(" or null"))
    if name in ("number", "ordinal"):
        return type(value) is int and (name == "ordinal") <= value < 2**53
    if name == "truth":
        return type(value) is bool
    if name == "structure":
        return type(value) is int and 0 <= value <= 10**6
    if name == "draws":
        return type(value) is int and 1 <= value <= 1000
    if name == "records":
        return type(value) is int and 1 <= value < 2**32
    if name == "delivery number":
        return type(value) is int and 1 <= value <= 16
    if name in ("round", "supplement"):
        return type(value) is int and (2 if name == "supplement" else 1) <= value <= 10**6
    if name in OBJECTS:
        return type(value) is dict and has_fields(value, OBJECTS[name])
    if name in LISTED:
        return is_list_of(value, name)
    if name == "codes":
        return type(value) is list and len(value) <= 64 and all(has_type(c, "code") for c in value)
    if name == "party digests":
        fields = {"party": "name", "sha256": "digest"}
        need(type(value) is list and len(value) <= 64, name)
        need(all(type(one) is dict and has_fields(one, fields) for one in value), name)
        parties = [one["party"] for one in value]
        return parties == sorted(set(parties))
    if name == "concordance":
        counts = dict.fromkeys(("apart", "other", "missing"), "number or null")
        need(type(value) is list and len(value) <= 16, name)
        return all(
            type(one) is dict and has_fields(one, {"field": "code", **counts}) for one in value
        )
    if name == "names":
        return (
            type(value) is list
            and 2 <= len(value) <= 64
            and all(has_type(n, "name") for n in value)
        )
    if name == "line":
        is_text = type(value) is str and 1 <= len(value) <= 200 and value.isprintable()
        return is_text and value == unicodedata.normalize("NFC", value).strip()
    if name in ("actor", "document"):
        return type(value) is dict and (name == "document" or has_fields(value, ACTOR))
    return type(value) is str and bool(re.fullmatch(FORMS[name], value))


def is_list_of(value: Any, name: str) -> bool:
    """Tell whether a value is a list of pairs, claims or statements, in order."""
    most = {"pairs": 120, "claims": 240, "statements": 16, "figures": 10}[name]
    need(type(value) is list and (name == "pairs") <= len(value) <= most, name)
    need(all(type(one) is dict and has_fields(one, LISTED[name]) for one in value), name)
    if name == "figures":
        places = [[MEASURES.index(one["measure"])] for one in value]
    elif name != "pairs":
        places = [[one["party"], one.get("partner") or one["space"]] for one in value]
    else:
        places = [sorted([one["larger"], one["smaller"]]) for one in value]
        used = [one[side]["number"] for one in value for side in ("nonce_larger", "nonce_smaller")]
        need(max(used) <= 10**9, name)
    return all(one < two for one, two in pairwise(places))


def has_fields(value: dict[str, Any], types: dict[str, str]) -> bool:
    return set(value) == set(types) and all(has_type(value[name], types[name]) for name in types)


def parse_entry(raw: bytes) -> Any:
    entry = parse(raw)
    need(has_fields(entry, FIELDS), "fields of the entry")
    kind, project, prefix, body = KINDS[entry["kind"]]
    is_long = re.search("document|pairs` pairs|claims` claims", body)
    limit = 61440 if entry["kind"] == "agreement-proposed" else 49152 if is_long else 4096
    need(len(raw) <= limit, "length of the entry")
    datetime.fromisoformat(entry["time"])
    fields = dict(re.findall(r"`(\w+)` ([a-zA-Z ]+)", body))
    need(has_fields(entry["body"], fields), "fields of the body")
    signed = entry["actor"]["signed"]
    may_sign = entry["kind"] in SIGNED and entry["outcome"] != "refused"
    need(signed is None or (may_sign and has_fields(signed, SIGNED_REQUEST)), "signed request")
    need(signed is None or has_fields(signed["request"], REQUEST), "request")
    need(entry["outcome"] in (re.findall("done|refused|failed", kind) or ["done"]), "outcome")
    need(entry["project"] or not entry["agreement"], "agreement")
    need((entry["place"] == 0) == (entry["previous"] is None), "previous")
    need(bool(entry["project"]) == bool(entry["broker_wide"]), "broker-wide")
    need(not entry["project"] or entry["agreement"] or "*" in kind, "agreement")
    need(project == "either" or (project == "yes") == bool(entry["project"]), "project")
    need((entry["object"] or "none").split("-")[0] in prefix, "object")
    return entry
