"""What is kept of the records of a container: whether they were edited, their faults, their passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.agency import Agency

from encoding.errors import WorkspaceError
from encoding.packing.handles import derive_map_keys, key_text, record_keys
from encoding.packing.snapshot import Look, Snapshots
from encoding.recipe.record_faults import Fault
from encoding.secret.secret import Secret
from schemas.api.projects import ProjectView

ROWS = [
    ("1", "Ana", "Ortiz", "2011-04-09"),
    ("2", "Bo", "Nguyen", "2012-05-01"),
    ("2", "Beau", "Nguyen", "2012-05-01"),
    ("3", "Dee", "Lee", "2015-01-01"),
]


@pytest.fixture
def welfare(tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret)


def looks(agency: Agency, path: Path) -> dict[str, Look | None]:
    """Encode a file and return what was kept of some records."""
    agency.encode(path)
    kept = Snapshots(agency.workspace, agency.view.project)
    (snapshot,) = kept.of_round(1).values()
    assert snapshot.profile == agency.view.profile.digest()
    keys = derive_map_keys(agency.workspace.key(), agency.view.project)
    return {
        name: snapshot.look(key_text(record_keys(keys, [name]), 0)) for name in ("1", "2", "3", "4")
    }


def test_a_digest_changes_with_what_is_compared_and_with_nothing_else(
    welfare: Agency, write_people
) -> None:
    first = looks(welfare, write_people(ROWS))
    assert first["4"] is None
    cosmetic = [ROWS[3], ("1", " ANA", "ortiz", "2011-04-09"), ROWS[1], ROWS[2]]
    again = looks(welfare, write_people(cosmetic))
    assert again == first
    # The other spelling is the main one now, by which it is compared first.
    swapped = [ROWS[0], ROWS[2], ROWS[1], ROWS[3]]
    edited = [("1", "Anna", "Ortiz", "2011-04-09"), *swapped[1:]]
    now = looks(welfare, write_people(edited))
    assert {name for name, look in now.items() if look != first[name]} == {"1", "2"}


def test_faults_and_passes_are_those_of_the_record(welfare: Agency, write_people) -> None:
    rows = [*ROWS, ("4", "", "Poe", "")]
    found = looks(welfare, write_people(rows))
    by_name = {name: look for name, look in found.items() if look is not None}
    assert {name: Fault(look.faults) for name, look in by_name.items()} == {
        "1": Fault(0),
        "2": Fault(0),
        "3": Fault.DEFAULT_DATE,
        "4": Fault.NO_BIRTH_DATE | Fault.NO_FIRST_NAME,
    }
    # The smaller file has a row for every key.
    assert all(look.n_sent == look.n_keyed for look in by_name.values())
    assert by_name["4"].n_keyed < by_name["1"].n_keyed


def test_a_record_of_which_no_row_can_be_encoded_is_told_from_one_that_is_not_there(
    welfare: Agency, write_people, tmp_path: Path
) -> None:
    rows = [*ROWS, ("4", "Eve", "May", "31.12.2010")]
    welfare.encode(write_people(rows), skip_invalid=tmp_path / "skipped.csv")
    (snapshot,) = Snapshots(welfare.workspace, welfare.view.project).of_round(1).values()
    keys = derive_map_keys(welfare.workspace.key(), welfare.view.project)
    look = snapshot.look(key_text(record_keys(keys, ["4"]), 0))
    assert look is not None
    assert not look.is_encoded


def test_the_file_tells_nothing_and_is_refused_when_it_is_damaged(
    welfare: Agency, write_people
) -> None:
    looks(welfare, write_people(ROWS))
    kept = Snapshots(welfare.workspace, welfare.view.project)
    ((number, partner),) = welfare.workspace.snapshots(welfare.view.project)
    path = welfare.workspace.snapshot(welfare.view.project, number, partner)
    raw = path.read_bytes()
    assert b"profile" not in raw
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(WorkspaceError, match="damaged"):
        kept.of_round(1)
    kept.forget_before(2)
    assert kept.of_round(1) == {}
