"""Files of invented people, encoded into containers of a round by the agency's own code."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from samples.matching_profiles import block_profile

from app.matching.blocks.rows import ROW, Rows, read_rows
from encoding.blocks.assembly import Assembly
from encoding.blocks.keys import CellKeys, RoundName, round_key
from encoding.secret.secret import Secret
from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.profile import EncodingProfile, Side
from schemas.rounds.upload import ContainerHeader, Parts, merkle_root, serialise_header

SECRET = Secret(bytes(range(32)))
KEY_ID = "00112233445566ff"
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Person = dict[str, str]
"""The derived columns of one person."""


def profile_of_tests() -> EncodingProfile:
    return block_profile()


def random_person(rng: random.Random) -> Person:
    first = "".join(rng.choices(LETTERS, k=7))
    return {
        "first_name": first,
        "first_name_canonical": first,
        "surname_1": "".join(rng.choices(LETTERS, k=9)),
        "surname_2": "",
        "birth_year": str(rng.randrange(2003, 2021)),
        "birth_day_month": f"{rng.randrange(1, 29):02}{rng.randrange(1, 13):02}",
        "sex": rng.choice("fm"),
    }


def random_people(rng: random.Random, n_people: int) -> list[Person]:
    return [random_person(rng) for _ in range(n_people)]


def less_like(person: Person) -> Person:
    """Return who may be the same person: another birthday of the same year, a short name, a second surname.

    Of all three the level is told by equality, so the pair is sent to review whatever the keys of its round
    are.
    """
    day_month = "0101" if person["birth_day_month"] != "0101" else "0202"
    return person | {
        "birth_day_month": day_month, "first_name": person["first_name"][:-1], "surname_2": "second",
    }  # fmt: skip


def two_files(
    rng: random.Random, n_records: int, n_common: int, n_doubtful: int = 0
) -> tuple[list[Person], list[Person]]:
    """Return two files whose first `n_common` people are the same, and the next `n_doubtful` nearly."""
    left, right = random_people(rng, n_records), random_people(rng, n_records)
    right[:n_common] = left[:n_common]
    doubtful = slice(n_common, n_common + n_doubtful)
    right[doubtful] = [less_like(person) for person in left[doubtful]]
    return left, right


@dataclass(frozen=True)
class Container:
    """A container in parts, and the handle of each person in the order in which they were given."""

    header: ContainerHeader
    parts: tuple[bytes, ...]
    handles: tuple[bytes, ...]

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    def request(self) -> dict[str, Any]:
        """Return what an upload of it is opened with."""
        header = self.header
        return {
            "epoch": header.epoch,
            "round": header.round,
            "partner": header.partner,
            "profile": header.profile,
            "key_id": header.key_id,
            "container_sha256": hashlib.sha256(self.parts[0]).hexdigest(),
            "container_bytes": len(self.content),
            "head_bytes": len(self.parts[0]),
            "records": header.records,
            "rows": header.rows,
        }


def sealed_rows(made: Container) -> set[bytes]:
    """Return the sealed contents of a container's rows."""
    body = b"".join(made.parts[1:])[made.header.records * HANDLE_BYTES :]
    return {row.tobytes() for row in read_rows(body)["sealed"]}


def rows_of(
    people: Sequence[Person], profile: EncodingProfile, name: RoundName, side: Side
) -> Rows:
    """Return the rows of people, numbered in the order in which they are given."""
    n = len(people)
    with tempfile.TemporaryDirectory() as folder:
        assembly = Assembly(
            profile,
            CellKeys(round_key(SECRET, name)),
            side,
            n_records=n,
            repeated=np.zeros(n, dtype=np.bool_),
            folder=Path(folder),
        )
        columns = {name: [person.get(name, "") for person in people] for name in profile.columns}
        assembly.add(columns, np.arange(n, dtype=np.uint32))
        rows = np.concatenate(list(assembly.rows()))
        assembly.close()
    return rows.astype(ROW)


def build_container(
    people: Sequence[Person],
    profile: EncodingProfile,
    name: RoundName,
    side: Side,
    changes: dict[str, Any],
    bucket: int | None = None,
) -> Container:
    """Encode people for one side of a pair of a round; `changes` are of the header.

    With `bucket`, so many handles or more begin alike.
    """
    numbered = random.Random(len(people)).sample(range(len(people)), len(people))
    handles = draw_handles(len(people), bucket)
    ordered = [people[at] for at in numbered]
    rows = rows_of(ordered, profile, name, side)
    given = [b""] * len(people)
    for record, at in enumerate(numbered):
        given[at] = handles[record]
    return container_of(handles, rows, given, profile, name, side, changes)


def draw_handles(n: int, bucket: int | None = None) -> list[bytes]:
    """Draw handles, in order; with `bucket`, so many or more have one label, or all differ in a small file.

    Where there are enough, three times as many have one, so that most are left when some of them are linked.
    """
    draw = random.SystemRandom().randbytes
    if bucket is None or n < bucket:
        return sorted(draw(HANDLE_BYTES) for _ in range(n))
    labels = [draw(4) for _ in range(max(1, n // (3 * bucket)))]
    return sorted(labels[at % len(labels)] + draw(HANDLE_BYTES - 4) for at in range(n))


def container_of(
    handles: Sequence[bytes],
    rows: Rows,
    given: Sequence[bytes],
    profile: EncodingProfile,
    name: RoundName,
    side: Side,
    changes: dict[str, Any] | None = None,
) -> Container:
    """Put a table of handles and rows together, whatever they are; `given` are the people's handles."""
    party, partner = (name.larger, name.smaller)[:: 1 if side == "larger" else -1]
    stated: dict[str, Any] = {
        "project": name.project, "epoch": name.epoch, "round": name.number, "party": party,
        "partner": partner, "side": side, "profile": profile.digest(), "key_id": KEY_ID,
        "records": len(handles), "rows": len(rows),
    }  # fmt: skip
    body = b"".join(handles) + rows.tobytes()
    stated |= changes or {}
    cut = Parts(0, stated["records"], stated["rows"])
    pieces, at = [], 0
    for number in range(1, cut.n_parts):
        pieces.append(body[at : at + cut.length(number)])
        at += cut.length(number)
    root = merkle_root(hashlib.sha256(piece).digest() for piece in pieces)
    header = ContainerHeader(**({"root": root} | stated))
    return Container(header, (serialise_header(header), *pieces), tuple(given))
