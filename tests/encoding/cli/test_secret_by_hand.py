"""Two agencies agree on a secret by files that they carry, and encode with it."""

from __future__ import annotations

from collections.abc import Callable
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
from schemas.api.projects import ProjectView
from schemas.linkage.run import Recipient
from schemas.signing.identity import base64_text


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

    def agree(self, *begin: str) -> None:
        """Go all the way, from shares to confirmations on both sides."""
        for party in self.desks:
            self.ok(party, "share", *begin, to_file=f"{party}.share{len(begin)}")
        for party, other in (("welfare", "schools"), ("schools", "welfare")):
            self.ok(
                party, "accept", from_file=f"{other}.share{len(begin)}", to_file=f"{party}.made"
            )
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


def test_both_come_to_one_secret_encode_with_it_and_link(agreed: Pair) -> None:
    welfare, schools = agreed.desks.values()
    shown = {party: agreed.secret_status(party) for party in agreed.desks}
    assert shown["welfare"] == shown["schools"]
    key_id = shown["welfare"]["key_id"]
    assert key_id is not None
    assert all(holder["confirmed"] for holder in shown["welfare"]["holders"])
    lines = welfare.ok("secret", "status").stdout.splitlines()
    assert lines[0].startswith("The secret of epoch 1 of foster-pupils is made; its key id is ")
    assert lines[1:] == [
        "schools: has confirmed the secret, and encodes as you do.",
        "welfare (you): has confirmed the secret.",
    ]
    # It is printed nowhere, and lies nowhere in the clear.
    found = epoch_secret(
        open_workspace(welfare.folder / "workspace"), "foster-pupils", 1, "welfare"
    )
    assert found is not None
    secret = found.kept.present()
    assert secret is not None
    raw = secret.to_bytes()
    for form in (raw, raw.hex().encode(), base64_text(raw).encode(), secret.clk_key.encode()):
        assert form not in "\n".join(lines).encode()
        for path in welfare.folder.parent.rglob("*"):
            assert path.is_dir() or form not in path.read_bytes(), path
    for desk in (welfare, schools):
        desk.ok("round", "--ready")
    for desk in (welfare, schools):
        (container,) = desk.json("encode")["containers"]
        assert container["key_id"] == key_id
    # A rotation is agreed beside the secret in use.
    agreed.agree("--next")
    assert agreed.secret_status("welfare")["epoch"] == 2
    assert agreed.secret_status("welfare")["key_id"] != key_id
    (again,) = welfare.json("encode")["containers"]
    assert again["key_id"] == key_id
    for desk in (welfare, schools):
        desk.ok("upload")
    welfare.ok("round", "--wait")
    welfare.type("links")
    assert schools.json("links")["links"] == 3


def test_until_the_secret_is_made_each_command_says_what_comes_first(
    pair: Pair, tmp_path: Path
) -> None:
    welfare, schools = pair.desks.values()
    for command in ("encode", "refresh"):
        result = welfare.type(command)
        assert result.exit_code == 1, command
        assert "have not agreed on a secret yet" in result.stderr, command
        way = "blindlink secret share, then: blindlink secret accept"
        assert way in result.stderr, command
    assert not list((welfare.folder / "workspace").glob("reports/*.check.json"))
    # Nothing is sealed to keys that were never compared, or to other keys than were compared.
    refused(pair, "welfare", "the keys of schools are not known here yet")
    refused(pair, "welfare", "blindlink people trust schools")
    file = str(schools.folder / "shown.json")
    other = pair.people["welfare"].public.fingerprint()
    result = welfare.type("people", "trust", "schools", other, "--file", file)
    assert result.exit_code == 1
    assert pair.people["schools"].public.fingerprint() in result.stderr
    refused(pair, "welfare", "the keys of schools are not known here yet")
    pair.compare()
    (tmp_path / "w1").write_text("precious")
    assert pair.type("welfare", "share", to_file="w1").exit_code == 1
    assert (tmp_path / "w1").read_text() == "precious"
    (tmp_path / "w1").unlink()
    pair.ok("welfare", "share", to_file="w1")
    assert welfare.ok("secret", "status").stdout.splitlines() == [
        "The secret of epoch 1 of foster-pupils is not made yet.",
        "schools: its share is not here yet.",
        "welfare (you): has sent its share, and not confirmed yet.",
    ]
    result = welfare.type("encode")
    assert result.exit_code == 1
    assert "the secret of epoch 1 is not made yet" in result.stderr
    result = pair.type("welfare", "accept", from_file="w1")
    assert result.exit_code == 1
    assert "there is nothing for welfare in" in result.stderr
    pair.ok("schools", "share", to_file="s1")
    # Encoding warns while the others have not confirmed.
    said = pair.ok("welfare", "accept", from_file="s1", to_file="w2").stderr
    assert "let a second person keep it: blindlink workspace protect" in said
    schools.ok("round", "--ready")
    assert "schools has not confirmed the secret yet" in welfare.ok("encode").stderr


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


def refused(pair: Pair, party: str, said: str, *more: str, status: int = 1) -> None:
    """Require that no share is made, with these words."""
    result = pair.type(party, "share", *more, to_file="w1")
    assert (result.exit_code, said in result.stderr) == (status, True), result.stderr
    assert not (pair.desks[party].folder.parent / "w1").exists()


def test_before_anything_the_status_says_how_to_begin_and_a_slip_trusts_nobodys_keys(
    welfare: Desk,
) -> None:
    result = welfare.type("secret", "status")
    assert (result.exit_code, "blindlink secret share" in result.stderr) == (0, True)
    for party, fingerprint, status in (("Schools", "1" * 60, 2), ("schools", "12345", 1)):
        assert welfare.type("people", "trust", party, fingerprint).exit_code == status, party
    file = welfare.folder / "shown.json"
    for content in ("", "[]", "{}", "null", '{"enrolled":{}}'):
        file.write_text(content)
        result = welfare.type("people", "trust", "schools", "1" * 60, "--file", str(file))
        assert result.exit_code == 1, content
        assert "has nobody's keys in it" in result.stderr, content


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
    refused(pair, "welfare", "needs no secret")


def test_no_share_is_made_under_other_terms_or_with_anothers_keys(
    pair: Pair, view_with: Callable[..., ProjectView], tmp_path: Path
) -> None:
    identity = ("--identity", str(pair.desks["schools"].folder / "identity.txt"))
    refused(pair, "welfare", "", *identity)
    pair.compare()
    refused(pair, "welfare", "has keys of schools", *identity, status=2)
    true = pair.view("welfare")
    # A broker that adds a holder gets nothing.
    more = view_with(providers=("broker-friend", "schools", "welfare")).terms
    for changes, said in (
        ({"terms": more}, "the broker uses different terms from those of agreement 1"),
        (
            {"profile": small_profile(block_cap=8)},
            "a different encoding profile from the one in the agreement",
        ),
    ):
        pair.show("welfare", true.model_copy(update=changes))
        refused(pair, "welfare", said)
    pair.show("welfare", true)
    person = pair.people["schools"].public.person
    refused(pair, "welfare", "", "--holder", "schools", status=2)
    # Keys that a key file opens ask for it, and keys under a passphrase open by a file of it.
    folder = pair.desks["welfare"].folder
    settings = folder / "blindlink.toml"
    settings.write_text(settings.read_text().replace('key_file = "identity.key"', ""))
    words = pair.words("welfare", "share", to_file="w1")
    del words[2:4]
    result = pair.desks["welfare"].type(*words)
    assert (result.exit_code, "--key-file" in result.stderr) == (2, True)
    assert not (tmp_path / "w1").exists()
    passphrase = Passphrase("five words drawn at random")
    write_identity(folder / "locked.txt", pair.people["welfare"], passphrase)
    (folder / "passphrase").write_text("five words drawn at random\n")
    (folder / "passphrase").chmod(0o600)
    words += ["--passphrase-file", str(folder / "passphrase")]
    words += ["--identity", str(folder / "locked.txt"), "--holder", f"schools={person}"]
    pair.desks["welfare"].ok(*words)
    assert (tmp_path / "w1").exists()
