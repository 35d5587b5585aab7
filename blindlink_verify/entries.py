"""Chapter 1, `entry.md`: the form of an entry, of which kind it is, and which fields each kind has."""

import re
import unicodedata
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from blindlink_verify.basics import moment, need, parse, shifted
from blindlink_verify.requests import SIGNED_KINDS

# Each line as in the table of the page: kind, * where no agreement need bind yet, outcomes unless "done";
# whether it has a project; the prefix of the id of its object; the fields of its body with their types.
TABLE = """
log-started | no | none | origin origin, key key, software code
configuration-changed | no | none | digest digest, changed codes, software code
party-enrolled | no | none | party party, role code, fingerprint digest or null
person-enrolled | no | none | party name, person id, duties codes, signing_key public key, receiving_key digest
sign-in-refused refused | no | none | party name or null, hour time, count ordinal
role-changed | no | none | party name, person id, role code, change change
key-rotated | no | none | party name, person id or null, use code, old digest or null, new digest or null,
    signed document or null
project-opened * | yes | none | parties names
agreement-proposed | yes | none | agreement document
agreement-signed | yes | none | signed document
agreement-in-force | yes | none | number ordinal, start date
agreement-suspended | yes | none | signed document
agreement-resumed | yes | none | signed document
agreement-withdrawn | yes | none | signed document
share-relayed | yes | none | epoch ordinal, share id, sender name, recipient name, holders digest, sha256 digest
share-fetched | yes | none | epoch ordinal, share id, sha256 digest
shares-withdrawn | yes | none | epoch ordinal
secret-confirmed | yes | none | epoch ordinal, holders digest, key_id key ID, sha256 digest
nonces-offered | yes | none | signed offer
round-opened | yes | none | round round, deadline time, corrects round or null, pairs pairs
round-superseded | yes | none | round round, by round, reason code
claims-received | yes | none | round round, release ordinal, partner name, sequence ordinal, sha256 digest
statement-received | yes | none | round round, space name, sequence ordinal, sha256 digest
round-closed | yes | none | round round, claims claims, statements statements
upload-received | yes | upl | epoch ordinal, round round, partner name, records number, container_sha256 digest,
    root digest, partner_root digest or null, size_bytes number, profile digest, key_id key ID, as_of date,
    population code, privacy_audit privacy audit or null, manifest_sha256 digest, signature person signature
upload-rejected refused | yes | upl/none | rule code
upload-destroyed | yes | upl | container_sha256 digest, reason code
run-asked done/refused | yes | run | specification_sha256 digest, specification document
run-approved | yes | run | signed document
standing-approved | yes | none | signed document
standing-revoked | yes | none | signed document
standing-used | yes | run | party name, approval id
run-started | yes | run | attempt ordinal
run-finished | yes | run | specification_sha256 digest, auto_pairs number or null, expected_false number or
    null, concordance concordance or null, match_record_root digest, openings party digests, software code
review-asked | yes | run | round round, reviewer name, asked name, charged number, questions_sha256 digest,
    buckets_sha256 digest, deadline time
review-fetched | yes | run | round round, what review file, sha256 digest
review-answered | yes | run | round round, signed review statement
review-decided | yes | run | round round, signed review statement, accepted number or null, rejected number or
    null, unsure number or null
review-ended | yes | run | round round, reason end reason, accepted number or null, rejected number or null,
    open number or null, release supplement or null, match_record_root digest or null, openings party digests
supplement-closed | yes | run | round round, release supplement, claims claims
match-record-destroyed | yes | run | root digest, reason code
run-failed failed | yes | run | code code, attempt ordinal
run-cancelled | yes | run | reason code
release-prepared | yes | rel | run id, number round, recipient name, mode mode, space name, matches number or
    null, sha256 digest
blind-release-prepared | yes | rel | run id, recipient name, agency name, space name, sha256 digest
release-fetched done/refused | yes | rel | recipient name, sha256 digest
release-verified | yes | rel | recipient name, sha256 digest
release-destroyed | yes | rel | sha256 digest, reason code
delivery-received | yes | dlv | round round, recipient name, number delivery number, sha256 digest, size_bytes
    ordinal
delivery-fetched | yes | dlv | recipient name, sha256 digest
delivery-opened done/failed | yes | dlv | recipient name, sha256 digest, fault fault or null
delivery-destroyed | yes | dlv | sha256 digest, reason code
request-refused * refused | yes | none | party name, why code, clause code or null, hour time, count ordinal
destruction-begun | yes | crt | scope scope, party name or null, upload id or null, reason code
destruction-certified | yes | crt | sha256 digest, objects number
destruction-countersigned | yes | crt | sha256 digest, signed_sha256 digest
destruction-stated | yes | crt/none | signed_sha256 digest
record-withdrawn | yes | none | commitment digest
legal-hold-set | yes | hld | order line, signed_sha256 digest or null
legal-hold-lifted | yes | hld | signed_sha256 digest or null
exported * | either | none | what code
log-key-rotated | no | none | old key, new key, possession signature
"""
ENTRY = "version version, kind code, seq number, batch number, place number, previous digest or null, "
ENTRY += "broker_wide digest or null, time time, request request, actor actor, project name or null, "
ENTRY += "agreement digest or null, purpose code or null, object id or null, outcome outcome, body document"


def fields(text: str) -> dict[str, str]:
    return dict(one.split(" ", 1) for one in text.split(", "))


# Types that are objects of exactly these fields.
OBJECTS = {
    name: fields(text)
    for name, text in {
        "entry": ENTRY,
        "actor": "party name, person id or null, role code, signed signed request or null",
        "signed request": "request a request, signature signature",
        "a request": "version request version, log origin or null, project name or null, "
        "agreement digest or null, head head or null, asks asks, sha256 digest or null, nonce nonce, at time",
        "head": "place number, leaf digest",
        "person signature": "party name, person id, key digest, signature signature",
        "offer": "offer document, signature person signature",
        "review statement": "statement document, signature signature",
        "privacy audit": "digest digest, scope audit scope, profile digest, side side, records records, "
        "structure structure, draws draws, figures figures",
        "used nonce": "number nonce number, nonce digest",
        "a pair": "larger name, smaller name, nonce_larger used nonce, nonce_smaller used nonce",
        "a claim": "party name, partner name, sha256 digest",
        "a statement": "party name, space name, sha256 digest",
        "a party digest": "party name, sha256 digest",
        "a figure": "measure measure, mean share, least share, most share",
        "a field": "field code, apart number or null, other number or null, missing number or null",
    }.items()
}
# What a privacy audit measures, in this order; what comes after the first six only where it can be measured.
MEASURES = "shown named named_partial named_mistaken followed_smaller followed_larger"
MEASURES += " guessed_sex guessed_age guessed_name_length guessed_double_name"
# Types that are lists: of what, at least and at most how many, and by which fields in increasing order.
LISTS = {"pairs": ("a pair", 1, 120, "larger smaller"), "claims": ("a claim", 0, 240, "party partner")}
LISTS |= {"statements": ("a statement", 0, 16, "party space"), "figures": ("a figure", 0, 10, "measure")}
LISTS |= {"party digests": ("a party digest", 0, 64, "party"), "concordance": ("a field", 0, 16, "")}
LISTS |= {"codes": ("code", 0, 64, ""), "names": ("name", 2, 64, "")}
# Types that are whole numbers: the least and the greatest.
BIG, MILLION = 2**53 - 1, 10**6
NUMBERS = {"number": (0, BIG), "ordinal": (1, BIG), "round": (1, MILLION), "supplement": (2, MILLION)}
NUMBERS |= {"records": (1, 2**32 - 1), "nonce number": (1, 10**9), "delivery number": (1, 16)}
NUMBERS |= {"structure": (0, MILLION), "draws": (1, 1000)}
# All other types are texts of a form.
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
    "measure": MEASURES.replace(" ", "|"),
    "share": r"1(\.0{1,9})?|0(\.[0-9]{1,9})?",
    "asks": r"(?=.{1,300}\Z)(GET|POST|PUT|DELETE) /v1/[!-~]+",
    "nonce": "[0-9a-f]{32}",
}
FORMS |= {"version": "blindlink/entry/2", "request version": "blindlink/request/3", "change": "granted|revoked"}
FORMS |= {"scope": "project|party|upload|expired", "outcome": "done|refused|failed", "side": "larger|smaller"}
FORMS |= {"review file": "questions|buckets|cards", "audit scope": "full|quick"}
FORMS |= {"mode": "linked|blind|count|none", "end reason": "decided|deadline|round-over|destroyed"}
FORMS |= {"fault": "unreadable|not-signed|not-as-stated|not-agreed"}


def read_table() -> dict[str, SimpleNamespace]:
    found = {}
    for line in re.sub(r"\n +", " ", TABLE.strip()).split("\n"):
        head, project, objects, body = line.split(" | ")
        name, *rest = head.split(" ")
        outcomes = [word for one in rest if one != "*" for word in one.split("/")] or ["done"]
        kind = SimpleNamespace(is_unbound="*" in rest, outcomes=outcomes, project=project)
        kind.objects, kind.fields = objects.split("/"), fields(body)
        is_long = {"document", "pairs", "claims"} & set(kind.fields.values())
        kind.most = 61_440 if name == "agreement-proposed" else 49_152 if is_long else 4_096
        found[name] = kind
    return found


KINDS = read_table()


def has_type(value: Any, name: str) -> bool:
    """Whether a value is of a type of the page."""
    if name.endswith(" or null"):
        return value is None or has_type(value, name.removesuffix(" or null"))
    if name in NUMBERS:
        least, most = NUMBERS[name]
        return type(value) is int and least <= value <= most
    if name in OBJECTS:
        return type(value) is dict and has_fields(value, OBJECTS[name])
    if name in LISTS:
        return is_list(value, *LISTS[name])
    if name == "document":
        return type(value) is dict
    if name == "line":
        is_text = type(value) is str and 1 <= len(value) <= 200 and value.isprintable()
        return is_text and value == unicodedata.normalize("NFC", value).strip()
    return type(value) is str and bool(re.fullmatch(FORMS[name], value))


def has_fields(value: dict[str, Any], types: dict[str, str]) -> bool:
    return set(value) == set(types) and all(has_type(value[name], types[name]) for name in types)


def is_list(value: Any, of: str, least: int, most: int, by: str) -> bool:
    """Whether a value is a list of these, each once and in increasing order of these fields."""
    if type(value) is not list or not least <= len(value) <= most:
        return False
    if not all(has_type(one, of) for one in value):
        return False
    places = [[one[name] for name in by.split()] for one in value] if by else []
    # Pairs come in the order of their two names, the lower first; figures in that of the measures.
    places = [sorted(place) for place in places] if of == "a pair" else places
    if of == "a figure":
        places = [[f"{MEASURES.split().index(place[0]):02}"] for place in places]
    return all(one < two for one, two in pairwise(places))


def parse_entry(raw: bytes, leaf: bytes = b"") -> Any:
    """Read an entry with this leaf hash; what it holds is an attribute of what is returned."""
    value = parse(raw)
    fits = type(value) is dict and has_fields(value, OBJECTS["entry"])
    need(fits, "malformed", "an entry has exactly its fields, each of its type")
    need(value["kind"] in KINDS, "malformed", "an entry is of a kind of this version")
    e, kind = SimpleNamespace(**value, leaf=leaf.hex()), KINDS[value["kind"]]
    e.party, e.person, e.role, e.signed = (e.actor[n] for n in OBJECTS["actor"])
    need(len(raw) <= kind.most, "malformed", "an entry is not longer than one of its kind may be")
    need(has_fields(e.body, kind.fields), "malformed", "a body has exactly the fields of its kind")
    is_signed = e.kind in SIGNED_KINDS and e.outcome != "refused"
    need(e.signed is None or is_signed, "malformed", "`signed` is null but in these kinds")
    need(e.outcome in kind.outcomes, "malformed", "the outcome is one of the kind's")
    fits = kind.project == "either" or (kind.project == "yes") == bool(e.project)
    need(fits, "malformed", "an entry has a project if its kind has")
    fits = bool(e.agreement) == bool(e.project) or (kind.is_unbound and not e.agreement)
    need(fits, "malformed", "`agreement` is null where `project` is, and maybe in kinds marked *")
    need((e.place == 0) == (e.previous is None), "malformed", "`previous` is null at place 0 alone")
    need(bool(e.project) == bool(e.broker_wide), "malformed", "`broker_wide` is null without a project")
    need((e.object or "none").split("-")[0] in kind.objects, "malformed", "the object's prefix is the kind's")
    moment(e.time)
    # An entry is written after its request came: its *days* are that of its time, and of *early*.
    e.early = shifted(e.time, minutes=-1)
    e.day, e.early_day = e.time[:10], e.early[:10]
    return e
