"""Writes the vectors of match records and openings. Run by hand when the formats change.

Bytes come from the rfc8785 package and the second reader, not from the code under test.
"""

from __future__ import annotations

import hashlib
from typing import Any

from twins.match_record import canonical, commit, record_root, sha
from vectors.file import listed, write_vectors

RUN = f"run-{'5' * 32}"
UPLOADS = [
    {"party": "k12", "upload": f"upl-{'1' * 32}"},
    {"party": "child-welfare", "upload": f"upl-{'2' * 32}"},
]
HANDLES = [bytes([place]) * 16 for place in (0x21, 0x42, 0x63)]
HEADER: dict[str, Any] = {
    "version": "blindlink/match-record/3",
    "project": "foster-pupils",
    "run": RUN,
    "round": 3,
    "release": 1,
    "specification": "ab" * 32,
    "uploads": UPLOADS,
    "prior": -23_456,
    "weights": [
        {"field": "first", "levels": [9_400, 4_100, -3_300]},
        {"field": "date", "levels": [13_200, 0, -6_700]},
    ],
    "floor": 2,
    "rows": 4,
}
OPENINGS: dict[str, Any] = {
    "version": "blindlink/openings/1",
    "project": "foster-pupils",
    "run": RUN,
    **UPLOADS[0],
    "match_record": "cd" * 32,
    "openings": 2,
}


def nonce(*place: int) -> bytes:
    return hashlib.sha256(bytes(place)).digest()


def decision(number: int, **changes: Any) -> dict[str, Any]:
    commitments = [
        commit(nonce(number, side), RUN, UPLOADS[side]["upload"], HANDLES[number - 1])
        for side in (0, 1)
    ]
    plain = {
        "band": "auto",
        "commitments": commitments,
        "lead": 20,
        "probability": "0.95",
        "rule": "match-probability",
    }
    return {**plain, **changes}


ROWS = [decision(1), decision(2), decision(3, band="review", rule="review-band", lead=None)]
PADDING = canonical({"padding": "ef" * 32})


def hidden(leaf: bytes) -> bytes:
    return sha(b"\0", leaf).hex().encode()


def record(header: dict[str, Any], rows: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in (canonical(header), *rows))


def opening(row: int, /, **changes: Any) -> str:
    parts = {"handle": HANDLES[row - 1].hex(), "number": str(row), "nonce": nonce(row, 0).hex()}
    return " ".join({**parts, **changes}.values())


def openings(header: dict[str, Any], lines: list[str]) -> str:
    return canonical(header).decode() + "\n" + "".join(f"{line}\n" for line in lines)


def _records() -> list[tuple[str, bytes]]:
    whole = [*map(canonical, ROWS), PADDING]
    shown = [canonical(ROWS[0]), canonical(ROWS[1]), hidden(canonical(ROWS[2])), hidden(PADDING)]
    return [
        ("the third decision and the padding are withheld", record(HEADER, shown)),
        ("all are withheld", record(HEADER, [hidden(leaf) for leaf in whole])),
        ("no rows", record({**HEADER, "rows": 0}, [])),
        (
            "one decision, without a floor",
            record({**HEADER, "rows": 1, "floor": 0}, [canonical(ROWS[2])]),
        ),
        (
            "a known number in doubt",
            record(
                {**HEADER, "rows": 1, "floor": 0},
                [canonical(decision(3, band="review", rule="contradicted", probability="0.80"))],
            ),
        ),
        (
            "what a reviewer accepted",
            record(
                {**HEADER, "release": 2, "rows": 1, "floor": 0},
                [canonical(decision(3, rule="reviewed", lead=None))],
            ),
        ),
    ]


def _bad_records() -> list[tuple[str, bytes]]:
    one = {**HEADER, "rows": 1}

    def changed(**changes: Any) -> bytes:
        return record(one, [canonical(decision(1, **changes))])

    good = record(one, [canonical(ROWS[0])])
    return [
        ("nothing", b""),
        ("no newline at the end", good[:-1]),
        ("a carriage return", good.replace(b"\n", b"\r\n")),
        ("an empty line", good + b"\n"),
        ("one row more than stated", good + canonical(ROWS[1]) + b"\n"),
        ("one row less than stated", record(HEADER, [canonical(row) for row in ROWS])),
        ("a hash in capitals", record(one, [hidden(PADDING).upper()])),
        ("a hash cut off", record(one, [hidden(PADDING)[:-1]])),
        ("padding that is shown", record(one, [PADDING])),
        ("not canonical", good.replace(b'"band":', b'"band": ')),
        ("an unknown band", changed(band="reject")),
        ("an unknown rule", changed(rule="looks-alike")),
        ("one commitment", changed(commitments=ROWS[0]["commitments"][:1])),
        ("a commitment that is no digest", changed(commitments=["0", "1"])),
        ("an exact probability", changed(probability="0.9571")),
        ("a step that is none", changed(probability="0.15")),
        ("a probability of 1", changed(probability="1.00")),
        ("a step with a digit less", changed(probability="0.9")),
        ("a probability as a number", changed(probability=0)),
        ("a lead that is no step", changed(lead=3)),
        ("a lead as text", changed(lead="20")),
        ("a lead below 0", changed(lead=-1)),
        ("a lead of true", changed(lead=True)),
        ("a rule of rejected pairs", changed(rule="below-review")),
        ("three commitments", changed(commitments=[*ROWS[0]["commitments"], "ab" * 32])),
        ("uploads in a row", changed(uploads=[0, 1])),
        ("one upload", record({**one, "uploads": UPLOADS[:1]}, [canonical(ROWS[0])])),
        ("a weight as text", record({**one, "prior": "-23456"}, [canonical(ROWS[0])])),
        ("an unknown field", changed(handle="21" * 16)),
    ]


def _bad_openings() -> list[tuple[str, str]]:
    lines = [opening(1), opening(2)]
    good = openings(OPENINGS, lines)
    return [
        ("nothing", ""),
        ("the header without a newline", good.split("\n")[0]),
        ("no newline at the end", good[:-1]),
        ("one more than stated", good + opening(3) + "\n"),
        ("one less than stated", openings(OPENINGS, lines[:1])),
        ("in another order", openings(OPENINGS, lines[::-1])),
        ("one twice", openings(OPENINGS, [lines[0]] * 2)),
        ("row 0", openings(OPENINGS, [opening(1, number="0"), lines[1]])),
        ("a number with a leading zero", openings(OPENINGS, [opening(1, number="01"), lines[1]])),
        ("a negative number", openings(OPENINGS, [opening(1, number="-1"), lines[1]])),
        ("a short nonce", openings(OPENINGS, [opening(1, nonce="00" * 31), lines[1]])),
        ("a long handle", openings(OPENINGS, [opening(1, handle="21" * 17), lines[1]])),
        ("capitals", openings(OPENINGS, [opening(1, nonce="AB" * 32), lines[1]])),
        ("two spaces", good.replace(" 1 ", "  1 ")),
        ("an unknown field", openings({**OPENINGS, "surprise": 1}, lines)),
    ]


def match_record_vectors() -> dict[str, Any]:
    good = [
        {"name": name, "record": raw.decode(), "root": record_root(raw)} for name, raw in _records()
    ]
    bad = [{"name": name, "record": raw.decode()} for name, raw in _bad_records()]
    lines = [opening(1), opening(2)]
    return {
        "spec": "match-record",
        "records": {"good": good, "bad": bad},
        "openings": {
            "good": [
                {"name": "two", "file": openings(OPENINGS, lines)},
                {"name": "none", "file": openings({**OPENINGS, "openings": 0}, [])},
            ],
            "bad": listed(_bad_openings(), "file"),
        },
    }


if __name__ == "__main__":
    write_vectors("match-record", match_record_vectors())
