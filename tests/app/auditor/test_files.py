"""Output files: a key or evidence that is there is not replaced, and what a command reads never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from samples.log import signer, story
from samples.refusals import raises

from app.auditor.cli import main
from app.auditor.errors import OutputTakenError
from app.auditor.files import require_free

LOG = story(63, n_weeks=1)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The auditor's folder, in which commands are typed."""
    (tmp_path / "log.bundle").write_bytes(LOG.bundle())
    (tmp_path / "paper").write_bytes(b'{"certificate":')
    (tmp_path / "log.key").write_text(signer(0).verifier_key.text + "\n", encoding="utf-8")
    (tmp_path / "words").write_text("several words that nobody guesses\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert typed("key auditor.key --new --passphrase-file words").exit_code == 0
    return tmp_path


def typed(words: str) -> Result:
    return CliRunner().invoke(main, words.split())


REPORT = "report log.bundle --log-key log.key --key-file auditor.key --passphrase-file words"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (f"{REPORT} --html auditor.key", "auditor.key"),
        (f"{REPORT} -o words", "words"),
        (f"{REPORT} -o log.key", "log.key"),
        ("disclosures log.bundle --csv log.bundle", "log.bundle"),
        ("disclosures log.bundle --html ./log.bundle", "log.bundle"),
        ("matches log.bundle --csv log.bundle", "log.bundle"),
        ("sample 1 log.bundle --log x --seed s -o log.bundle", "log.bundle"),
        ("check paper --html paper", "paper"),
        ("verify http://127.0.0.1:9 --token-file words -o words", "words"),
    ],
)
def test_what_a_command_reads_is_never_written_over(desk: Path, words: str, name: str) -> None:
    before = (desk / name).read_bytes()
    for more in ("", " --force"):
        done = typed(words + more)
        assert done.exit_code == 3
        assert f"the file {name} is one that this command reads" in done.stderr
    assert (desk / name).read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        f"{REPORT} -o",
        "disclosures log.bundle --csv",
        "matches log.bundle --html",
        "sample 1 words --log log.bundle --seed s --html",
        "check paper --html",
        "verify http://127.0.0.1:9 -o",
    ],
)
def test_a_file_that_is_there_is_left_alone(desk: Path, words: str) -> None:
    (desk / "old").write_bytes(b"last year's")
    done = typed(f"{words} old")
    assert done.exit_code == 3
    assert "the file old is there already" in done.stderr
    assert "--force" in done.stderr
    assert (desk / "old").read_bytes() == b"last year's"


def test_with_force_it_is_replaced(desk: Path) -> None:
    (desk / "old").write_bytes(b"last year's")
    assert typed("disclosures log.bundle --csv old --force").exit_code == 0
    assert (desk / "old").read_bytes().startswith(b"entry,")


def test_two_outputs_are_two_files(desk: Path) -> None:
    done = typed("disclosures log.bundle --csv register --html register --force")
    assert done.exit_code == 3
    assert "would be written twice" in done.stderr
    assert not (desk / "register").exists()


def test_a_file_that_is_read_has_one_identity_under_all_names(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"x")
    (tmp_path / "link").hardlink_to(tmp_path / "key")
    with raises(OutputTakenError):
        require_free([tmp_path / "link"], read=[str(tmp_path / "key"), "https://x"], force=True)
