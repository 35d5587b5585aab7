"""`blindlink-audit check`: offline, by the file alone and held to the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rigs.destroying import certificate_file, countersignature, destroy, send, statement
from rigs.enrolled import EnrolledPerson
from rigs.linkage import PROJECT, Linkage

from app.auditor.cli import main
from encoding.people.identity import new_identity
from schemas.matchlog.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    serialise_checkpoints,
    sign_checkpoint,
)
from schemas.reports.certificate import CertificateFile


@dataclass
class Case:
    """A certificate on the auditor's disk, the bundles before and after it, and the log's key."""

    folder: Path
    linkage: Linkage
    number: str
    before: Path

    @property
    def file(self) -> CertificateFile:
        return certificate_file(self.linkage, self.number)

    def keep(self, document: Any = None) -> Path:
        path = self.folder / "certificate.json"
        path.write_bytes((document or self.file).to_canonical())
        return path

    def bundle(self, name: str = "log.bundle") -> Path:
        path = self.folder / name
        answer = self.linkage.get(f"/v1/log/bundle?project={PROJECT}")
        path.write_bytes(answer.content)
        return path

    def pin(self, root: bytes | None = None) -> Path:
        note = self.file.receipt.checkpoint.encode()
        shown, _ = parse_checkpoint(note)
        if root is not None:
            signer = self.linkage.broker.log._signer
            note = sign_checkpoint(Checkpoint(shown.origin, shown.size, root), signer)
        path = self.folder / "pin"
        path.write_bytes(serialise_checkpoints([note]))
        return path


def verify(*words: Any) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)])


@pytest.fixture
def case(linked: Linkage, ann: EnrolledPerson, tmp_path: Path) -> Case:
    made = Case(tmp_path, linked, "", tmp_path / "none")
    made.before = made.bundle("before.bundle")
    made.number = destroy(linked).json()["certificate"]
    path = f"destructions/{made.number}/countersignatures"
    assert send(ann, path, countersignature(ann, made.file)).status_code == 200
    stated = statement(ann, certificate=made.number, none_left=["handle-map"])
    assert send(ann, f"projects/{PROJECT}/destruction-statements", stated).status_code == 200
    return made


def test_a_certificate_verifies_alone_and_held_to_the_log_and_nothing_that_does_not_fit_it(
    case: Case,
) -> None:
    key = case.linkage.broker.log.key.text
    done = verify(case.keep(), "--log-key", key, "--pin", case.pin())
    assert done.exit_code == 0, done.output
    assert f"certificate  {case.number}" in done.stdout
    assert "counter-signed by child-welfare" in done.stdout
    assert "no log was given" in done.stderr
    owing = [line for line in done.stdout.splitlines() if line.startswith("outstanding")]
    assert "outstanding  child-welfare: file of links, not yet stated to be deleted" in owing
    assert "link-table" not in done.stdout
    bare = json.loads(verify(case.keep(), "--json").stdout)
    assert {one["code"] for one in bare["caveats"]} == {"no-log", "no-log-key"}
    assert bare["stated"] == ["child-welfare"]
    assert "handle-map" not in {one["what"] for one in bare["outstanding"]}
    # Held to the log nothing is left open.
    page = case.folder / "page.html"
    words = ("--log", case.bundle(), "--log-key", case.linkage.broker.log.key.text)
    done = verify(case.keep(), *words, "--pin", case.pin(), "--html", page, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["pins"] == 1
    assert document["log"]["verified"] is True
    said = {"broker-time", "destroyed-early", "no-heads", "unverified-releases", "who-typed"}
    assert {one["code"] for one in document["caveats"]} == said
    assert case.number in page.read_text("utf-8")
    # Another key pin or log is refused.
    other = "broker.test/blindlink+00000000+AQ=="
    assert verify(case.keep(), "--log-key", other).exit_code == 3
    pin = case.pin(bytes(32))
    assert verify(case.keep(), "--pin", pin).exit_code == 1
    pin.write_bytes(pin.read_bytes().replace(b"\nAAAA", b"\nBAAA", 1))
    assert verify(case.keep(), "--pin", pin).exit_code == 3
    earlier = verify(case.keep(), "--log", case.before)
    assert earlier.exit_code == 1
    assert "does not hold the entry" in earlier.stderr
    # What is no certificate or was changed is refused.
    path = case.keep()
    raw = path.read_bytes()
    path.write_bytes(raw[:-1])
    assert verify(path).exit_code == 3
    # A file that is not there is that, whatever is asked of it; an option of another kind is named.
    gone = verify(path.parent / "gone.json", "--log", "log.bundle")
    assert (gone.exit_code, "does not exist" in gone.stderr) == (3, True)
    assert "give --key with a report" in verify(case.keep(), "--key", other).stderr
    changed = raw.replace(b'"reason":"asked"', b'"reason":"other"')
    assert changed != raw
    path.write_bytes(changed)
    refused = verify(path, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["code"] == "certificate-refused"


def test_a_signature_that_the_log_does_not_know_is_refused(case: Case, ann: EnrolledPerson) -> None:
    file = case.file
    forger = new_identity(ann.identity.public.party, ("steward",), case.linkage.founded.clock())
    forged = countersignature(
        EnrolledPerson(case.linkage.founded, case.linkage.client, forger), file
    )
    path = case.keep(file.model_copy(update={"countersignatures": (forged,)}))
    # Alone it cannot be told from an honest one.
    assert verify(path).exit_code == 0
    said = verify(path, "--log", case.bundle())
    assert said.exit_code == 1
    assert "keys that are not known to be theirs" in said.stderr
    unsent = countersignature(ann, file, at="2027-01-01T00:00:00Z")
    path = case.keep(file.model_copy(update={"countersignatures": (unsent,)}))
    said = verify(path, "--log", case.bundle())
    assert said.exit_code == 1
    assert "is not in the log" in said.stderr
