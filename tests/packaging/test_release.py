"""A release is what was signed: anyone who gets one finds it out with the commands of SECURITY.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from rigs.refused_calls import refuses
from services.requirement import missing

from install.release import IDENTITY, NAMESPACE, SIGNATURE, SUMS, ReleaseError, check, main, sign

ROOT = Path(__file__).resolve().parents[2]


def make_key(folder: Path, name: str) -> Path:
    key = folder / name
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a key of tests", "-f", key]
    subprocess.run(made, check=True)
    return key


def line_of(key: Path) -> str:
    return f'{IDENTITY} namespaces="{NAMESPACE}" {key.with_suffix(".pub").read_text("ascii")}'


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A maintainer's key, a stranger's, and who may sign."""
    if shutil.which("ssh-keygen") is None:
        missing("ssh-keygen is not installed")
    folder = tmp_path_factory.mktemp("keys")
    mine, other = make_key(folder, "mine"), make_key(folder, "other")
    signers = folder / "release-signers"
    signers.write_text(line_of(mine))
    return mine, other, signers


@pytest.fixture
def release(tmp_path: Path, keys: tuple[Path, Path, Path]) -> Path:
    folder = tmp_path / "blindlink-9.9"
    folder.mkdir()
    (folder / "blindlink-9.9-py3-none-any.whl").write_bytes(b"a wheel")
    (folder / "blindlink-9.9.tar.gz").write_bytes(b"an archive")
    main(["sign", str(keys[0]), str(folder), "--signers", str(keys[2])])
    return folder


def test_what_is_not_as_it_was_signed_is_refused(
    release: Path, keys: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    key, stranger, signers = keys
    archive, sums, signature = (release / n for n in ("blindlink-9.9.tar.gz", SUMS, SIGNATURE))
    signed = {file: file.read_bytes() for file in release.iterdir()}

    def sign_otherwise() -> None:
        signature.unlink()
        other = ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "git", sums]
        subprocess.run(other, check=True, capture_output=True)

    faults: dict[str, tuple[Callable[[], object], str]] = {
        "changed": (
            lambda: archive.write_bytes(b"another archive"),
            "changed, added or lost: blindlink-9.9.tar.gz",
        ),
        "added": (
            lambda: (release / "evil.whl").write_bytes(b""),
            "changed, added or lost: evil.whl",
        ),
        "lost": (archive.unlink, "changed, added or lost: blindlink-9.9.tar.gz"),
        "list changed": (
            lambda: sums.write_text(sums.read_text().replace("py3", "py2")),
            "not signed by anybody",
        ),
        "no signature": (signature.unlink, "not signed by anybody"),
        "no list": (sums.unlink, f"has no {SUMS}"),
        "for something else": (sign_otherwise, "not signed by anybody"),
    }
    for name, (spoil, said) in faults.items():
        spoil()
        with refuses(ReleaseError, name, match=said):
            check(release, signers)
        for file in set(release.iterdir()) - set(signed):
            file.unlink()
        for file, content in signed.items():
            file.write_bytes(content)
        main(["check", str(release), "--signers", str(signers)])
        assert capsys.readouterr().out.endswith("as it was signed: 2 files\n"), name
    with pytest.raises(ReleaseError, match="says who may sign"):
        check(release, release / "none")
    with pytest.raises(ReleaseError, match="not signed by anybody"):
        sign(release, stranger, signers)


def test_the_commands_of_the_security_page_find_a_changed_file(
    release: Path, keys: tuple[Path, Path, Path]
) -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8").split("## Checking a release")[1]
    (block,) = re.findall(r"```sh\n(.*?)```", page.split("\n## ")[0], re.DOTALL)
    shutil.copy(keys[2], release / "release-signers")

    def typed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-e", "-c", block], cwd=release, capture_output=True, text=True, check=False
        )

    good = typed()
    assert good.returncode == 0, good.stderr
    assert f'Good "{NAMESPACE}" signature for {IDENTITY}' in good.stdout
    (release / "blindlink-9.9.tar.gz").write_bytes(b"another archive")
    bad = typed()
    assert bad.returncode != 0
    assert "blindlink-9.9.tar.gz: FAILED" in bad.stdout


@pytest.mark.long
def test_a_release_is_built_of_what_is_committed(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", clone], check=True)

    def build() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "install.release", "build"],
            cwd=clone,
            env=os.environ | {"PYTHONPATH": str(clone)},
            capture_output=True,
            text=True,
            check=False,
        )

    left = clone / "left.txt"
    left.touch()
    assert "not all is committed" in build().stderr
    left.unlink()
    done = build()
    assert done.returncode == 0, done.stderr
    (folder,) = (clone / "dist").iterdir()
    version = folder.name.removeprefix("blindlink-")
    assert {file.name for file in folder.iterdir()} == {
        f"blindlink-{version}-py3-none-any.whl",
        f"blindlink-{version}.tar.gz",
        *(f"blindlink-{kind}.cdx.json" for kind in ("agency", "auditor", "broker")),
    }
    with tarfile.open(folder / f"blindlink-{version}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        *("setup.py", "LICENSE", "requirements/agency.txt", "requirements/build.txt"),
        *("app/extras/exhaustive/c/module.c", "install/systemd/blindlink-serve.service"),
    }
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    assert "remove it first" in build().stderr
