"""Make a release, sign it, and check one: `make release`.

A release is a folder: the wheel, the source archive, the bills of materials, folders to install from without a
network, and SHA256SUMS, which lists them all and is signed. Signatures are OpenSSH's, since `ssh-keygen` is on
Windows, macOS and Linux: SECURITY.md says what to type to check one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from install import sbom
from install.wheelhouse import ROOT, build_project, sha256_of

# Who may sign, as `ssh-keygen -Y verify` reads it; CONTRIBUTING.md shows a line.
SIGNERS: Final = ROOT / "docs" / "security" / "release-signers"
IDENTITY: Final = "release@blindlink"
# A signature for something else, such as a commit, is none for a release.
NAMESPACE: Final = "blindlink-release"
SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = f"{SUMS}.sig"


class ReleaseError(Exception):
    """A release cannot be made, or is not the one that was signed; says why."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line; a refusal is one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("build", help="write dist/blindlink-VERSION from what is committed")
    signing = steps.add_parser("sign", help="list its files in SHA256SUMS, and sign that")
    signing.add_argument(
        "key", type=Path, help="private key of ssh-keygen, or its .pub with an agent"
    )
    checking = steps.add_parser("check", help="check signature and digests")
    for step in (signing, checking):
        step.add_argument("folder", type=Path, nargs="?", default=folder_of(project_version()))
        step.add_argument("--signers", type=Path, default=SIGNERS)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.step == "build":
            print(f"written: {build(folder_of(project_version()))}")
        elif chosen.step == "sign":
            sign(chosen.folder, chosen.key, chosen.signers)
            print(f"signed: {chosen.folder / SIGNATURE}")
        else:
            print(f"as it was signed: {check(chosen.folder, chosen.signers)} files")
    except ReleaseError as exc:
        sys.exit(f"error: {exc}")


def project_version() -> str:
    """Return the version that pyproject.toml states."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def folder_of(version: str) -> Path:
    """Return where the release of a version is written."""
    return ROOT / "dist" / f"blindlink-{version}"


def build(folder: Path) -> Path:
    """Write everything but the list and its signature, from what is committed; returns the folder.

    Raises:
        ReleaseError: the changelog has no such version, the folder is there, or not all is committed.
    """
    version = project_version()
    if not re.search(
        rf"(?m)^## {re.escape(version)} \(20\d\d-\d\d-\d\d\)$",
        (ROOT / "CHANGELOG.md").read_text("utf-8"),
    ):
        raise ReleaseError(f"CHANGELOG.md has no heading `## {version} (YYYY-MM-DD)`")
    if folder.exists():
        raise ReleaseError(f"{folder} exists; remove it first")
    if _git("status", "--porcelain"):
        raise ReleaseError("not all is committed: a release is made of what git has")
    # So that the same commit gives the same files.
    os.environ["SOURCE_DATE_EPOCH"] = _git("show", "--no-patch", "--format=%ct").strip()
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        partial = Path(scratch) / folder.name
        partial.mkdir()
        build_project(partial)
        _build_source_archive(partial)
        sbom.main(partial)
        for wheelhouse in sorted((ROOT / "wheelhouse").glob("blindlink-*")):
            shutil.make_archive(
                str(partial / wheelhouse.name), "zip", wheelhouse.parent, wheelhouse.name
            )
        partial.rename(folder)
    return folder


def sign(folder: Path, key: Path, signers: Path) -> None:
    """List the files of a release, sign the list, and check what came of it; the passphrase is asked for.

    Raises:
        ReleaseError: the key does not sign, or is none of those that may.
    """
    for stale in (SUMS, SIGNATURE):
        (folder / stale).unlink(missing_ok=True)
    lines = [f"{sha256_of(file)}  {file.name}\n" for file in _files(folder)]
    (folder / SUMS).write_text("".join(lines), "ascii", newline="\n")
    signed = ["ssh-keygen", "-Y", "sign", "-f", key, "-n", NAMESPACE, folder / SUMS]
    if subprocess.run(signed, check=False).returncode != 0:
        raise ReleaseError("ssh-keygen did not sign")
    check(folder, signers)


def check(folder: Path, signers: Path) -> int:
    """Hold a release to its signature and list; returns how many files it has.

    Raises:
        ReleaseError: the signature is not that of someone who may sign, or a file was changed, added or lost.
    """
    if not signers.is_file():
        raise ReleaseError(f"{signers} is not there, which says who may sign")
    verified = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", IDENTITY, "-n", NAMESPACE]
    try:
        with (folder / SUMS).open("rb") as listed:
            done = subprocess.run(
                [*verified, "-s", folder / SIGNATURE],
                stdin=listed,
                capture_output=True,
                check=False,
            )
    except OSError as exc:
        raise ReleaseError(f"{folder} has no {SUMS}") from exc
    if done.returncode != 0:
        raise ReleaseError(f"{SUMS} is not signed by anybody whom {signers.name} lists")
    stated = dict(
        reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text("ascii").splitlines()
    )
    found = {file.name: sha256_of(file) for file in _files(folder)}
    if other := sorted(name for name in {*stated, *found} if stated.get(name) != found.get(name)):
        raise ReleaseError(f"changed, added or lost: {', '.join(other)}")
    return len(found)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name not in {SUMS, SIGNATURE})


def _build_source_archive(folder: Path) -> None:
    """Write what pip and docs/install.md need to install from source, and no file that git does not have."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "source.tar"
        _git("archive", "--output", str(archive), "HEAD")
        source = Path(scratch) / "source"
        shutil.unpack_archive(archive, source, filter="data")
        write = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
        done = subprocess.run(
            [sys.executable, "-c", write, folder], cwd=source, capture_output=True, check=False
        )
    if done.returncode != 0:
        raise ReleaseError("the source archive was not built")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ReleaseError(f"git {arguments[0]} failed")
    return done.stdout


if __name__ == "__main__":
    main()
