"""`blindlink-broker person`: from an invitation to a confirmed person, as the operator types it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.agencies.persons import enrol_person
from app.broker import open_broker
from app.cli.main import main
from app.settings import read_settings
from encoding.people.identity import Identity, new_identity
from schemas.api.sign_in import EnrolmentRequest
from schemas.documents.written_code import read_code
from schemas.signing.invitation import Invitation


@pytest.fixture
def with_party(broker: Any) -> Any:
    assert broker("agency", "add", "child-welfare").exit_code == 0
    return broker


@contextmanager
def enrolled(state: Path, code: str, party: str = "child-welfare") -> Iterator[Identity]:
    now = datetime.now(UTC)
    identity = new_identity(party, ("analyst", "steward"), now)
    broker = open_broker(read_settings(state))
    with broker.database.write() as session:
        wanted = EnrolmentRequest(code=code, identity=identity.signed)
        enrol_person(session, wanted, now)
    broker.close()
    yield identity


def invited(command: Any, party: str = "child-welfare") -> str:
    done = command(
        "person", "invite", party, "--duty", "steward", "--duty", "analyst",
        "--label", "Ann",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "analyst, steward" in done.stderr
    return str(done.stdout.strip())


def states(command: Any, *party: str) -> list[str]:
    return [row["state"] for row in json.loads(command("person", "list", *party, "--json").stdout)]


def test_an_invitation_is_a_code_on_standard_output(with_party: Any) -> None:
    assert len(read_code(invited(with_party))) == 18
    assert states(with_party) == ["invited"]
    assert states(with_party, "operator") == []


def test_an_invitation_file_has_what_a_person_needs_to_begin(
    with_party: Any, state: Path, tmp_path: Path
) -> None:
    assert with_party("project", "open", "foster-k12", "--party", "child-welfare").exit_code == 0
    out = tmp_path / "ann.invitation"
    done = invite_to(with_party, out, "--project", "foster-k12")
    assert done.exit_code == 0, done.stderr
    invitation = Invitation.from_file(out.read_bytes())
    assert invitation.code not in done.output
    settings = read_settings(state)
    assert invitation.broker == settings.address
    assert invitation.certificate == (settings.tls_dir / "broker.crt").read_text("ascii")
    assert invitation.log_key == with_party("log-key", "show").stdout.strip()
    assert (invitation.project, invitation.party) == ("foster-k12", "child-welfare")
    assert (invitation.duties, invitation.label) == (("analyst",), "Ann")
    assert os.name == "nt" or out.stat().st_mode & 0o077 == 0
    assert states(with_party) == ["invited"]
    # Anyone who is invited anew gets another file in its place.
    assert invite_to(with_party, out).exit_code == 0
    assert Invitation.from_file(out.read_bytes()).project is None


def test_auditors_get_the_first_key_of_the_log_and_others_the_present_one(
    with_party: Any, tmp_path: Path
) -> None:
    assert with_party("log-key", "rotate").exit_code == 0
    keys = {}
    for duty in ("auditor", "analyst"):
        out = tmp_path / f"{duty}.invitation"
        done = with_party("person", "invite", "child-welfare", "--duty", duty, "--out", str(out))
        assert done.exit_code == 0, done.stderr
        keys[duty] = Invitation.from_file(out.read_bytes()).log_key
    assert keys["auditor"] == with_party("log-key", "show", "--first").stdout.strip()
    assert keys["analyst"] == with_party("log-key", "show").stdout.strip()
    assert keys["auditor"] != keys["analyst"]


def invite_to(command: Any, out: Path, *more: str) -> Any:
    return command(
        "person", "invite", "child-welfare", "--duty", "analyst", "--label", "Ann",
        "--out", str(out), *more,
    )  # fmt: skip


def test_where_no_file_is_written_nobody_is_invited(
    with_party: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("mine")
    for more, sentence in (
        (("--project", "foster-k12"), "there is no project foster-k12"),
        (("--out", "nowhere/ann.invitation"), "cannot be written"),
        (("--out", "notes.txt"), "is no invitation"),
    ):
        done = invite_to(with_party, Path("ann.invitation"), *more)
        assert done.exit_code == 1, sentence
        assert sentence in done.stderr
        assert states(with_party) == []
        assert not Path("ann.invitation").exists()
        assert Path("notes.txt").read_text() == "mine"


def test_a_broker_that_others_reach_without_tls_writes_no_invitation(
    with_party: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDLINK_INSECURE_PLAIN_HTTP", "1")
    done = invite_to(with_party, tmp_path / "ann.invitation")
    assert done.exit_code == 1
    assert "public_url" in done.stderr
    assert states(with_party) == []


def test_a_person_is_confirmed_by_the_fingerprint_that_was_heard(
    with_party: Any, state: Path
) -> None:
    with enrolled(state, invited(with_party)) as identity:
        assert states(with_party) == ["awaiting"]
        heard = identity.public.fingerprint().replace(" ", "  ")
        person = identity.public.person
        done = with_party("person", "confirm", person, "--fingerprint", heard)
        assert done.exit_code == 0, done.stderr
        assert states(with_party) == ["active"]
        shown = with_party("person", "list").stdout
        assert person in shown
        assert "Ann" in shown


def test_all_who_wait_are_confirmed_by_one_command(with_party: Any, state: Path) -> None:
    with enrolled(state, invited(with_party)) as ann, enrolled(state, invited(with_party)) as job:
        read = ann.public.fingerprint(), job.public.fingerprint()
        named = {one.public.person: print_ for one, print_ in zip((ann, job), read, strict=True)}
        listed = json.loads(with_party("person", "list", "--json").stdout)
        first, second = (row["person"] for row in listed)
        arguments = ["--state", str(state), "person", "confirm"]
        # One cannot be reached, then the other reads something else; then all is well.
        half = CliRunner().invoke(main, arguments, input=f"\n{named[second]}\n")
        assert half.exit_code == 0, half.stderr
        assert sorted(states(with_party)) == ["active", "awaiting"]
        assert "Ann of child-welfare: the twelve groups" in half.stderr
        assert named[first] not in half.output
        wrong = CliRunner().invoke(main, arguments, input="12345 " * 12 + "\n")
        assert wrong.exit_code == 1
        assert "Ann of child-welfare is not confirmed: The fingerprint is not that" in wrong.stderr
        assert CliRunner().invoke(main, arguments, input=f"{named[first]}\n").exit_code == 0
        assert states(with_party) == ["active", "active"]
        assert "nobody waits" in with_party("person", "confirm").stderr


def test_whoever_calls_is_found_by_their_party_among_hundreds(with_party: Any, state: Path) -> None:
    assert with_party("agency", "add", "d-17").exit_code == 0
    code = invited(with_party, "d-17")
    with enrolled(state, invited(with_party)), enrolled(state, code, "d-17") as kim:
        arguments = ["--state", str(state), "person", "confirm", "d-17"]
        done = CliRunner().invoke(main, arguments, input=f"{kim.public.fingerprint()}\n")
        assert done.exit_code == 0, done.stderr
        assert done.stderr.count("the twelve groups") == 1
        assert "of d-17 may act from now on" in done.stderr
        nobody = with_party("person", "confirm", "d-17", "--fingerprint", "1")
        assert "no one of d-17 waits to be confirmed" in nobody.stderr


def test_one_wrong_fingerprint_keeps_nobody_else_waiting(with_party: Any, state: Path) -> None:
    with enrolled(state, invited(with_party)) as ann, enrolled(state, invited(with_party)) as job:
        who = [one.public.person for one in (ann, job)]
        # Read in the wrong order, by the wrong one of them.
        swapped = ["--fingerprint", "1", "--fingerprint", job.public.fingerprint()]
        assert with_party("person", "confirm", *who, *swapped[2:]).exit_code == 2
        done = with_party("person", "confirm", *who, *swapped)
        assert done.exit_code == 1
        assert "1 of them are not confirmed" in done.stderr
        listed = json.loads(with_party("person", "list", "--json").stdout)
        found = {row["person"]: row["state"] for row in listed}
        assert [found[one] for one in who] == ["awaiting", "active"]


def test_the_sheet_shows_what_is_to_be_compared_and_leaves_blank_what_must_be_heard(
    with_party: Any, state: Path
) -> None:
    assert with_party("agency", "add", "k12").exit_code == 0
    assert with_party("project", "open", "foster-k12", "--party", "child-welfare").exit_code == 0
    assert with_party("project", "open", "other", "--party", "k12").exit_code == 0
    with enrolled(state, invited(with_party)) as identity:
        groups = identity.public.fingerprint().split()
        waiting = with_party("person", "sheet", "foster-k12")
        assert waiting.exit_code == 0, waiting.stderr
        assert "Ann of child-welfare: analyst, steward" in waiting.stdout
        assert "  ".join(groups[4:8]) in waiting.stdout
        assert groups[8] in waiting.stdout
        assert not [
            one for one in groups[9:] if one in waiting.stdout.replace(identity.public.person, "")
        ]
        assert groups[9] not in with_party("person", "sheet", "--json").stdout
        heard = identity.public.fingerprint()
        assert (
            with_party(
                "person", "confirm", identity.public.person, "--fingerprint", heard
            ).exit_code
            == 0
        )
        assert "  ".join(groups[8:]) in with_party("person", "sheet", "foster-k12").stdout
        assert "Ann" not in with_party("person", "sheet", "other").stdout
        assert with_party("person", "sheet", "nothing").exit_code == 1
        assert with_party("person", "revoke", identity.public.person).exit_code == 0
        assert "Ann" not in with_party("person", "sheet").stdout


def test_the_fingerprint_is_asked_for_and_not_shown_beforehand_and_a_person_can_be_revoked(
    with_party: Any, state: Path
) -> None:
    with enrolled(state, invited(with_party)) as identity:
        # Where nobody can answer, nobody is confirmed.
        assert with_party("person", "confirm", identity.public.person).exit_code != 0
        assert states(with_party) == ["awaiting"]
        arguments = ["--state", str(state), "person", "confirm", identity.public.person]
        fingerprint = identity.public.fingerprint()
        wrong = CliRunner().invoke(main, arguments, input="12345 " * 12 + "\n")
        assert wrong.exit_code == 1
        assert "fingerprint is not that" in wrong.stderr
        assert fingerprint not in wrong.stderr + wrong.stdout
        assert CliRunner().invoke(main, arguments, input=f"{fingerprint}\n").exit_code == 0
        assert with_party("person", "revoke", identity.public.person).exit_code == 0
        assert states(with_party) == ["revoked"]


REFUSED = {
    ("invite", "nobody", "--duty", "analyst"): "no party of this name",
    ("invite", "child-welfare", "--duty", "auditor", "--duty", "analyst"): (
        "only with the duty steward"
    ),
    ("revoke", "per-" + "0" * 32): "no one has enrolled with this id",
    ("confirm", "per-" + "0" * 32, "--fingerprint", "1"): "no one has enrolled with this id",
}


def test_no_other_party_is_enrolled_as_an_operator_and_what_cannot_be_done_is_said_in_one_line(
    with_party: Any,
) -> None:
    refused = with_party("agency", "add", "other-center", "--role", "operator")
    assert refused.exit_code == 2
    assert "'agency', 'auditor'" in refused.stderr
    for arguments, sentence in REFUSED.items():
        done = with_party("person", *arguments)
        assert done.exit_code == 1, arguments
        assert sentence in done.stderr, arguments


def test_what_people_are_called_is_one_short_line(with_party: Any, tmp_path: Path) -> None:
    for words in (
        ("person", "invite", "child-welfare", "--duty", "analyst", "--label"),
        ("agency", "add", "k12", "--title"),
        ("init", "--title"),
    ):
        out = ("--out", str(tmp_path / "invitation")) if words[0] == "person" else ()
        done = with_party(*words, "x" * 201, *out)
        assert done.exit_code == 2, words
        assert "one line of 1 to 200 printable characters" in done.stderr


def test_init_keeps_the_public_address_and_refuses_what_is_none(command: Any, state: Path) -> None:
    for url in ("http://a.example", "https://a.example/", "https://u@a.example"):
        done = command("init", "--public-url", url)
        assert done.exit_code == 1, url
        assert "public_url" in done.stderr
        assert url not in done.stderr
    # Init keeps the public address.
    assert command("init", "--public-url", "https://broker.example.org").exit_code == 0
    assert read_settings(state).address == "https://broker.example.org"
