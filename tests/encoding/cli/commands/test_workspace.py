"""A workspace that is protected, backed up, lost, restored elsewhere, and handed over."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker, near_broker, two_agencies
from rigs.share_desks import give_keys

from encoding.people.identity import Identity
from encoding.people.recovery import new_recovery_code
from encoding.secret.secret import Secret, write_secret
from encoding.workspace import backup
from encoding.workspace.backup_manifest import BackupFile
from encoding.workspace.config import OutputSection, read_config, render_config

KEY = "workspace/workspace.key"
SECRET = Secret(bytes(range(32)))


class Office:
    """A desk whose analyst has linked once, with keys at hand."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.own = give_keys(desk)
        self.backup = desk.folder.parent / "welfare.backup"

    def protect(self) -> str:
        lines = self.desk.ok("workspace", "protect").stdout.splitlines()
        assert lines[0].startswith("recovery code    ")
        assert self.desk.own is not None
        assert lines[1] == f"your fingerprint {self.desk.own.public.fingerprint()}"
        return lines[0].split()[-1]

    def back_up(self) -> Path:
        self.desk.ok("workspace", "backup", str(self.backup), "--force")
        return self.backup

    def add_custodian(self, person: Identity, name: str = "bea") -> None:
        file = self.desk.folder.parent / f"{name}.json"
        file.write_bytes(person.signed.to_canonical())
        groups = person.public.fingerprint().split()
        self.desk.ok("workspace", "custodian", "add", str(file), *groups)

    def elsewhere(self, own: Identity | None, name: str = "new-machine") -> Desk:
        """Return a desk on another computer: a folder with nothing in it."""
        desk = Desk(
            self.desk.folder.parent / name, self.desk.near, "welfare", now=self.desk.now, own=own
        )
        desk.folder.mkdir()
        return desk

    def other_person(self, party: str = "welfare") -> Identity:
        """Return one person more, whom the party's roster lists."""
        return self.desk.near.joining(party, "analyst", "recipient")

    def restored(self, desk: Desk, *words: str) -> Desk:
        """Restore the backup there."""
        desk.ok("workspace", "restore", str(self.backup), *words)
        return desk


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> NearBroker:
    """A broker that has ended, and two agencies that linked once; it is there to be copied."""
    with two_agencies(tmp_path_factory.mktemp("linked")) as near:
        near.compare()
        for desk in near.desks.values():
            write_secret(desk.folder / "secret.txt", SECRET)
            desk.ok("round", "ready")
        for words in (["encode"], ["upload"]):
            for desk in near.desks.values():
                desk.ok(*words)
        near.desks["welfare"].ok("run", "--wait")
        near.desks["welfare"].type("links")
        for party in ("schools", "welfare"):
            near.desks[party].ok("links")
    return near


@pytest.fixture
def near(linked: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with near_broker(tmp_path / "broker", like=linked) as made:
        yield made


@pytest.fixture
def office(near: NearBroker) -> Office:
    return Office(near.desks["welfare"])


@pytest.fixture
def schools(near: NearBroker) -> Desk:
    return near.desks["schools"]


def links(desk: Desk) -> str:
    desk.ok("links")
    return (desk.folder / "links.csv").read_text()


def code_file(desk: Desk, code: str) -> tuple[str, str]:
    path = desk.folder / "code"
    path.write_text(f"{code.lower()}\n")
    return "--code-file", str(path)


def refused(desk: Desk, *words: str) -> str:
    result = desk.type("workspace", *words)
    assert result.exit_code == 1, result.output
    assert len(result.stderr.splitlines()) <= 2
    return str(result.stderr)


def test_a_lost_machine_is_replaced_and_old_links_and_receipts_open(office: Office) -> None:
    before = links(office.desk)
    office.protect()
    office.back_up()
    shutil.rmtree(office.desk.folder)
    desk = office.restored(office.elsewhere(office.desk.own))
    assert links(desk) == before
    assert desk.ok("receipt", "verify").exit_code == 0


def test_protected_the_workspace_works_as_before_for_its_owner_alone(office: Office) -> None:
    before = links(office.desk)
    office.protect()
    assert b"workspace-key/2" in (office.desk.folder / KEY).read_bytes()
    assert links(office.desk) == before
    office.desk.own = office.other_person()
    result = office.desk.type("links")
    assert result.exit_code == 1
    assert "your keys do not open this workspace" in result.stderr
    assert "blindlink workspace recover" in result.stderr


def test_a_recovery_code_opens_the_workspace_for_new_keys(office: Office) -> None:
    before = links(office.desk)
    code = office.protect()
    office.desk.own = office.other_person()
    said = office.desk.ok("workspace", "recover", *code_file(office.desk, code)).stdout
    assert links(office.desk) == before
    # The code that was typed has served; the new one opens.
    office.desk.own = office.other_person()
    assert "do not open" in refused(office.desk, "recover", *code_file(office.desk, code))
    office.desk.ok("workspace", "recover", *code_file(office.desk, said.split()[2]))
    assert links(office.desk) == before


def test_a_recovery_code_opens_a_backup_when_keys_and_machine_are_lost(office: Office) -> None:
    before = links(office.desk)
    code = office.protect()
    office.back_up()
    assert office.desk.own is not None
    maker = office.desk.own.public.fingerprint()
    desk = office.elsewhere(office.other_person())
    words = ("restore", str(office.backup), *code_file(desk, code))
    assert maker in refused(desk, *words)
    office.restored(desk, *words[2:], "--made-by", maker)
    assert links(desk) == before


def test_a_slip_in_the_recovery_code_is_said(office: Office) -> None:
    code = office.protect()
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    said = refused(office.desk, "recover", *code_file(office.desk, wrong))
    assert "a letter of the code is wrong" in said
    assert code not in said
    unknown = new_recovery_code()
    assert "do not open" in refused(office.desk, "recover", *code_file(office.desk, unknown))


def test_a_custodian_restores_what_its_owner_cannot(office: Office) -> None:
    before = links(office.desk)
    bea = office.other_person()
    office.protect()
    office.add_custodian(bea)
    office.back_up()
    assert office.desk.own is not None
    maker = office.desk.own.public
    desk = office.restored(office.elsewhere(bea), "--made-by", maker.fingerprint())
    assert links(desk) == before
    listed = desk.json("workspace", "custodian", "list")
    assert [(one["part"], one["person"]) for one in listed] == [("owner", bea.public.person)]
    desk.own = office.desk.own
    assert desk.type("links").exit_code == 1


def test_who_takes_over_can_open_what_was_handed_over_and_nobody_else(office: Office) -> None:
    before = links(office.desk)
    bea, cem = office.other_person(), office.other_person()
    code = office.protect()
    office.add_custodian(bea)
    office.add_custodian(cem, "cem")
    file = str(office.backup)
    said = office.desk.ok("workspace", "handover", file, "--to", bea.public.person).stderr
    assert office.desk.own is not None
    maker = office.desk.own.public.fingerprint()
    assert maker in said
    for person in (office.desk.own, cem):
        desk = office.elsewhere(person, person.public.person)
        assert "do not open it" in refused(desk, "restore", file, "--made-by", maker)
    desk = office.elsewhere(bea)
    by_code = (*code_file(desk, code), "--made-by", maker)
    assert "do not open it" in refused(desk, "restore", file, *by_code)
    office.restored(desk, "--made-by", maker)
    assert links(desk) == before
    parts = [one["person"] for one in desk.json("workspace", "custodian", "list")]
    assert parts == [bea.public.person, cem.public.person]


def test_it_is_handed_over_to_somebody_whom_the_broker_shows_and_whose_keys_were_compared(
    office: Office,
) -> None:
    before = links(office.desk)
    office.protect()
    bea, file = office.other_person(), str(office.backup)
    to = ("handover", file, "--to", bea.public.person)
    unasked = office.desk.type("workspace", *to)
    assert (unasked.exit_code, "--fingerprint" in unasked.stderr) == (2, True)
    other = office.desk.near.seated("schools").public
    said = refused(office.desk, *to, "--fingerprint", other.fingerprint())
    assert "different keys" in said
    stranger = ("handover", file, "--to", other.person, "--fingerprint", other.fingerprint())
    assert "has no person" in refused(office.desk, *stranger)
    assert not office.backup.exists()
    office.desk.ok("workspace", *to, "--fingerprint", bea.public.fingerprint())
    assert office.desk.own is not None
    maker = office.desk.own.public.fingerprint()
    desk = office.restored(office.elsewhere(bea), "--made-by", maker)
    assert links(desk) == before


# The mark is of an editor on Windows.
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_settings_without_a_file_take_over_how_the_former_one_was_read(
    office: Office, mark: bytes
) -> None:
    settings = office.desk.folder / "blindlink.toml"
    settings.write_bytes(mark + settings.read_bytes())
    office.protect()
    office.back_up()
    former = read_config(settings).sections
    desk = office.elsewhere(office.desk.own)
    mine = former.model_copy(
        update={"input": None, "columns": {}, "output": OutputSection(links="mine.csv")}
    )
    (desk.folder / "blindlink.toml").write_text(render_config(mine), "utf-8")
    assert "check that this is right" in desk.ok("workspace", "restore", str(office.backup)).stderr
    taken = read_config(desk.folder / "blindlink.toml").sections
    assert (taken.input, taken.columns) == (former.input, former.columns)
    assert taken.output == mine.output


def test_a_backup_during_which_another_command_pins_the_log_does_not_take_the_place_of_a_good_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.protect()
    office.back_up()
    good = office.backup.read_bytes()
    # The log grows, which the next command pins; it takes no lock for that.
    office.desk.near.enrol("health")
    describe = backup._described
    pins = (office.desk.folder / "workspace" / "pins" / "checkpoints").read_bytes()

    def described(folder: Path, name: str) -> BackupFile:
        found = describe(folder, name)
        if name == "pins/checkpoints":
            office.desk.ok("log", "pin")
        return found

    monkeypatch.setattr(backup, "_described", described)
    said = refused(office.desk, "backup", str(office.backup), "--force")
    assert (office.desk.folder / "workspace" / "pins" / "checkpoints").read_bytes() != pins
    assert "changed while it was backed up" in said
    assert office.backup.read_bytes() == good


def test_a_removed_custodian_opens_no_later_backup(office: Office) -> None:
    bea = office.other_person()
    office.protect()
    office.add_custodian(bea)
    office.desk.ok("workspace", "custodian", "remove", bea.public.person)
    office.back_up()
    assert "do not open it" in refused(office.elsewhere(bea), "restore", str(office.backup))
    assert "no custodian with this ID" in refused(
        office.desk, "custodian", "remove", bea.public.person
    )


@pytest.mark.parametrize("party", ["schools", "welfare"])
def test_only_another_person_of_the_agency_is_a_custodian(party: str, office: Office) -> None:
    office.protect()
    person = office.other_person(party) if party == "schools" else office.desk.own
    assert person is not None
    file = office.desk.folder / "shown"
    file.write_bytes(person.signed.to_canonical())
    words = ("custodian", "add", str(file), person.public.fingerprint())
    assert (
        "of your own agency" if party == "schools" else "must be a different person"
    ) in refused(office.desk, *words)


def test_a_custodian_whose_fingerprint_differs_is_refused(office: Office) -> None:
    office.protect()
    bea, eve = office.other_person(), office.other_person()
    file = office.desk.folder / "shown"
    file.write_bytes(eve.signed.to_canonical())
    said = refused(office.desk, "custodian", "add", str(file), bea.public.fingerprint())
    assert eve.public.fingerprint() in said


def test_before_it_is_protected_there_is_no_backup(office: Office) -> None:
    said = refused(office.desk, "backup", str(office.backup))
    assert "blindlink workspace protect" in said
    assert not office.backup.exists()


def test_a_backup_of_another_agency_is_refused_in_a_sentence(office: Office, schools: Desk) -> None:
    office.protect()
    office.back_up()
    schools.own = give_keys(schools)
    shutil.rmtree(schools.folder / "workspace")
    said = refused(schools, "restore", str(office.backup))
    assert "it is of welfare, and you are of schools" in said
    assert not list((schools.folder / "workspace").glob("**/*.map"))


def test_a_stranger_of_the_same_agency_opens_no_backup(office: Office) -> None:
    office.protect()
    office.back_up()
    desk = office.elsewhere(office.other_person())
    assert "do not open it" in refused(desk, "restore", str(office.backup))
    assert desk.files() == set()


@pytest.mark.parametrize("place", [0, 30, 2000, -70000, -1])
def test_a_damaged_backup_is_refused_and_nothing_is_left(place: int, office: Office) -> None:
    office.protect()
    content = bytearray(office.back_up().read_bytes())
    content[max(place, -len(content))] ^= 1
    office.backup.write_bytes(content)
    desk = office.elsewhere(office.desk.own)
    assert "cannot be used" in refused(desk, "restore", str(office.backup))
    assert desk.files() == set()


@pytest.mark.parametrize("left", [0, 10, 3000, -1])
def test_a_backup_that_was_cut_off_is_refused(left: int, office: Office) -> None:
    office.protect()
    office.backup.write_bytes(office.back_up().read_bytes()[:left])
    desk = office.elsewhere(office.desk.own)
    assert "cannot be used" in refused(desk, "restore", str(office.backup))
    assert desk.files() == set()


def test_a_workspace_that_is_in_use_is_not_replaced(office: Office) -> None:
    office.protect()
    office.back_up()
    files = office.desk.files()
    said = refused(office.desk, "restore", str(office.backup))
    assert "nothing in it is replaced" in said
    assert office.desk.files() == files


def test_where_only_the_logs_key_was_laid_the_workspace_comes_back(office: Office) -> None:
    office.protect()
    office.back_up()
    desk = office.elsewhere(office.desk.own)
    begun = desk.folder / "workspace" / "log.vkey"
    begun.parent.mkdir()
    begun.write_text("another log's key")
    desk.ok("workspace", "restore", str(office.backup))
    assert not begun.exists() or begun.read_text() != "another log's key"
    assert (desk.folder / KEY).exists()


def test_a_missing_file_is_said(office: Office) -> None:
    assert "cannot be read" in refused(office.elsewhere(office.desk.own), "restore", "none")


def test_neither_handles_nor_keys_nor_settings_lie_open_in_a_backup(office: Office) -> None:
    key = (office.desk.folder / KEY).read_text().splitlines()[1]
    office.protect()
    content = office.back_up().read_bytes()
    for hidden in (key, "foster-pupils", "handles", "blindlink.toml", "token"):
        assert hidden.encode() not in content


def test_the_settings_come_back_where_there_are_none(office: Office) -> None:
    office.protect()
    office.back_up()
    settings = (office.desk.folder / "blindlink.toml").read_text()
    desk = office.restored(office.elsewhere(office.desk.own))
    assert (desk.folder / "blindlink.toml").read_text() == settings
    assert "secret.txt" not in desk.files()


def test_who_restores_elsewhere_than_the_settings_say_is_told(office: Office) -> None:
    office.protect()
    office.back_up()
    desk = office.elsewhere(office.desk.own)
    place = str(desk.folder / "found-again")
    said = desk.ok("workspace", "restore", str(office.backup), "--workspace", place).stderr
    assert f"warning: your settings name {desk.folder / 'workspace'}" in said
    assert f"change it to {place}" in said
    fitting = office.elsewhere(office.desk.own, "another")
    assert "warning" not in fitting.ok("workspace", "restore", str(office.backup)).stderr


def test_keys_that_a_key_file_opens_must_be_named_in_the_settings(office: Office) -> None:
    office.desk.own = None
    settings = office.desk.folder / "blindlink.toml"
    settings.write_text(settings.read_text().replace('key_file = "identity.key"', ""))
    key_file = str(office.desk.folder / "identity.key")
    result = office.desk.type("workspace", "protect", "--key-file", key_file)
    assert result.exit_code == 2
    assert "[identity] key_file" in result.stderr
    assert b"workspace-key/1" in (office.desk.folder / KEY).read_bytes()


def test_no_code_is_in_a_file_of_the_workspace(office: Office) -> None:
    code = office.protect()
    found: list[Any] = [p for p in office.desk.folder.rglob("*") if p.is_file()]
    assert all(code.encode() not in path.read_bytes() for path in found)


def test_status_recommends_a_second_person_until_there_is_one(office: Office) -> None:
    assert "blindlink workspace protect" in office.desk.ok("status").stderr
    office.protect()
    said = office.desk.ok("status").stderr
    assert "blindlink workspace custodian add" in said
    assert "workspace protect" not in said
    office.add_custodian(office.other_person())
    assert "custodian" not in office.desk.ok("status").stderr
