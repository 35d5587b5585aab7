"""A workspace that is protected, backed up, lost, restored elsewhere, and handed over."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker, near_broker, two_agencies
from rigs.share_desks import give_keys
from rigs.weeks import settle

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
        self.own = desk.own = give_keys(desk)
        self.backup = desk.folder.parent / "welfare.backup"

    def protect(self) -> str:
        lines = self.desk.ok("workspace", "protect").stdout.splitlines()
        assert lines[0].startswith("recovery code    ")
        assert lines[1] == f"your fingerprint {self.own.public.fingerprint()}"
        return lines[0].split()[-1]

    def back_up(self) -> Path:
        self.desk.ok("workspace", "backup", str(self.backup), "--force")
        return self.backup

    def add_custodian(self, person: Identity, name: str = "bea") -> None:
        file = self.desk.folder.parent / f"{name}.json"
        file.write_bytes(person.signed.to_canonical())
        groups = person.public.fingerprint().split()
        self.desk.ok("workspace", "custodians", str(file), *groups)

    def elsewhere(self, own: Identity | None, name: str = "new-machine") -> Desk:
        """Return a desk on another computer: a folder with nothing in it."""
        desk = Desk(
            self.desk.folder.parent / name, self.desk.near, "welfare", now=self.desk.now, own=own
        )
        desk.folder.mkdir()
        return desk

    def other_person(self, party: str = "welfare") -> Identity:
        """Return one person more, whom the party's list of authorized users names."""
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
            desk.ok("round", "--ready")
        settle(near)
    return near


@pytest.fixture
def near(linked: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with near_broker(tmp_path / "broker", like=linked) as made:
        yield made


@pytest.fixture
def desks(near: NearBroker) -> dict[str, Desk]:
    return near.desks


@pytest.fixture
def office(welfare: Desk) -> Office:
    return Office(welfare)


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


def test_a_workspace_opens_for_its_owners_keys_and_for_a_recovery_code(office: Office) -> None:
    desk, before = office.desk, links(office.desk)
    # Before it is protected there is no backup, and its owner's key file must be named in the settings.
    said = refused(desk, "backup", str(office.backup))
    assert "blindlink workspace protect" in said
    assert not office.backup.exists()
    settings = desk.folder / "blindlink.toml"
    named = settings.read_text()
    settings.write_text(named.replace('key_file = "identity.key"', ""))
    desk.own = None
    result = desk.type("workspace", "protect", "--key-file", str(desk.folder / "identity.key"))
    assert (result.exit_code, "[identity] key_file" in result.stderr) == (2, True)
    assert b"workspace-key/1" in (desk.folder / KEY).read_bytes()
    settings.write_text(named)
    desk.own = office.own
    assert "blindlink workspace protect" in desk.ok("status").stderr
    code = office.protect()
    said = desk.ok("status").stderr
    assert "blindlink workspace custodians" in said
    assert "workspace protect" not in said
    assert b"workspace-key/2" in (desk.folder / KEY).read_bytes()
    found = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert all(code.encode() not in path.read_bytes() for path in found)
    assert links(desk) == before
    desk.own = office.other_person()
    result = desk.type("links")
    assert result.exit_code == 1
    assert "your keys do not open this workspace" in result.stderr
    assert "blindlink workspace recover" in result.stderr
    # A slip in the code is said.
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    said = refused(desk, "recover", *code_file(desk, wrong))
    assert "a letter of the code is wrong" in said
    assert code not in said
    assert "do not open" in refused(desk, "recover", *code_file(desk, new_recovery_code()))
    said = desk.ok("workspace", "recover", *code_file(desk, code)).stdout
    assert links(desk) == before
    # The code that was typed has served; the new one opens.
    desk.own = office.other_person()
    assert "do not open" in refused(desk, "recover", *code_file(desk, code))
    desk.ok("workspace", "recover", *code_file(desk, said.split()[2]))
    assert links(desk) == before


def test_a_lost_machine_is_replaced_by_a_backup_that_only_its_owner_opens_and_that_is_whole(
    office: Office, schools: Desk
) -> None:
    before, key = links(office.desk), (office.desk.folder / KEY).read_text().splitlines()[1]
    settings = (office.desk.folder / "blindlink.toml").read_text()
    code = office.protect()
    whole = office.back_up().read_bytes()
    for hidden in (key, "foster-pupils", "handles", "blindlink.toml", "token"):
        assert hidden.encode() not in whole, hidden
    # A workspace that is in use is not replaced.
    files, restore = office.desk.files(), ("restore", str(office.backup))
    assert "nothing in it is replaced" in refused(office.desk, *restore)
    assert office.desk.files() == files
    desk = office.elsewhere(office.own)
    assert "cannot be read" in refused(desk, "restore", "none")
    for place in (0, 30, 2000, -70000, -1):
        damaged = bytearray(whole)
        damaged[max(place, -len(damaged))] ^= 1
        office.backup.write_bytes(damaged)
        assert "cannot be used" in refused(desk, *restore), place
        assert desk.files() == set(), place
    for left in (0, 10, 3000, -1):
        office.backup.write_bytes(whole[:left])
        assert "cannot be used" in refused(desk, *restore), left
        assert desk.files() == set(), left
    office.backup.write_bytes(whole)
    stranger = desk.own = office.other_person()
    assert "do not open it" in refused(desk, *restore)
    assert desk.files() == set()
    schools.own = give_keys(schools)
    shutil.rmtree(schools.folder / "workspace")
    assert "it is of welfare, and you are of schools" in refused(schools, *restore)
    assert not list((schools.folder / "workspace").glob("**/*.map"))
    # Restored elsewhere than its settings say, and where only the log's key was laid.
    desk.own, place = office.own, str(desk.folder / "found-again")
    said = desk.ok("workspace", *restore, "--workspace", place).stderr
    assert f"warning: your settings name {desk.folder / 'workspace'}" in said
    assert f"change it to {place}" in said
    shutil.rmtree(office.desk.folder)
    desk = office.elsewhere(office.own, "another")
    begun = desk.folder / "workspace" / "log.vkey"
    begun.parent.mkdir()
    begun.write_text("another log's key")
    assert "warning" not in desk.ok("workspace", *restore).stderr
    assert not begun.exists() or begun.read_text() != "another log's key"
    assert (desk.folder / "blindlink.toml").read_text() == settings
    assert "secret.txt" not in desk.files()
    assert links(desk) == before
    assert desk.ok("receipts").exit_code == 0
    # By the recovery code, where the keys are lost, too.
    desk, maker = office.elsewhere(stranger, "third"), office.own.public.fingerprint()
    assert maker in refused(desk, *restore, *code_file(desk, code))
    office.restored(desk, *code_file(desk, code), "--made-by", maker)
    assert links(desk) == before


def test_a_custodian_restores_what_its_owner_cannot_until_they_are_removed(office: Office) -> None:
    before, maker = links(office.desk), office.own.public.fingerprint()
    office.protect()
    bea, eve = office.other_person(), office.other_person()
    shown = office.desk.folder / "shown"
    # Only another person of the agency is one, with the fingerprint that was compared.
    for person, fingerprint, words in (
        (office.other_person("schools"), None, "of your own agency"),
        (office.own, None, "must be a different person"),
        (eve, bea.public.fingerprint(), eve.public.fingerprint()),
    ):
        shown.write_bytes(person.signed.to_canonical())
        typed = fingerprint or person.public.fingerprint()
        assert words in refused(office.desk, "custodians", str(shown), typed)
    office.add_custodian(bea)
    assert "custodian" not in office.desk.ok("status").stderr
    office.back_up()
    desk = office.restored(office.elsewhere(bea), "--made-by", maker)
    assert links(desk) == before
    listed = desk.json("workspace", "custodians")
    assert [(one["part"], one["person"]) for one in listed] == [("owner", bea.public.person)]
    desk.own = office.own
    assert desk.type("links").exit_code == 1
    office.desk.ok("workspace", "custodians", "--remove", bea.public.person)
    office.back_up()
    desk = office.elsewhere(bea, "later")
    assert "do not open it" in refused(desk, "restore", str(office.backup))
    again = ("custodians", "--remove", bea.public.person)
    assert "no custodian with this ID" in refused(office.desk, *again)


def test_who_takes_over_can_open_what_was_handed_over_and_nobody_else(office: Office) -> None:
    before, maker = links(office.desk), office.own.public.fingerprint()
    bea, cem = office.other_person(), office.other_person()
    code, file = office.protect(), str(office.backup)
    # To a person whom the broker shows, and whose keys were compared.
    to = ("backup", file, "--to", bea.public.person)
    unasked = office.desk.type("workspace", *to)
    assert (unasked.exit_code, "--fingerprint" in unasked.stderr) == (2, True)
    other = office.desk.near.seated("schools").public
    assert "different keys" in refused(office.desk, *to, "--fingerprint", other.fingerprint())
    stranger = ("backup", file, "--to", other.person, "--fingerprint", other.fingerprint())
    assert "has no person" in refused(office.desk, *stranger)
    assert not office.backup.exists()
    office.desk.ok("workspace", *to, "--fingerprint", bea.public.fingerprint())
    desk = office.restored(office.elsewhere(bea, "compared"), "--made-by", maker)
    assert links(desk) == before
    office.backup.unlink()
    # A custodian has been compared.
    office.add_custodian(bea)
    office.add_custodian(cem, "cem")
    assert maker in office.desk.ok("workspace", *to).stderr
    for person in (office.own, cem):
        desk = office.elsewhere(person, person.public.person)
        assert "do not open it" in refused(desk, "restore", file, "--made-by", maker)
    desk = office.elsewhere(bea)
    by_code = (*code_file(desk, code), "--made-by", maker)
    assert "do not open it" in refused(desk, "restore", file, *by_code)
    office.restored(desk, "--made-by", maker)
    assert links(desk) == before
    parts = [one["person"] for one in desk.json("workspace", "custodians")]
    assert parts == [bea.public.person, cem.public.person]


def test_settings_without_a_file_take_over_how_the_former_one_was_read(office: Office) -> None:
    settings = office.desk.folder / "blindlink.toml"
    plain, former = settings.read_bytes(), read_config(settings).sections
    office.protect()
    mine = former.model_copy(
        update={"input": None, "columns": {}, "output": OutputSection(links="mine.csv")}
    )
    # The mark is of an editor on Windows.
    for number, mark in enumerate((b"", codecs.BOM_UTF8)):
        settings.write_bytes(mark + plain)
        office.back_up()
        desk = office.elsewhere(office.own, f"machine-{number}")
        (desk.folder / "blindlink.toml").write_text(render_config(mine), "utf-8")
        said = desk.ok("workspace", "restore", str(office.backup)).stderr
        assert "check that this is right" in said, mark
        taken = read_config(desk.folder / "blindlink.toml").sections
        assert (taken.input, taken.columns) == (former.input, former.columns), mark
        assert taken.output == mine.output, mark


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
            office.desk.ok("pin")
        return found

    monkeypatch.setattr(backup, "_described", described)
    said = refused(office.desk, "backup", str(office.backup), "--force")
    assert (office.desk.folder / "workspace" / "pins" / "checkpoints").read_bytes() != pins
    assert "changed while it was backed up" in said
    assert office.backup.read_bytes() == good
