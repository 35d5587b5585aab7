"""The two halves apart: bytes between them, the pairs of `link`, and nothing of a person in what is sent."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import blindlink
from encoding.synth import write_rehearsal


def test_both_halves_find_the_links_by_bytes_that_hold_no_name_and_no_record_id(
    tmp_path: Path,
) -> None:
    files = write_rehearsal(tmp_path, seed=5, n_children=200, n_students=2100)
    rehearsal = blindlink.Rehearsal(number="student-id")
    smaller = blindlink.encode(files.child_welfare, rehearsal, side="smaller")
    larger = blindlink.encode(files.k12, rehearsal, side="larger")
    found = blindlink.match(smaller.sent, larger.sent, rehearsal)
    halves = {
        (smaller.record_ids[one.smaller], larger.record_ids[one.larger])
        for one in found.pairs
        if one.band == "linked"
    }
    whole = blindlink.link(files.child_welfare, files.k12)
    links = {(one.left, one.right) for one in whole.all_pairs if one.band == "linked"}
    # Another key: distances between names differ a little.
    assert len(halves ^ links) <= 0.05 * len(links)
    assert found.pairs == tuple(sorted(found.pairs, key=lambda one: -one.weight))
    with files.k12.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    sent = b"".join((*smaller.sent.values(), *larger.sent.values()))
    for name in ("last_surname", "state_student_id"):
        told = [one[name] for one in rows if len(one[name]) > 5]
        assert not any(cell.encode() in sent for cell in told[:300])
    with pytest.raises(blindlink.Error, match="no key serves twice") as refused:
        blindlink.encode(files.k12, rehearsal, side="larger")
    assert refused.value.code == "halves"
    for one, other in (
        (larger.sent, smaller.sent),
        (smaller.sent, {"container": larger.sent["container"]}),
        ({"container": b"x"}, larger.sent),
        ({"container": smaller.sent["container"][:-1]}, larger.sent),
    ):
        with pytest.raises(blindlink.Error) as refused:
            blindlink.match(one, other, rehearsal)
        assert refused.value.code == "halves"
    with pytest.raises(blindlink.Error, match="lacks its container"):
        blindlink.match({}, larger.sent, rehearsal)
    with pytest.raises(blindlink.Error):
        blindlink.match(smaller.sent, larger.sent, blindlink.Rehearsal("generic-person"))


def test_a_check_says_what_the_command_says_and_no_cell() -> None:
    person = {"ID": "1", "First": "Ana", "Last": "Ortiz", "DOB": "2012-03-04"}
    rows = [person | {"ID": str(n), "First": "" if n % 2 else "Ana"} for n in range(40)]
    found = blindlink.check(rows)
    assert not found.is_fit
    assert found.findings[0][0] == "stop"
    assert "First" in found.findings[0][1]
    assert (found.counts["rows"], found.counts["records"]) == (40, 40)
    assert "Ortiz" not in str(found.findings) + str(found.counts)
    with pytest.raises(blindlink.Error, match="no column of the table looks like the last name"):
        blindlink.check([{"ID": "1", "First": "Ana", "DOB": "2012-03-04"}])
