"""Faults of single records: what keeps a child from being matched, by the day that the file describes."""

from __future__ import annotations

from datetime import date

from encoding.profiles.catalog import shipped_profile
from encoding.recipe.record_faults import Fault, RecordFaults

AS_OF = date(2026, 11, 20)
CHILDREN, PERSONS = (
    shipped_profile(name, zip_code=False) for name in ("children", "generic-person")
)


def faults(birth: str, first: str = "ANA", last: str = "ORTIZ", profile=CHILDREN) -> Fault:
    columns = {"birth_date": [birth, ""], "first_name": [first, ""], "surname_1": [last, ""]}
    (found, other) = RecordFaults(profile, AS_OF).of(columns, [0, 1])
    assert Fault(other) == Fault.NO_BIRTH_DATE | Fault.NO_FIRST_NAME | Fault.NO_LAST_NAME
    return Fault(found)


def test_a_date_of_birth_is_looked_at() -> None:
    for birth, expected in (
        ("20150409", Fault(0)),
        ("", Fault.NO_BIRTH_DATE),
        ("20150101", Fault.DEFAULT_DATE),
        ("20150115", Fault(0)),
        ("20211121", Fault.TOO_YOUNG),
        ("20211120", Fault(0)),
        ("20041120", Fault(0)),
        ("20031121", Fault(0)),
        ("20031120", Fault.TOO_OLD),
        ("20270101", Fault.TOO_YOUNG | Fault.DEFAULT_DATE),
    ):
        assert faults(birth) == expected, birth
    # Ages are asked of files of children alone.
    assert faults("19500409", profile=PERSONS) == Fault(0)
    assert faults("19500101", profile=PERSONS) == Fault.DEFAULT_DATE


def test_a_name_that_is_missing_is_a_fault() -> None:
    assert faults("20150409", first="") == Fault.NO_FIRST_NAME
    assert faults("20150409", last="") == Fault.NO_LAST_NAME
