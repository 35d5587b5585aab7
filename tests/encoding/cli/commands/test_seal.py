"""One desk seals a file to a party whose fingerprint was compared; there it is opened, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rigs.agreed import sign_roster
from rigs.desk import Desk
from rigs.near_broker import PROJECT, NearBroker
from rigs.share_desks import give_keys, trust

from encoding.destruction.written_files import read_written
from encoding.people.identity import Identity, new_identity, write_identity
from encoding.people.identity_lock import new_key_file
from encoding.workspace.workspace import open_workspace

KEY_FILE = "identity.key"


@pytest.fixture
def sealed(welfare: Desk, schools: Desk) -> Path:
    """A file that the child-welfare desk has sealed to the schools."""
    trust(welfare, schools, give_keys(schools))
    give_keys(welfare)
    file = welfare.folder / "letter.txt"
    file.write_bytes(b"for the schools alone\r\n" * 10_000)
    welfare.ok("seal", str(file), "--to", "schools", "--offline")
    return welfare.folder / "letter.txt.sealed"


def open_at(desk: Desk, file: Path, *words: str):
    return desk.type("open", str(file), "--key-file", str(desk.folder / KEY_FILE), *words)


def test_the_party_that_it_is_sealed_to_opens_it(schools: Desk, sealed: Path) -> None:
    done = open_at(schools, sealed, "-o", str(schools.folder / "letter.txt"), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["from"] == "welfare"
    content = (schools.folder / "letter.txt").read_bytes()
    assert content == (sealed.parent / "letter.txt").read_bytes()
    assert content[:20] not in sealed.read_bytes()


def test_the_name_without_its_ending_is_where_it_is_opened(schools: Desk, sealed: Path) -> None:
    (schools.folder / sealed.name).write_bytes(sealed.read_bytes())
    assert open_at(schools, schools.folder / sealed.name).exit_code == 0
    assert (schools.folder / "letter.txt").exists()


def test_whoever_sealed_it_cannot_open_it(welfare: Desk, sealed: Path) -> None:
    done = open_at(welfare, sealed, "-o", str(welfare.folder / "again.txt"))
    assert done.exit_code == 3
    assert "not sealed to these keys" in done.stderr
    assert not (welfare.folder / "again.txt").exists()


def test_what_was_opened_is_found_again_once_it_is_to_be_destroyed(
    schools: Desk, sealed: Path
) -> None:
    target = schools.folder / "letter.txt"
    assert open_at(schools, sealed, "-o", str(target)).exit_code == 0
    noted = read_written(open_workspace(schools.folder / "workspace"))
    assert {(one.what, Path(one.path)) for one in noted} == {
        ("received", sealed),
        ("received", target),
    }


def test_what_was_sealed_is_found_again_too(welfare: Desk, sealed: Path) -> None:
    noted = read_written(open_workspace(welfare.folder / "workspace"))
    assert ("extract", sealed) in {(one.what, Path(one.path)) for one in noted}


@pytest.mark.parametrize("cut", [1, 16, 70_000])
def test_a_file_that_was_cut_off_leaves_nothing_behind(
    schools: Desk, sealed: Path, cut: int
) -> None:
    sealed.write_bytes(sealed.read_bytes()[:-cut])
    before = schools.files()
    done = open_at(schools, sealed, "-o", str(schools.folder / "letter.txt"))
    assert "changed or cut off" in done.stderr
    # That something was going to be written is noted before it is, so that destroying finds it after a crash.
    assert schools.files() - before <= {"workspace/written.json", "workspace/lock"}
    assert read_written(open_workspace(schools.folder / "workspace")) == ()


def test_a_file_that_nobody_sealed_is_refused(schools: Desk, tmp_path: Path) -> None:
    give_keys(schools)
    (tmp_path / "plain.txt").write_text("plain")
    done = open_at(schools, tmp_path / "plain.txt", "-o", str(tmp_path / "same.txt"))
    assert "not a sealed file" in done.stderr
    assert not (tmp_path / "same.txt").exists()


def test_nothing_is_sealed_to_keys_that_nobody_has_compared(welfare: Desk, schools: Desk) -> None:
    file = welfare.folder / "letter.txt"
    file.write_text("x")
    done = welfare.type("seal", str(file), "--to", "schools", "--offline")
    assert done.exit_code == 1
    assert "identity trust schools" in done.stderr
    assert not (welfare.folder / "letter.txt.sealed").exists()


def test_nothing_is_sealed_to_whom_their_party_took_off_its_roster(
    ready: NearBroker, welfare: Desk
) -> None:
    leaving = ready.joining("schools", "analyst", "recipient").public.person
    welfare.ok("status")
    file = welfare.folder / "letter.txt"
    file.write_text("x")
    words = ("seal", str(file), "--to", "schools", "--force")
    assert leaving in welfare.json(*words)["persons"]
    ready.move(minutes=1)
    steward = ready.people["schools"]
    sign_roster(ready.broker, PROJECT, steward, joining=[], leaving=[leaving])
    welfare.ok("status")
    for where in ((), ("--offline",)):
        assert welfare.json(*words, *where)["persons"] == [steward.public.person]


def test_a_file_that_is_there_is_not_overwritten(welfare: Desk, sealed: Path) -> None:
    words = ("seal", str(sealed.parent / "letter.txt"), "--to", "schools", "--offline")
    before = sealed.read_bytes()
    assert welfare.type(*words).exit_code == 1
    assert sealed.read_bytes() == before
    welfare.ok(*words, "--force")
    assert sealed.read_bytes() != before


def test_those_who_receive_are_preferred(welfare: Desk, schools: Desk) -> None:
    receiver = give_keys(schools)
    trust(welfare, schools, receiver)
    analyst = other_person(schools, "analyst")
    words = [
        *analyst.public.fingerprint().split(),
        "--file",
        str(schools.folder / "other/shown.json"),
    ]
    welfare.ok("identity", "trust", "schools", *words, "--also")
    file = welfare.folder / "letter.txt"
    file.write_text("x")
    done = welfare.json("seal", str(file), "--to", "schools", "--offline")
    assert done["persons"] == [receiver.public.person]


def other_person(schools: Desk, duty: str) -> Identity:
    """Make one person more at the schools, with a folder of their own."""
    folder = schools.folder / "other"
    folder.mkdir()
    made = new_identity("schools", (duty,), schools.now)  # type: ignore[arg-type]
    write_identity(folder / "identity.txt", made, new_key_file(folder / KEY_FILE))
    (folder / "shown.json").write_text(json.dumps(made.signed.to_json()))
    return made


def test_without_the_broker_known_keys_are_used(
    welfare: Desk, sealed: Path, broker: NearBroker
) -> None:
    n_requests = len(broker.courier.requests)
    welfare.ok("seal", str(sealed.parent / "letter.txt"), "--to", "schools", "--force", "--offline")
    assert len(broker.courier.requests) == n_requests
