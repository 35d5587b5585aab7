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
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO, Final

from app.errors import BrokerError

STOP_TIMEOUT_S: Final = 15
COMMAND_TIMEOUT_S: Final = 600
LOOK_S: Final = 0.5
OTHERS_WAITED_FOR: Final = 7
# Every command is in a group of its own, so that an interrupt at the terminal reaches the demo alone, which
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
    """Runs steps in folders below `root` and remembers them in order; `say` hears of each as it begins."""

    root: Path
    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    left_running: list[int] = field(default_factory=list)
    _services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)

    def run(
        self,
        title: str,
        folder: Path,
        *words: str | Path,
        to: str | None = None,
        may_wait: bool = False,
    ) -> Step:
        """Run one command to its end; `to` names a file in `folder` that gets what it prints.

        With `may_wait` it may end by saying that another agency has yet to do its part.
        """
        typed = _typed(words, folder)
        line = shlex.join(typed)
        self.say(title)
        started = time.perf_counter()
        good = frozenset({0, OTHERS_WAITED_FOR} if may_wait else {0})
        output = self._finish(line, _start(typed, folder, subprocess.PIPE, subprocess.PIPE), good)
        if to is not None:
            (folder / to).write_bytes(output)
            line += f" > {shlex.quote(to)}"
        seconds = time.perf_counter() - started
        step = Step(title, folder, line, seconds, output.decode("utf-8"))
        self.steps.append(step)
        return step

    def at_once(self, *lanes: Callable[[Commands], object]) -> None:
        """Run lanes of steps at the same time; none waits for another's. They are remembered in this order."""
        own = [
            Commands(self.root, self.say, _services=self._services, _ended=self._ended)
            for _ in lanes
        ]
        with ThreadPoolExecutor(len(lanes)) as pool:
            going = [pool.submit(lane, mine) for lane, mine in zip(lanes, own, strict=True)]
            try:
                done, waiting = wait(going, return_when=FIRST_EXCEPTION)
            except BaseException:
                self._ended.set()
                raise
            if waiting:
                self._ended.set()
        for one in sorted(done, key=going.index):
            one.result()
        for mine in own:
            self.steps.extend(mine.steps)

    def _finish(self, line: str, process: subprocess.Popen[bytes], good: frozenset[int]) -> bytes:
        """Wait for a command, but no longer than what it talks to is there; return what it printed."""
        deadline = time.monotonic() + COMMAND_TIMEOUT_S
        while True:
            try:
                output, complaint = process.communicate(timeout=LOOK_S)
                break
            except subprocess.TimeoutExpired:
                fault = self._fault(deadline)
            except BaseException:
                _stop(process)
                raise
            if fault:
                _stop(process)
                process.communicate()
                raise DemoError(f"{fault}, during: {line}", hint=f"look into {self.root}")
        if process.returncode not in good:
            said = _last_lines(complaint.decode("utf-8", "replace"))
            raise DemoError(
                f"{line} ended with exit code {process.returncode}: {said}",
                hint=f"look into {self.root}",
            )
        return output

    def _fault(self, deadline: float) -> str | None:
        if self._ended.is_set():
            return "the demo was ended"
        if time.monotonic() > deadline:
            return "a step took longer than ten minutes"
        for name, service in self._services.items():
            if service.poll() is not None:
                return f"`{name}` ended too early"
        return None

    @contextmanager
    def serving(self, folder: Path, *words: str | Path, keep: bool) -> Iterator[None]:
        """Start a command that serves, and stop it when the block ends; with `keep`, only if it raises.

        What it prints goes to a log file in `folder`.
        """
        typed = _typed(words, folder)
        with (folder / f"{typed[-1]}.log").open("ab") as log:
            process = _start(typed, folder, log, log)
        line = shlex.join(typed)
        self._services[line] = process
        self.steps.append(Step(f"start to {typed[-1]}", folder, f"{line} &", 0.0, ""))
        try:
            yield
        except BaseException:
            _stop(process)
            raise
        finally:
            del self._services[line]
        if keep:
            self.left_running.append(process.pid)
        else:
            _stop(process)


def _typed(words: Sequence[str | Path], folder: Path) -> list[str]:
    # Relative paths: the lines stay short, and true where the whole folder is moved.
    return [os.path.relpath(word, folder) if isinstance(word, Path) else word for word in words]


def _start(
    typed: Sequence[str], folder: Path, output: IO[bytes] | int, complaint: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [_script(typed[0]), *typed[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=complaint,
        start_new_session=os.name != "nt",
        creationflags=NEW_GROUP,
    )


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
    """Yield the commands as lines that a reader can repeat, with a `cd` wherever the folder changes.

    Above each stands a comment: what it is for, and how long it took.
    """
    folder: Path | None = None
    for step in steps:
        if step.folder != folder:
            folder = step.folder
            yield ""
            yield f"cd {shlex.quote(str(folder))}"
        yield f"# {step.title} ({step.seconds:.1f} s)"
        yield step.typed
