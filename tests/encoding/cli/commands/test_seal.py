"""One desk seals a file to a party whose fingerprint was compared; there it is opened, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rigs.agreed import sign_roster
from rigs.desk import Desk
from rigs.near_broker import PROJECT, NearBroker
from rigs.share_desks import give_keys, trust

from encoding.people.identity import Identity, new_identity, write_identity
from encoding.people.identity_lock import new_key_file
from encoding.workspace.workspace import open_workspace
from encoding.workspace.written_files import read_written

KEY_FILE = "identity.key"


def open_at(desk: Desk, file: Path, *words: str):
    return desk.type("open", str(file), "--key-file", str(desk.folder / KEY_FILE), *words)


def noted(desk: Desk) -> set[tuple[str, Path]]:
    """Return what is found again at a desk once it is to be destroyed."""
    found = read_written(open_workspace(desk.folder / "workspace"))
    return {(one.what, Path(one.path)) for one in found}


def other_person(schools: Desk, duty: str) -> Identity:
    """Make one person more at the schools, with a folder of their own."""
    folder = schools.folder / "other"
    folder.mkdir()
    made = new_identity("schools", (duty,), schools.now)  # type: ignore[arg-type]
    write_identity(folder / "identity.txt", made, new_key_file(folder / KEY_FILE))
    (folder / "shown.json").write_text(json.dumps(made.signed.to_json()))
    return made


def test_the_party_that_it_is_sealed_to_opens_it_and_nobody_else(
    welfare: Desk, schools: Desk, broker: NearBroker
) -> None:
    trust(welfare, schools, give_keys(schools))
    give_keys(welfare)
    file, sealed = welfare.folder / "letter.txt", welfare.folder / "letter.txt.sealed"
    file.write_bytes(b"for the schools alone\r\n" * 10_000)
    words = ("seal", str(file), "--to", "schools", "--offline")
    # Without the broker, known keys are used.
    n_requests = len(broker.courier.requests)
    welfare.ok(*words)
    assert len(broker.courier.requests) == n_requests
    assert noted(welfare) == {("extract", sealed)}
    whole = sealed.read_bytes()
    assert welfare.type(*words).exit_code == 1
    assert sealed.read_bytes() == whole
    welfare.ok(*words, "--force")
    assert sealed.read_bytes() != whole
    whole = sealed.read_bytes()
    target = schools.folder / "letter.txt"
    before = schools.files()
    for cut in (1, 16, 70_000):
        sealed.write_bytes(whole[:-cut])
        done = open_at(schools, sealed, "-o", str(target))
        assert "changed or cut off" in done.stderr, cut
        # What was going to be written is noted before it is, for the person who destroys after a crash.
        assert schools.files() - before <= {"workspace/written.json", "workspace/lock"}, cut
        assert noted(schools) == set(), cut
    sealed.write_bytes(whole)
    done = open_at(schools, sealed, "-o", str(target), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["from"] == "welfare"
    assert target.read_bytes() == file.read_bytes()
    assert target.read_bytes()[:20] not in whole
    assert noted(schools) == {("received", sealed), ("received", target)}
    # The name without its ending is where it is opened.
    target.unlink()
    (schools.folder / sealed.name).write_bytes(whole)
    assert open_at(schools, schools.folder / sealed.name).exit_code == 0
    assert target.exists()
    refused = open_at(welfare, sealed, "-o", str(welfare.folder / "again.txt"))
    assert (refused.exit_code, "not sealed to these keys" in refused.stderr) == (3, True)
    assert not (welfare.folder / "again.txt").exists()
    plain = welfare.folder / "plain.txt"
    plain.write_text("plain")
    refused = open_at(schools, plain, "-o", str(schools.folder / "same.txt"))
    assert "not a sealed file" in refused.stderr
    assert not (schools.folder / "same.txt").exists()


def test_it_is_sealed_to_compared_keys_alone_and_rather_to_those_who_receive(
    welfare: Desk, schools: Desk
) -> None:
    file = welfare.folder / "letter.txt"
    file.write_text("x")
    words = ("seal", str(file), "--to", "schools", "--offline")
    refused = welfare.type(*words)
    assert (refused.exit_code, "people trust schools" in refused.stderr) == (1, True)
    assert not (welfare.folder / "letter.txt.sealed").exists()
    receiver = give_keys(schools)
    trust(welfare, schools, receiver)
    analyst = other_person(schools, "analyst")
    shown: Any = schools.folder / "other/shown.json"
    fingerprint = analyst.public.fingerprint().split()
    welfare.ok("people", "trust", "schools", *fingerprint, "--file", str(shown), "--also")
    assert welfare.json(*words)["persons"] == [receiver.public.person]


def test_nothing_is_sealed_to_whom_their_party_took_off_its_roster(
    near: NearBroker, welfare: Desk
) -> None:
    leaving = near.joining("schools", "analyst", "recipient").public.person
    welfare.ok("status")
    file = welfare.folder / "letter.txt"
    file.write_text("x")
    words = ("seal", str(file), "--to", "schools", "--force")
    assert leaving in welfare.json(*words)["persons"]
    near.move(minutes=1)
    steward = near.people["schools"]
    sign_roster(near.broker, PROJECT, steward, joining=[], leaving=[leaving])
    welfare.ok("status")
    for where in ((), ("--offline",)):
        assert welfare.json(*words, *where)["persons"] == [steward.public.person]
