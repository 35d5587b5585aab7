"""Runs commands as a person would, keeps their time, and stops what it started."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.errors import BrokerError

STOP_TIMEOUT_S: Final = 15
COMMAND_TIMEOUT_S: Final = 600
# What serves is in a group of its own, so that an interrupt at the terminal reaches the demo alone, which
# then ends the others in order.
NEW_GROUP: Final[int] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class DemoError(BrokerError):
    """A step of the demo failed; the message names its command and the folder with its output."""

    code = "demo"


@dataclass(frozen=True, slots=True)
class Step:
    """One finished command: what was typed, where, how long it took, what it printed."""

    title: str
    folder: Path
    typed: str
    seconds: float
    output: str


@dataclass(slots=True)
class Commands:
    """Runs steps in folders below `root` and remembers them in order."""

    root: Path
    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    left_running: list[int] = field(default_factory=list)

    def run(self, title: str, folder: Path, *words: str | Path, to: str | None = None) -> Step:
        """Run one command to its end; `to` names a file in `folder` that gets what it prints.

        Raises:
            DemoError: it exits with anything but 0, or runs for ten minutes.
        """
        typed = _typed(words, folder)
        self.say(f"{title} ...")
        started = time.perf_counter()
        try:
            done = subprocess.run(
                [_script(typed[0]), *typed[1:]],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
                timeout=COMMAND_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as exc:
            raise DemoError(f"this took longer than ten minutes: {shlex.join(typed)}") from exc
        if done.returncode != 0:
            raise DemoError(
                f"{shlex.join(typed)} ended with exit code {done.returncode}: {_last_lines(done.stderr)}",
                hint=f"it ran in {folder}",
            )
        line = shlex.join(typed)
        if to is not None:
            (folder / to).write_text(done.stdout, encoding="utf-8")
            line += f" > {shlex.quote(to)}"
        step = Step(title, folder, line, time.perf_counter() - started, done.stdout)
        self.steps.append(step)
        return step

    def carry(self, title: str, source: Path, target: Path) -> None:
        """Copy a file, as a courier would carry it."""
        self.say(f"{title} ...")
        shutil.copy(source, target)
        words = _typed((source, target), source.parent)
        self.steps.append(Step(title, source.parent, shlex.join(["cp", *words]), 0.0, ""))

    @contextmanager
    def serving(self, folder: Path, *words: str | Path, keep: bool) -> Iterator[None]:
        """Start a command that serves, and stop it when the block ends; with `keep`, only if it raises.

        What it prints goes to a log file in `folder`.
        """
        typed = _typed(words, folder)
        log = folder / f"{typed[-1]}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [_script(typed[0]), *typed[1:]],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=os.name != "nt",
                creationflags=NEW_GROUP,
            )
        self.steps.append(Step(f"start to {typed[-1]}", folder, shlex.join(typed) + " &", 0.0, ""))
        try:
            yield
        except BaseException:
            _stop(process)
            raise
        if keep:
            self.left_running.append(process.pid)
        else:
            _stop(process)


def _typed(words: Sequence[str | Path], folder: Path) -> list[str]:
    # Relative paths: the lines stay short, and true where the whole folder is moved.
    return [os.path.relpath(word, folder) if isinstance(word, Path) else word for word in words]


def _script(name: str) -> str:
    # The scripts of this environment, whether or not it is activated.
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise DemoError(f"the command {name} is not installed beside this one")
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_lines(text: str) -> str:
    return " ".join(text.strip().splitlines()[-3:]) or "it printed nothing"


def typed_in(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the commands as lines that a reader can repeat, with a `cd` wherever the folder changes."""
    folder: Path | None = None
    for step in steps:
        if step.folder != folder:
            folder = step.folder
            yield f"cd {shlex.quote(str(folder))}"
        yield step.typed
