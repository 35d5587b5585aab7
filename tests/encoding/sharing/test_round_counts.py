"""What a report counts of own records, held against counting by hand; and what it leaves out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import MissingColumnError
from encoding.packing.handles import MapKeys, derive_map_keys, record_keys
from encoding.packing.snapshot import _RECORD, Snapshot
from encoding.recipe.record_faults import Fault
from encoding.records.agency_file import AgencyFile
from encoding.sharing.round_counts import Compared, Wanted, count_groups
from encoding.workspace.config import EligibleSection

KEYS: MapKeys = derive_map_keys(b"k" * 32, "foster-pupils")
FLOOR = 3
FAULTS = st.sampled_from(
    [0, Fault.NO_BIRTH_DATE, Fault.TOO_YOUNG, Fault.TOO_OLD, Fault.NO_LAST_NAME, Fault.DEFAULT_DATE]
)
RECORDS = st.lists(st.tuples(FAULTS, st.booleans()), min_size=1, max_size=30)


def compared(records: list[tuple[int, bool]], floor: int = FLOOR) -> Compared:
    """Return records named r0, r1 and so on, with their faults, and whether they are linked."""
    keys = record_keys(KEYS, [f"r{at}" for at in range(len(records))])
    order = np.argsort(keys.high)
    table = np.zeros(len(records), dtype=_RECORD)
    table["key"], table["digest"], table["keyed"], table["sent"] = keys.high[order], 1, 1, 1
    table["faults"] = [records[at][0] for at in order.tolist()]
    linked = np.array([records[at][1] for at in order.tolist()], dtype=bool)
    return Compared(Snapshot("ab" * 32, "smaller", table), linked, floor)


def counted(path: Path, found: Compared, rows: list[str], **wanted: Any) -> Any:
    path.write_text("\n".join(["ID,county,born,here", *rows]), "utf-8")
    order = Wanted(birth_header="born", date_format="YYYY-MM-DD", **wanted)
    return count_groups(AgencyFile(path, "ID"), KEYS, found, order, date(2026, 11, 27))


@given(RECORDS)
def test_no_small_number_follows_from_school_age_and_the_faults(
    records: list[tuple[int, bool]],
) -> None:
    found = compared(records)
    rates = {one.of: one.rate for one in found.rates()}
    whole = rates["all"]
    assert whole is not None
    assert (whole.records, whole.linked) == (len(records), sum(linked for _, linked in records))
    faults = {one.what: one.records for one in found.faults({})}
    for n_shown in faults.values():
        assert n_shown is None or FLOOR <= n_shown <= len(records) - FLOOR
    of_age = rates.get("school-age")
    if of_age is None:
        return
    no_date = [linked for fault, linked in records if fault == Fault.NO_BIRTH_DATE]
    other = [linked for fault, linked in records if fault in (Fault.TOO_YOUNG, Fault.TOO_OLD)]
    assert of_age.records == len(records) - len(no_date) - len(other)
    for part in (no_date, other):
        assert not part or min(sum(part), len(part) - sum(part)) >= FLOOR


def test_faults_are_counted_and_held_against_those_before() -> None:
    records = [(Fault.NO_BIRTH_DATE | Fault.NO_LAST_NAME, False)] * 4 + [(0, True)] * 6
    faults = {one.what: one for one in compared(records).faults({"no-birth-date": 9})}
    assert (faults["no-birth-date"].records, faults["no-birth-date"].before) == (4, 9)
    assert (faults["no-last-name"].records, faults["no-last-name"].before) == (4, None)
    assert faults["no-first-name"].records is None
    assert next(iter(faults)) == "no-birth-date"


def test_each_record_counts_once_by_its_first_row_and_those_that_left_are_not_stated(
    tmp_path: Path,
) -> None:
    found = compared([(0, at % 2 == 0) for at in range(40)])
    rows = [f"r{at},{'North' if at < 20 else ' South '},2012-01-02,Y" for at in range(32)]
    rows += ["r0,South,2012-01-02,N", "stranger,North,2012-01-02,Y"]
    counts = counted(
        tmp_path / "people.csv", found, rows, columns=("county",),
        eligible=EligibleSection(column="here", values=("Y",)),
    )  # fmt: skip
    (county,) = counts.subgroups(FLOOR, ())
    assert [(one.label, one.records, one.linked) for one in county.groups] == [
        ("North", 20, 10), ("South", 12, 6), ("not stated", 8, 4),
    ]  # fmt: skip
    eligible = found.rates(counts.eligible_groups())[-1]
    assert eligible.rate is not None
    assert (eligible.of, eligible.rate.records, eligible.rate.linked) == ("eligible", 32, 16)


def test_ages_are_those_of_the_day_of_the_file_in_their_order(tmp_path: Path) -> None:
    found = compared([(0, at % 2 == 0) for at in range(40)])
    born = ["2011-11-27", "2011-11-28", "2018-05-05", "2000-01-01"]
    rows = [f"r{at},North,{born[at % 4]},Y" for at in range(40)]
    counts = counted(tmp_path / "people.csv", found, rows, age_bands=(5, 11, 15))
    # Every fourth: all of a band are linked, or none, so that only records are told.
    (ages,) = counts.subgroups(FLOOR, (5, 11, 15))
    assert [(one.label, one.records) for one in ages.groups] == [
        ("5 to 10", 10), ("11 to 14", 10), ("15 and older", 20),
    ]  # fmt: skip


def test_groups_by_age_are_left_out_where_those_without_a_date_could_be_computed(
    tmp_path: Path,
) -> None:
    found = compared([(Fault.NO_BIRTH_DATE, True), *[(0, at % 2 == 0) for at in range(40)]])
    rows = [f"r{at},North,2012-01-02,Y" for at in range(41)]
    assert counted(tmp_path / "p.csv", found, rows, age_bands=(5,)).subgroups(FLOOR, (5,)) == ()


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with raises(MissingColumnError, match="no column race for the report"):
        counted(tmp_path / "p.csv", compared([(0, True)]), ["r0,N,2012-01-02,Y"], columns=("race",))
