"""The demo from the first command to the report."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, Final

from app.demo.commands import Commands, DemoError
from app.demo.review import decide
from app.demo.script import ANSWERS, PAGES, PARTIES, PEOPLE, SCRIPT
from app.durable import make_private_folder, write_durably

SERVE_TIMEOUT_S: Final = 30
PARTS: Final = dict(part.split("\n", 1) for part in SCRIPT.split("\n= ")[1:])
_HEAD: Final = """\
# Every command of the rehearsal, in an order in which you can type them, and how long it took.
# The demo wrote three files by hand: broker/parties.toml, child-welfare/answers.toml, and the
# verdicts in child-welfare/pairs.csv, by what it shows of the two records.
# Invitations, keys and fingerprints are new each time.
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many people each agency has; of students there are more than of children."""

    children: int
    students: int


def rehearse(
    root: Path,
    *,
    sizes: Sizes,
    seed: int,
    keep: bool,
    begin: Callable[[str], None],
    say: Callable[[str], None],
) -> Iterator[str]:
    """Do the whole job below `root`, and yield the report's lines; its commands are written to a file there.

    Args:
        root: the folder, which is emptied if a demo made it.
        sizes: how many people there are.
        seed: the same seed gives the same people.
        keep: broker and worker go on when this ends.
        begin: hears of each of `PARTS` as it begins.
        say: hears of each command as it begins.
    """
    started = time.perf_counter()
    port = _lay_out(root, sizes)
    commands = Commands(root, say)
    held = _let_know(commands, port, sizes, seed)
    try:
        for number, (part, script) in enumerate(PARTS.items()):
            begin(part)
            commands.play(script)
            if number == 0:
                _await_broker(root, port)
        commands.play(PAGES if keep else "")
    except BaseException:
        commands.stop()
        raise
    finally:
        _write_commands(root / "commands.txt", commands.typed)
    yield f"What was done, in {time.perf_counter() - started:.0f} s"
    yield from _findings(root, commands.said, held[-1])
    yield f"  the commands      {root / 'commands.txt'}"
    yield f"  the files         {root} (docs/quick-start.md says what is where)"
    if not keep:
        commands.stop()
        return
    for who in ("operator", "auditor"):
        yield f"  pages, as the {who:<9} {commands.said[who]}"
    yield "  A link works once, within 60 s; the last two commands of the file make new ones. Open the second"
    yield "  in a private window. Your browser warns you: the certificate is for this rehearsal alone."
    yield f"  end the broker    kill {' '.join(str(one.pid) for one in commands.services.values())}"


def _lay_out(root: Path, sizes: Sizes) -> int:
    """Make the folders, and the files that a person writes; return a port that is free."""
    marker = root / ".blindlink-demo"
    if root.exists() and any(root.iterdir()):
        if not marker.exists():
            raise DemoError(f"the folder {root} is not empty and no demo made it")
        shutil.rmtree(root)
    make_private_folder(root)
    marker.touch()
    for name in ("people", *PEOPLE):
        make_private_folder(root / name)
    answers = Template(ANSWERS).substitute(
        start=_day(0),
        end=_day(30),
        destroy_by=_day(60),
        most_children=2 * sizes.children,
        most_students=2 * sizes.children + sizes.students + 1,
    )
    write_durably(root / "broker" / "parties.toml", PARTIES.encode())
    write_durably(root / "child-welfare" / "answers.toml", answers.encode())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _let_know(commands: Commands, port: int, sizes: Sizes, seed: int) -> list[int]:
    """Let the script's names be known; returns what gets how many pairs were decided."""
    said, held, welfare = commands.said, [0], commands.root / "child-welfare"

    def heard() -> list[tuple[str, str]]:
        return [_heard(said[person.lower()]) for person in PEOPLE.values()]

    def decided() -> list[str]:
        held.append(decide(welfare / "pairs.csv"))
        return ["pairs.csv"]

    def pins() -> list[str]:
        # Besides these, the proof of a project's newest entry lies there.
        found = sorted((welfare / "workspace" / "pins").glob("c*"))
        return [word for pin in found for word in ("--pin", f"../{pin.relative_to(commands.root)}")]

    fixed = {
        "port": str(port),
        "url": f"https://localhost:{port}",
        "children": str(sizes.children),
        "students": str(sizes.students),
        "seed": str(seed),
        "end": _day(30),
        "counsel": "--counsel-name 'Nobody, a rehearsal' --counsel-title 'General counsel'"
        f" --counsel-date {_day(0)}",
    }
    commands.known |= {name: partial(shlex.split, text) for name, text in fixed.items()}
    commands.known |= {
        "log-key": lambda: [said["log-key"]],
        "identities": lambda: [identity for identity, _ in heard()],
        "fingerprints": lambda: [word for _, told in heard() for word in ("--fingerprint", told)],
        "agreement": lambda: ["".join(said["agreement"].split())],
        "decided": decided,
        "pins": pins,
    }
    return held


def _day(number: int) -> str:
    return (datetime.now(UTC).date() + timedelta(number)).isoformat()


def _heard(shown: str) -> tuple[str, str]:
    """Return id and fingerprint as the person reads them to the operator."""
    identity = re.search(r"per-[0-9a-f]{32}", shown)
    groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
    if identity is None or groups is None:
        raise DemoError("enrolling did not show a fingerprint")
    return identity.group(), " ".join(groups.group().split())


def _await_broker(root: Path, port: int) -> None:
    deadline = time.monotonic() + SERVE_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DemoError("the broker did not start", hint=f"see {root / 'broker' / 'serve.log'}")


def _write_commands(file: Path, typed: list[tuple[Path, str, str]]) -> None:
    """Write the lines that a reader can repeat, with a `cd` wherever the folder changes."""
    text, before = _HEAD, None
    for folder, purpose, line in typed:
        if folder != before:
            text += f"\ncd {shlex.quote(str(folder))}\n"
        text, before = f"{text}# {purpose}\n{line}\n", folder
    write_durably(file, text.encode())


def _findings(root: Path, said: dict[str, str], held: int) -> Iterator[str]:
    n_left = _count_rows(root / "people" / "child_welfare.csv", "cp1252")
    n_right = _count_rows(root / "people" / "k12.csv", "utf-8")
    (run,) = json.loads(said["run"])["runs"]
    counts = run["counts"] or {}
    n_links, expected = counts.get("auto_pairs"), counts.get("expected_false")
    yield f"  rows              {n_left:,} child-welfare, {n_right:,} K-12"
    # How many they are, no agency is told.
    yield f"  pairs compared    those that share a key, of {n_left * n_right:,}"
    wrong = "" if expected is None else f", of which {expected / 100:.1f} are expected to be wrong"
    yield f"  links             {'not shown' if n_links is None else f'{n_links:,}'}{wrong}"
    yield f"  held for review   {held:,}, decided by what their cards show"
    yield f"  links of the run          {_quality(json.loads(said['of-run']))}"
    yield f"  links as released         {_quality(json.loads(said['released']))}"
    verdict = dict(line.strip().partition(" ")[::2] for line in said["verdict.txt"].splitlines())
    yield f"  match log         verified: {verdict['entries'].strip()} entries; pins: {verdict['pins'].strip()}"


def _count_rows(file: Path, encoding: str) -> int:
    with file.open(encoding=encoding, newline="") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def _quality(evaluation: dict[str, Any]) -> str:
    # Someone who stands in a file twice is found by one link, and is two true pairs.
    return (
        f"precision {100 * evaluation['precision']['value']:.2f} %, "
        f"recall {100 * evaluation['people']['value']:.2f} % of people, "
        f"{100 * evaluation['recall']['value']:.2f} % of pairs"
    )
