"""Who has no link, with reasons that someone can act on; the worst data come first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from encoding.packing.handles import RecordKeys
from encoding.packing.snapshot import _RECORD, Snapshot
from encoding.recipe.record_faults import Fault
from encoding.sharing.unmatched_records import (
    NOTHING_WRONG,
    SENTENCES,
    UNMATCHED_START,
    Unmatched,
    WithoutLink,
    write_unmatched,
)

RECORD = f"{7:016x}{'0' * 16}"


def without(
    faults: int = 0, keyed: int = 0b111, sent: int = 0b111, side: str = "smaller", **known: Any
) -> WithoutLink:
    row = np.array([(7, known.pop("digest", 1), faults, keyed, sent)], dtype=_RECORD)
    given: dict[str, Any] = {"left_out": {}, "unlinked": (), "n_passes": 5, **known}
    return WithoutLink({"k12": Snapshot("a" * 64, side, row)}, **given)  # type: ignore[arg-type]


def reasons(known: WithoutLink, **is_withdrawn: bool) -> tuple[str, ...] | None:
    found = known.of(RECORD, "4711", **{"is_withdrawn": False} | is_withdrawn)
    return None if found is None else found.reasons


def test_reasons_are_those_of_the_record() -> None:
    for known, expected in (
        (without(), ()),
        (without(Fault.NO_BIRTH_DATE), ("no-birth-date",)),
        (without(Fault.DEFAULT_DATE | Fault.TOO_YOUNG), ("default-date", "below-school-age")),
        (without(Fault.TOO_OLD), ("above-school-age",)),
        (without(Fault.NO_LAST_NAME | Fault.NO_FIRST_NAME), ("no-last-name", "no-first-name")),
        (without(keyed=0, sent=0), ("no-key",)),
        (without(sent=0b001), ("block-too-large",)),
        (without(sent=0), ("block-too-large",)),
        (without(sent=0b011), ()),
        (without(digest=0), ("not-encoded",)),
        (without(undecided={RECORD}), ("held-for-review",)),
        (without(unlinked={RECORD}), ("unlinked",)),
        (without(left_out={RECORD: "vetoed"}), ("ruled-out",)),
        (without(left_out={RECORD: "cut"}), ("two-records",)),
        (without(left_out={RECORD: "pending"}), ("waits",)),
        (without(left_out={RECORD: "not-stated"}), ()),
        # In the larger file only records with a reason are listed.
        (without(side="larger"), None),
        (without(Fault.NO_BIRTH_DATE, side="larger"), ("no-birth-date",)),
        # Where what was encoded is not known, nothing is said.
        (WithoutLink({}, {RECORD: "vetoed"}, {RECORD}, 5), None),
    ):
        assert reasons(known) == expected, known
    assert reasons(without(Fault.NO_BIRTH_DATE), is_withdrawn=True) == ("withdrawn",)
    found = without().of("f" * 32, "9", is_withdrawn=False)
    assert found is not None
    assert found.reasons == ("not-yet-encoded",)


def test_of_whom_nothing_is_said_is_known_for_many_at_once() -> None:
    # The one that was encoded, one below and one above it.
    high = np.array([3, 7, 9], dtype=np.uint64)
    keys = RecordKeys(high, np.zeros(3, dtype=np.uint64))
    for given in (
        *({}, {"digest": 0}, {"faults": 1}, {"keyed": 0, "sent": 0}, {"sent": 0b001}),
        *({"sent": 0b011}, {"side": "smaller"}),
    ):
        known = without(**{"side": "larger", **given})
        said = [known.of(f"{n:016x}{'0' * 16}", "x", is_withdrawn=False) for n in high.tolist()]
        assert known.have_nothing(keys).tolist() == [one is None for one in said], given
        assert not known.concerns(RECORD)
    assert without(left_out={RECORD: "cut"}).concerns(RECORD)


def test_the_worst_data_come_first(tmp_path: Path) -> None:
    listed = [
        Unmatched("fine", 5, 5, ()),
        Unmatched("unlinked", 5, 5, ("unlinked",)),
        Unmatched("new", 0, 5, ("not-yet-encoded",)),
        Unmatched("b", 4, 5, ("default-date",)),
        Unmatched("a", 4, 5, ("default-date",)),
        Unmatched("young", 4, 5, ("default-date", "below-school-age")),
        Unmatched("empty", 0, 5, ("no-key", "no-birth-date")),
        Unmatched("=x", 1, 5, ("no-birth-date",)),
        Unmatched("bad", 0, 5, ("not-encoded",)),
    ]
    path = tmp_path / "unmatched.csv"
    assert write_unmatched(path, listed) == 9
    raw = path.read_bytes()
    assert raw.startswith(UNMATCHED_START)
    rows = [line.split(",")[:3] for line in raw.decode().splitlines()[1:]]
    assert rows == [
        ["bad", "0 of 5 passes", "not-encoded"],
        ["empty", "0 of 5 passes", "no-key no-birth-date"],
        ["'=x", "1 of 5 passes", "no-birth-date"],
        ["young", "4 of 5 passes", "default-date below-school-age"],
        ["a", "4 of 5 passes", "default-date"],
        ["b", "4 of 5 passes", "default-date"],
        ["new", "0 of 5 passes", "not-yet-encoded"],
        ["unlinked", "5 of 5 passes", "unlinked"],
        ["fine", "5 of 5 passes", ""],
    ]
    assert NOTHING_WRONG in raw.decode()
    assert SENTENCES["no-key"] in raw.decode()
    assert "fine" not in repr(listed[0])
