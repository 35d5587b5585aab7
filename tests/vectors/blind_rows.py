"""Writes the vectors of rows for blind recipients; run by hand when the format changes.

PYTHONPATH=tests:. python -m vectors.blind_rows

Put together by `schemas/spec/blind-rows.md` from primitives, and from the slow twin of the ledger's rules.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import rfc8785
from twins.ledger import link_ids
from vectors.file import read_vectors, write_vectors
from vectors.identity import b64
from vectors.sealed import BLIND, MATCHES, hkdf, sealed_match_id

WORKSPACE_KEY = bytes(range(100, 132))
MAGIC = b"blindlink/blind-rows/3\n"
PROJECT, RECIPIENT, SPACE = BLIND["project"], BLIND["recipient"], BLIND["space"]
AGENCIES = ("child-welfare", "k12")
CELLS = ["grade 7", "a, b"]

Rows = list[tuple[str, str]]


def pseudonym(record_id: str, *names: str) -> str:
    info = b"blindlink/v1/workspace/pseudonym/" + "/".join(names).encode()
    key = hkdf(bytes(32), WORKSPACE_KEY, info)
    return hmac.digest(key, record_id.encode(), "sha256")[:16].hex()


def pseudonyms() -> list[dict[str, Any]]:
    return [
        {
            "record_id": record_id,
            "recipient": recipient,
            "space": space,
            "round": round_,
            "pseudonym": pseudonym(
                record_id, PROJECT, recipient, space, *([] if round_ is None else [str(round_)])
            ),
        }
        for record_id in ("7", "07", "Ünal-3", "")
        for recipient, space, round_ in (
            (RECIPIENT, SPACE, None),
            ("school-board", SPACE, None),
            (RECIPIENT, "board", None),
            (RECIPIENT, SPACE, 3),
            (RECIPIENT, SPACE, 4),
        )
    ]


def rows() -> list[list[str]]:
    """Return sealed match ID, pseudonym and cells of each row, in their order."""
    found = []
    for number, (_, match_id) in enumerate(MATCHES):
        sealed = sealed_match_id(match_id, bytes([9 - number] * 12), BLIND).hex()
        found.append([sealed, pseudonym(str(number), PROJECT, RECIPIENT, SPACE), *CELLS])
    return sorted(found)


def csv_text(names: list[str], found: list[list[str]]) -> bytes:
    lines = [",".join(names)]
    lines += [",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in found]
    return "".join(f"{line}\n" for line in lines).encode()


def files() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return good and bad files; the header is that of the vectors of blind releases."""
    header = read_vectors("blind-release")["good"][0]["header"]
    head = MAGIC + rfc8785.dumps(header) + b"\n"
    names, found = ["sealed_match_id", "pseudonym", "grade", "note"], rows()
    match_of = {row[1]: MATCHES[int(n)][1] for n in "012" for row in found if row[1] == named(n)}
    good = [
        {
            "name": "three records",
            "file": b64(head + csv_text(names, found)),
            "columns": names[2:],
            "rows": [[match_of[row[1]], *row[1:]] for row in found],
        },
        {
            "name": "nobody",
            "file": b64(head + csv_text(names, [])),
            "columns": names[2:],
            "rows": [],
        },
    ]
    first, rest = found[0], found[1:]
    changed = rfc8785.dumps({**header, "round": 4})
    bad = [
        ("another version", MAGIC.replace(b"3", b"2") + head[len(MAGIC) :] + csv_text(names, found)),
        ("another round", MAGIC + changed + b"\n" + csv_text(names, found)),
        ("without pseudonyms", head + csv_text([names[0], *names[2:]], [[r[0], *r[2:]] for r in found])),
        ("pseudonyms first", head + csv_text([names[1], names[0], *names[2:]], found)),
        ("a short pseudonym", head + csv_text(names, [[first[0], first[1][:-1], *CELLS], *rest])),
        ("a pseudonym in capitals", head + csv_text(names, [[first[0], "A" * 32, *CELLS], *rest])),
        ("no pseudonym", head + csv_text(names, [[first[0], "", *CELLS], *rest])),
        ("a cell more", head + csv_text(names, [[*first, "x"], *rest])),
        ("a match ID of another file", head + csv_text(names, [["00" * 44, *first[1:]], *rest])),
    ]  # fmt: skip
    return good, [{"name": name, "file": b64(content)} for name, content in bad]


def named(record_id: str) -> str:
    return pseudonym(record_id, PROJECT, RECIPIENT, SPACE)


def hexed(text: str) -> str:
    """Return 16 bytes that stand for a match ID or pseudonym of this name."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def given(round_: int, matches: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return what both agencies hand over in a round: these are matched, and each has one record alone."""
    handed = []
    for side, agency in enumerate(AGENCIES):
        of_side = [
            (hexed(f"{round_} {one} {two}"), hexed((one, two)[side])) for one, two in matches
        ]
        of_side.append((hexed(f"{round_} {agency} alone"), hexed(f"{agency} alone")))
        handed.append(file_of(round_, side, of_side))
    return handed


def file_of(round_: int, side: int, of_side: Rows) -> dict[str, Any]:
    return {
        "round": round_,
        "agency": AGENCIES[side],
        "partner": AGENCIES[1 - side],
        "run": f"run-{round_:032x}",
        "rows": [list(row) for row in of_side],
    }


def linked() -> list[dict[str, Any]]:
    """Return rounds in their order, with the link ID of each pseudonym that has a match in it."""
    held: list[dict[str, tuple[bytes, int]]] = [{}, {}]
    turns = [
        (1, [("a1", "b1"), ("a2", "b2")]),
        (2, [("a1", "b1"), ("a3", "b3")]),
        # One round is left out, and a wrong match heals after it.
        (4, [("a1", "b2"), ("a2", "b1"), ("a3", "b3")]),
        (5, [("a1", "b1"), ("a2", "b2")]),
        (6, [("a4", "b3"), ("a1", "b1")]),
        # Handed over again, with fewer rows, and with some that were missing before.
        (6, [("a1", "b1")]),
        (6, [("a4", "b3"), ("a1", "b1"), ("a2", "b2"), ("a5", "b5")]),
    ]
    rounds: list[dict[str, Any]] = []
    given_of: dict[int, list[list[tuple[str, str]]]] = {}
    for round_, matches in turns:
        found = given(round_, matches)
        records: list[Any] = []
        releases = given_of.setdefault(round_, [])
        news = [pair for pair in matches if not any(pair in some for some in releases)]
        if news:
            releases.append(news)
        for side, agency in enumerate(AGENCIES):
            for pair in news:
                link, since = held[side].get(hexed(pair[side]), (None, 0))
                match = (bytes.fromhex(hexed(f"{round_} {pair[0]} {pair[1]}")), AGENCIES)
                records.append((agency, link, since, [match], []))
        space = f"{SPACE}/{RECIPIENT}"
        got, _ = link_ids(records, {*AGENCIES}, PROJECT, space, (round_, len(releases)), set(), {})
        for place, link in got.items():
            side, number = divmod(place, len(news))
            record = hexed(news[number][side])
            before = held[side].get(record)
            for former in [one for one, (other, _) in held[side].items() if other == link]:
                del held[side][former]
            kept = before is not None and before[0] == link
            held[side][record] = before if kept and before else (link, round_)
        in_round = {hexed(name) for pair in matches for name in pair}
        links = {
            record: link.hex()
            for side in held
            for record, (link, _) in side.items()
            if record in in_round
        }
        rounds.append({"files": found, "links": links})
    return rounds


def refused() -> list[dict[str, Any]]:
    """Return what is refused after the rounds of `linked`."""
    one, two = given(7, [("a1", "b1")])
    (match, record), *_ = one["rows"]
    again = [hexed("1 a1 b1"), hexed("a9")], [hexed("1 a1 b1"), hexed("b9")]
    replayed = [
        {**side, "rows": [*side["rows"], more]}
        for side, more in zip((one, two), again, strict=True)
    ]
    cases = {
        "one side alone": [one],
        "one side twice": [one, one],
        "one side twice, and the other": [one, two, two],
        "two runs": [one, {**two, "run": "run-" + "f" * 32}],
        "two rounds": [one, {**two, "round": 8}],
        "a record with two match IDs": [add(one, hexed("x"), record), two],
        "a match ID of two records": [add(one, match, hexed("x")), two],
        "a match ID of an earlier round": replayed,
        "an earlier round": given(3, [("a1", "b1")]),
        "the last round with another agency": [
            {**side, name: "health"}
            for side, name in zip(given(6, [("a1", "b1")]), ("partner", "agency"), strict=True)
        ],
    }
    return [{"name": name, "files": found} for name, found in cases.items()]


def add(file: dict[str, Any], match: str, record: str) -> dict[str, Any]:
    return {**file, "rows": [*file["rows"], [match, record]]}


def blind_rows_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/blind-rows.md`."""
    good, bad = files()
    return {
        "spec": "blind-rows",
        "workspace_key": WORKSPACE_KEY.hex(),
        "project": PROJECT,
        "recipient": RECIPIENT,
        "space": SPACE,
        "pseudonyms": pseudonyms(),
        "good": good,
        "bad": bad,
        "rounds": linked(),
        "bad_rounds": refused(),
    }


if __name__ == "__main__":
    write_vectors("blind-rows", blind_rows_vectors())
