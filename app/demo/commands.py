"""Types commands as people would, keeps their time, and stops what it started."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO, Final

from app.demo.script import PEOPLE
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


@dataclass(slots=True)
class Commands:
    """Types the lines of a script in folders below `root`; `say` hears of each as it begins.

    `known` has the words for each `$` name, `said` what commands said under a name, `typed` folder, purpose and
    line of all, and `services` what goes on.
    """

    root: Path
    say: Callable[[str], None]
    known: dict[str, Callable[[], Sequence[str]]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    typed: list[tuple[Path, str, str]] = field(default_factory=list)
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)

    def play(self, script: str) -> None:
        """Type a part of a script; what is typed in one folder waits for nothing in another."""
        for stage in filter(None, script.split("\n\n")):
            lines, lanes = stage.strip().splitlines(), defaultdict(list)
            for address, line in zip(lines[::2], lines[1::2], strict=True):
                folders, _, purpose = address.partition(": ")
                for folder in folders.split(", "):
                    lanes[folder].append((purpose, line.strip()))
            with ThreadPoolExecutor(len(lanes)) as pool:
                going = [pool.submit(self._lane, folder, lane) for folder, lane in lanes.items()]
                try:
                    done, _ = wait(going, return_when=FIRST_EXCEPTION)
                finally:
                    # Whatever still goes on ends: one has failed, or a person has interrupted all.
                    if not all(one.done() for one in going):
                        self._ended.set()
            for one in (*done, *going):
                one.result()
            self.typed += [step for one in going for step in one.result()]

    def stop(self) -> None:
        """Stop what goes on."""
        for service in reversed([*self.services.values()]):
            _stop(service)

    def _lane(self, folder: str, lane: Sequence[tuple[str, str]]) -> list[tuple[Path, str, str]]:
        return [self._type(folder, purpose, line) for purpose, line in lane]

    def _type(self, folder: str, purpose: str, line: str) -> tuple[Path, str, str]:
        """Type one line to its end, and return what a reader types, and what for."""
        at, started = self.root / folder, time.perf_counter()
        who = f"{PEOPLE[folder]}: {purpose}" if folder in PEOPLE else purpose
        self.say(who)
        command, _, name = line.partition(" > ")
        words = [*self._words(command.rstrip(" ?&"))]
        shown = shlex.join(words)
        if command.endswith(" &"):
            with (at / f"{words[-1]}.log").open("ab") as log:
                self.services[shown] = _start(words, at, log, log)
            return at, who, f"{shown} &"
        process = _start(words, at, subprocess.PIPE, subprocess.PIPE)
        output = self._finish(shown, process, may_wait=command.endswith(" ?"))
        self.said[name] = output.decode("utf-8").strip()
        if "." in name:
            (at / name).write_bytes(output)
            shown += f" > {name}"
        return at, f"{who} ({time.perf_counter() - started:.1f} s)", shown

    def _words(self, command: str) -> Iterator[str]:
        for word in shlex.split(command):
            yield from self.known[word[1:]]() if word.startswith("$") else [word]

    def _finish(self, line: str, process: subprocess.Popen[bytes], *, may_wait: bool) -> bytes:
        """Wait for a command, but no longer than what it talks to is there; return what it printed."""
        deadline = time.monotonic() + COMMAND_TIMEOUT_S
        try:
            while True:
                try:
                    output, complaint = process.communicate(timeout=LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    self._refuse_fault(line, deadline)
        except BaseException:
            _stop(process)
            process.communicate()
            raise
        if process.returncode and not (may_wait and process.returncode == OTHERS_WAITED_FOR):
            said = complaint.decode("utf-8", "replace").strip().splitlines()[-3:]
            raise DemoError(
                f"{line} ended with exit code {process.returncode}: {' '.join(said) or 'it printed nothing'}",
                hint=f"look into {self.root}",
            )
        return output

    def _refuse_fault(self, line: str, deadline: float) -> None:
        faults = [
            f"`{name}` ended too early"
            for name, one in self.services.items()
            if one.poll() is not None
        ]
        faults += ["a step took longer than ten minutes"] * (time.monotonic() > deadline)
        faults += ["the demo was ended"] * self._ended.is_set()
        if faults:
            raise DemoError(f"{faults[0]}, during: {line}", hint=f"look into {self.root}")


def _start(
    words: Sequence[str], folder: Path, output: IO[bytes] | int, complaint: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    # The scripts of this environment, whether or not it is activated.
    name = words[0]
    script = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if script is None:
        raise DemoError(f"the command {name} is not installed beside this one")
    return subprocess.Popen(
        [script, *words[1:]], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=complaint,
        start_new_session=os.name != "nt", creationflags=NEW_GROUP,
    )  # fmt: skip


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
