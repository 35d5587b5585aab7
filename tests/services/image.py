"""The steps of a Dockerfile, run on this machine without a container engine.

Every absolute path of the image is moved under one folder, which the stages share. What would change the
system itself (apt-get, useradd) is left out; everything else is run as it stands.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Beginnings of RUN steps that prepare the system, and the folder that such a step makes, if any.
SYSTEM_STEPS = {"apt-get update": None, "useradd ": "/state"}

# Absolute paths that a step may name: these are the image's own, and moved.
OWN_PATHS = ("/opt/blindlink", "/wheels", "/src", "/state")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: its keyword in capitals, and the rest of its line."""

    keyword: str
    rest: str


@dataclass(slots=True)
class Image:
    """What a build has come to: the folder that stands for `/`, and the settings of the last stage."""

    root: Path
    workdir: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    user: str = "root"

    def moved(self, text: str) -> str:
        """Return the text with the image's own paths moved under the root."""
        pattern = "|".join(re.escape(path) for path in OWN_PATHS)
        return re.sub(
            rf"(?<![\w.-])({pattern})(?![\w-])", lambda match: f"{self.root}{match[1]}", text
        )

    def run(self, command: list[str], **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command as in a container of this image, with further environment variables."""
        return subprocess.run(
            command,
            env=self.environment | extra,
            cwd=self.root,
            text=True,
            capture_output=True,
            check=False,
        )


def read_dockerfile(text: str) -> Iterator[Instruction]:
    """Yield the instructions, with comments left out and continued lines joined."""
    kept = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    for line in filter(None, map(str.strip, re.sub(r"\\\n\s*", "", kept).splitlines())):
        keyword, rest = line.split(maxsplit=1)
        yield Instruction(keyword.upper(), rest)


def build_image(
    dockerfile: str, context: Path, root: Path, environments: Iterable[Mapping[str, str]]
) -> Image:
    """Run all steps of a Dockerfile with `root` as the file system of every stage.

    Args:
        environments: of each stage, the variables in force from its start; `python` on their PATH
            stands for the base image's.
    Raises:
        ValueError: an instruction, or a path in one, that this module does not know.
        RuntimeError: a step failed; the message holds its output.
    """
    image = Image(root, root)
    of_stages = iter(environments)
    for instruction in read_dockerfile(dockerfile):
        if instruction.keyword == "FROM":
            image = Image(root, root, dict(next(of_stages)))
            continue
        _STEPS[instruction.keyword](image, instruction.rest, context)
    return image


def _run(image: Image, rest: str, context: Path) -> None:
    for beginning, folder in SYSTEM_STEPS.items():
        if rest.startswith(beginning):
            if folder is not None:
                (image.root / folder.lstrip("/")).mkdir(mode=0o700)
            return
    done = subprocess.run(
        ["/bin/sh", "-c", image.moved(rest)],
        cwd=image.workdir,
        env=image.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"RUN {rest} failed:\n{done.stdout}")


def _copy(image: Image, rest: str, context: Path) -> None:
    *sources, target = rest.split()
    if sources[0].startswith("--from="):
        if sources[1:] != [target]:
            raise ValueError(f"between stages, paths stay the same here: COPY {rest}")
        return
    into = image.workdir / target
    for source in sources:
        if (context / source).is_dir():
            left_out = shutil.ignore_patterns("__pycache__", "*.so")
            shutil.copytree(context / source, into, ignore=left_out)
        else:
            (into if target.endswith("/") else into.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy2(context / source, into)


def _workdir(image: Image, rest: str, context: Path) -> None:
    image.workdir = Path(image.moved(rest))
    image.workdir.mkdir(parents=True, exist_ok=True)


def _env(image: Image, rest: str, context: Path) -> None:
    for assignment in shlex.split(rest):
        name, value = assignment.split("=", 1)
        before = image.environment.get(name, "")
        image.environment[name] = image.moved(value).replace(f"${name}", before)


def _cmd(image: Image, rest: str, context: Path) -> None:
    image.command = json.loads(rest)


def _healthcheck(image: Image, rest: str, context: Path) -> None:
    image.healthcheck = json.loads(rest[rest.index("[") :])


def _user(image: Image, rest: str, context: Path) -> None:
    image.user = rest


def _nothing(image: Image, rest: str, context: Path) -> None:
    """Say something about the image that changes no file."""


_STEPS = {
    "RUN": _run,
    "COPY": _copy,
    "WORKDIR": _workdir,
    "ENV": _env,
    "CMD": _cmd,
    "HEALTHCHECK": _healthcheck,
    "USER": _user,
    "VOLUME": _nothing,
    "EXPOSE": _nothing,
}


def path_without_compiler(folder: Path) -> str:
    """Return a PATH on which every program of this machine is found but its compilers."""
    folder.mkdir()
    for place in os.get_exec_path():
        if not Path(place).is_dir():
            continue
        for program in Path(place).iterdir():
            link = folder / program.name
            if not link.is_symlink() and not _is_compiler(program.name):
                link.symlink_to(program)
    return str(folder)


def _is_compiler(name: str) -> bool:
    return (
        re.search(r"(^|-)(cc|gcc|g\+\+|c\+\+|c89|c99|clang|clang\+\+|tcc)(-\d+)?$", name)
        is not None
    )
