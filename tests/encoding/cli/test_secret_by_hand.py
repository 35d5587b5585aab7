"""Two agencies agree on a secret by files that they carry, and encode with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import small_profile
from rigs.share_desks import give_keys, trust

from encoding.epoch.epoch_secret import epoch_secret
from encoding.people.identity import Identity, write_identity
from encoding.people.identity_lock import Passphrase
from encoding.workspace.workspace import open_workspace
from schemas.api import ProjectView
from schemas.identity import base64_text
from schemas.run import Recipient

OTHER_PROFILE = small_profile(block_cap=8)


class Pair:
    """Both desks with keys, the signed agreement, and the project that it binds."""

    def __init__(self, desks: dict[str, Desk]) -> None:
        self.desks = desks
        self.people: dict[str, Identity] = {}
        for party, desk in desks.items():
            (desk.folder / "secret.txt").unlink()
            self.people[party] = give_keys(desk)
            desk.ok("status")

    def view(self, party: str) -> ProjectView:
        """Return the project as the broker last showed it to a party."""
        view = open_workspace(self.desks[party].folder / "workspace").project()
        assert view is not None
        return view

    def show(self, party: str, view: ProjectView) -> None:
        """Let a party's workspace have this project, as if the broker had shown it."""
        open_workspace(self.desks[party].folder / "workspace").keep_project(view)

    def compare(self) -> None:
        trust(self.desks["welfare"], self.desks["schools"], self.people["schools"])
        trust(self.desks["schools"], self.desks["welfare"], self.people["welfare"])

    def words(self, party: str, step: str, **files: str) -> list[str]:
        folder = self.desks[party].folder
        words = ["secret", step, "--key-file", str(folder / "identity.key")]
        for option, name in files.items():
            words += [f"--{option.replace('_', '-')}", str(folder.parent / name)]
        return words

    def type(self, party: str, step: str, *more: str, **files: str) -> Any:
        return self.desks[party].type(*self.words(party, step, **files), *more)

    def ok(self, party: str, step: str, *more: str, **files: str) -> Any:
        return self.desks[party].ok(*self.words(party, step, **files), *more)

    def agree(self, step: str = "share") -> None:
        """Go all the way, from shares to confirmations on both sides."""
        for party in self.desks:
            self.ok(party, step, to_file=f"{party}.{step}")
        for party, other in (("welfare", "schools"), ("schools", "welfare")):
            self.ok(party, "accept", from_file=f"{other}.{step}", to_file=f"{party}.made")
        for party, other in (("welfare", "schools"), ("schools", "welfare")):
            self.ok(party, "accept", from_file=f"{other}.made")

    def secret_status(self, party: str) -> Any:
        return self.desks[party].json("secret", "status")


@pytest.fixture
def pair(welfare: Desk, schools: Desk) -> Pair:
    return Pair({"welfare": welfare, "schools": schools})


@pytest.fixture
def agreed(pair: Pair) -> Pair:
    pair.compare()
    pair.agree()
    return pair


def test_both_come_to_one_secret_and_know_it(agreed: Pair) -> None:
    shown = {party: agreed.secret_status(party) for party in agreed.desks}
    assert shown["welfare"] == shown["schools"]
    assert shown["welfare"]["key_id"] is not None
    assert all(holder["confirmed"] for holder in shown["welfare"]["holders"])


def test_both_encode_with_it_and_link(agreed: Pair) -> None:
    welfare, schools = agreed.desks.values()
    key_ids = set()
    for desk in (welfare, schools):
        desk.ok("round", "ready")
    for desk in (welfare, schools):
        (container,) = desk.json("encode")["containers"]
        key_ids.add(container["key_id"])
        desk.ok("upload")
    assert key_ids == {agreed.secret_status("welfare")["key_id"]}
    welfare.ok("run", "--wait")
    welfare.type("links")
    assert schools.json("links")["links"] == 3


def test_the_key_id_is_that_of_the_agreed_secret(agreed: Pair) -> None:
    said = {desk.ok("secret", "key-id").stdout for desk in agreed.desks.values()}
    assert {text.strip().replace(" ", "") for text in said} == {
        agreed.secret_status("welfare")["key_id"]
    }


@pytest.mark.parametrize("command", ["encode", "refresh"])
def test_without_any_secret_the_way_to_one_is_named_before_the_check(
    pair: Pair, command: str
) -> None:
    result = pair.desks["welfare"].type(command)
    assert result.exit_code == 1
    assert "have not agreed on a secret yet" in result.stderr
    assert "blindlink secret share, then: blindlink secret accept" in result.stderr
    assert not list((pair.desks["welfare"].folder / "workspace").glob("reports/*.check.json"))


def test_the_status_is_said_in_sentences(agreed: Pair) -> None:
    said = agreed.desks["welfare"].ok("secret", "status").stdout.splitlines()
    assert said[0].startswith("The secret of epoch 1 of foster-pupils is made; its key id is ")
    assert said[1:] == [
        "schools: has confirmed the secret, and encodes as you do.",
        "welfare (you): has confirmed the secret.",
    ]


def test_who_has_made_the_secret_is_told_to_let_a_second_person_keep_it(pair: Pair) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    pair.ok("schools", "share", to_file="s1")
    said = pair.ok("welfare", "accept", from_file="s1", to_file="w2").stderr
    assert "let a second person keep it: blindlink workspace protect" in said


def test_the_status_says_who_is_waited_for(pair: Pair) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    said = pair.desks["welfare"].ok("secret", "status").stdout.splitlines()
    assert said == [
        "The secret of epoch 1 of foster-pupils is not made yet.",
        "schools: its share is not here yet.",
        "welfare (you): has sent its share, and not confirmed yet.",
    ]


def test_before_anything_the_status_says_how_to_begin(welfare: Desk) -> None:
    result = welfare.type("secret", "status")
    assert result.exit_code == 1
    assert "blindlink secret share" in result.stderr


def test_nothing_is_sealed_to_keys_that_were_never_compared(pair: Pair, tmp_path: Path) -> None:
    result = pair.type("welfare", "share", to_file="w1")
    assert result.exit_code == 1
    assert "the keys of schools are not known here yet" in result.stderr
    assert "blindlink identity trust schools" in result.stderr
    assert not (tmp_path / "w1").exists()


def test_a_fingerprint_that_is_not_that_of_the_file_is_not_trusted(pair: Pair) -> None:
    file = str(pair.desks["schools"].folder / "shown.json")
    other = pair.people["welfare"].public.fingerprint()
    result = pair.desks["welfare"].type("identity", "trust", "schools", other, "--file", file)
    assert result.exit_code == 1
    assert pair.people["schools"].public.fingerprint() in result.stderr
    assert pair.type("welfare", "share", to_file="w1").exit_code == 1


@pytest.mark.parametrize(
    ("party", "fingerprint", "status"), [("Schools", "1" * 60, 2), ("schools", "12345", 1)]
)
def test_a_slip_in_typing_is_said(party: str, fingerprint: str, status: int, welfare: Desk) -> None:
    assert welfare.type("identity", "trust", party, fingerprint).exit_code == status


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"enrolled":{}}'])
def test_a_file_that_shows_nobodys_keys_is_refused(content: str, welfare: Desk) -> None:
    file = welfare.folder / "shown.json"
    file.write_text(content)
    result = welfare.type("identity", "trust", "schools", "1" * 60, "--file", str(file))
    assert result.exit_code == 1
    assert "has nobody's keys in it" in result.stderr


def test_encoding_waits_until_the_secret_is_made(pair: Pair) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    result = pair.desks["welfare"].type("encode")
    assert result.exit_code == 1
    assert "the secret of epoch 1 is not made yet" in result.stderr


def test_encoding_warns_while_the_others_have_not_confirmed(pair: Pair) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    pair.ok("schools", "share", to_file="s1")
    pair.ok("welfare", "accept", from_file="s1")
    pair.desks["schools"].ok("round", "ready")
    assert "schools has not confirmed the secret yet" in pair.desks["welfare"].ok("encode").stderr


def test_a_share_that_is_missing_is_named_and_the_file_is_not_written(
    pair: Pair, tmp_path: Path
) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    pair.ok("schools", "share", to_file="s1")
    pair.ok("schools", "accept", from_file="w1", to_file="s2")
    result = pair.type("welfare", "accept", from_file="s2", to_file="w2")
    assert result.exit_code == 1
    assert "the share of schools is missing" in result.stderr
    assert not (tmp_path / "w2").exists()


def test_a_file_with_nothing_for_this_agency_is_refused(pair: Pair) -> None:
    pair.compare()
    pair.ok("welfare", "share", to_file="w1")
    result = pair.type("welfare", "accept", from_file="w1")
    assert result.exit_code == 1
    assert "there is nothing for welfare in" in result.stderr


def test_a_file_of_something_else_is_not_overwritten(pair: Pair, tmp_path: Path) -> None:
    pair.compare()
    (tmp_path / "w1").write_text("precious")
    assert pair.type("welfare", "share", to_file="w1").exit_code == 1
    assert (tmp_path / "w1").read_text() == "precious"


def test_another_profile_than_the_agreed_one_is_refused(pair: Pair) -> None:
    pair.compare()
    pair.show("schools", pair.view("schools").model_copy(update={"profile": OTHER_PROFILE}))
    result = pair.type("schools", "share", to_file="s1")
    assert result.exit_code == 1
    assert "a different encoding profile from the one in the agreement" in result.stderr


def test_a_rotation_is_agreed_beside_the_secret_in_use(agreed: Pair) -> None:
    for desk in agreed.desks.values():
        desk.ok("round", "ready")
    (first,) = agreed.desks["welfare"].json("encode")["containers"]
    agreed.agree("rotate")
    assert agreed.secret_status("welfare")["epoch"] == 2
    assert agreed.secret_status("welfare")["key_id"] != first["key_id"]
    (again,) = agreed.desks["welfare"].json("encode")["containers"]
    assert again["key_id"] == first["key_id"]


@pytest.mark.parametrize(
    "terms",
    [
        {
            "providers": ("schools",),
            "recipients": (Recipient(party="welfare", mode="count", space="shared"),),
        }
    ],
)
def test_a_party_that_does_not_encode_needs_no_secret(pair: Pair) -> None:
    result = pair.type("welfare", "share", to_file="w1")
    assert result.exit_code == 1
    assert "needs no secret" in result.stderr


def test_a_broker_that_adds_a_holder_gets_nothing(pair: Pair, view_with, tmp_path: Path) -> None:
    pair.compare()
    more = view_with(providers=("broker-friend", "schools", "welfare")).terms
    pair.show("welfare", pair.view("welfare").model_copy(update={"terms": more}))
    result = pair.type("welfare", "share", to_file="w1")
    assert result.exit_code == 1
    assert "the broker uses different terms from those of agreement 1" in result.stderr
    assert not (tmp_path / "w1").exists()


def test_somebody_elses_keys_are_not_used(pair: Pair) -> None:
    identity = str(pair.desks["schools"].folder / "identity.txt")
    result = pair.type("welfare", "share", "--identity", identity, to_file="w1")
    assert result.exit_code == 1
    pair.compare()
    result = pair.type("welfare", "share", "--identity", identity, to_file="w1")
    assert result.exit_code == 2
    assert "has keys of schools" in result.stderr


def test_the_secret_is_printed_nowhere_and_lies_nowhere_in_the_clear(agreed: Pair) -> None:
    said = agreed.desks["welfare"].ok("secret", "status").output
    workspace = open_workspace(agreed.desks["welfare"].folder / "workspace")
    found = epoch_secret(workspace, "foster-pupils", 1, "welfare")
    assert found is not None
    raw = found.secret.to_bytes()
    forms = [raw, raw.hex().encode(), base64_text(raw).encode(), found.secret.clk_key.encode()]
    for form in forms:
        assert form not in said.encode()
        for path in agreed.desks["welfare"].folder.parent.rglob("*"):
            assert path.is_dir() or form not in path.read_bytes(), path


def test_the_holder_may_be_named(pair: Pair) -> None:
    pair.compare()
    person = pair.people["schools"].public.person
    pair.ok("welfare", "share", "--holder", f"schools={person}", to_file="w1")
    assert pair.type("welfare", "share", "--holder", "schools", to_file="w1").exit_code == 2


def test_keys_that_a_key_file_opens_ask_for_it(pair: Pair, tmp_path: Path) -> None:
    pair.compare()
    settings = pair.desks["welfare"].folder / "blindlink.toml"
    settings.write_text(settings.read_text().replace('key_file = "identity.key"', ""))
    words = pair.words("welfare", "share", to_file="w1")
    del words[2:4]
    result = pair.desks["welfare"].type(*words)
    assert result.exit_code == 2
    assert "--key-file" in result.stderr
    assert not (tmp_path / "w1").exists()


def test_keys_under_a_passphrase_open_by_a_file_of_it(pair: Pair, tmp_path: Path) -> None:
    pair.compare()
    folder = pair.desks["welfare"].folder
    opened = pair.people["welfare"]
    write_identity(folder / "locked.txt", opened, Passphrase("five words drawn at random"))
    (folder / "passphrase").write_text("five words drawn at random\n")
    (folder / "passphrase").chmod(0o600)
    words = pair.words("welfare", "share", to_file="w1")
    words[2:4] = ["--passphrase-file", str(folder / "passphrase")]
    pair.desks["welfare"].ok(*words, "--identity", str(folder / "locked.txt"))
    assert (tmp_path / "w1").exists()
