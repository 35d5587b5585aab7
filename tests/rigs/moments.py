"""Moments from which several tests go on: reached once in a session, and copied for each test after that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from rigs.desk import Desk
from rigs.near_broker import NearBroker

from app.security.actor import Actor
from encoding.people.identity import Identity

# Desks' files that name the folder which they lie in: settings, and what was written where.
NAMING_FOLDERS = {"blindlink.toml", "written.json"}
Reached = TypeVar("Reached")


@dataclass(frozen=True)
class Moment:
    """A broker with desks, as it was: `files` is a copy of the folder `root` that all of them lie in."""

    files: Path
    root: Path
    desks: dict[str, dict[str, Any]]
    people: dict[str, Identity]
    operator: Actor
    now: datetime
    logged: str
    requests: list[tuple[str, str]]
    seen: list[bytes]
    result: Any


class Moments:
    """What has been reached in this session, each copy in a folder below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[object, Moment] = {}
        self._n_kept = 0

    def reach(
        self, near: NearBroker, name: str, steps: Callable[[], Reached], *given: object
    ) -> Reached:
        """Do the steps, or take over what they led to when first done; return what they returned.

        That they do the same is for the caller to say: `given` is all that they depend on, but which files are
        there and what the broker was asked. What they return names no folder.
        """
        root = near.folder.parent
        key = (name, given, _files(root), tuple(near.courier.requests))
        if key in self.kept:
            self.go_to(near, self.kept[key])
        else:
            result = steps()
            self.kept[key] = self.keep(near, result)
        kept: Reached = self.kept[key].result
        return kept

    def keep(self, near: NearBroker, result: Any = None) -> Moment:
        """Keep what there is now, and go on."""
        root, files = near.folder.parent, self.folder / str(self._n_kept)
        self._n_kept += 1
        near.broker.close()
        shutil.copytree(root, files)
        near.open()
        said = {path.name for path in _with_text(files, str(root))}
        assert said <= NAMING_FOLDERS, said - NAMING_FOLDERS
        return Moment(
            files=files,
            root=root,
            desks={party: _shallow(desk) for party, desk in near.desks.items()},
            people=dict(near.people),
            operator=near.operator,
            now=near.now,
            logged=near.logs.getvalue(),
            requests=list(near.courier.requests),
            seen=list(near.courier.seen),
            result=result,
        )

    def go_to(self, near: NearBroker, moment: Moment) -> None:
        """Make everything as it was at a moment."""
        root = near.folder.parent
        near.broker.close()
        for path in root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(moment.files, root, dirs_exist_ok=True)
        for path in _with_text(root, str(moment.root)):
            path.write_text(path.read_text("utf-8").replace(str(moment.root), str(root)), "utf-8")
        near.now, near.people = moment.now, dict(moment.people)
        for name, kept in moment.desks.items():
            folder = root / kept["folder"].relative_to(moment.root)
            desk = near.desks.setdefault(name, Desk(folder, near, kept["party"]))
            desk.folder, desk.now, desk.own, desk.slept = (
                folder,
                kept["now"],
                kept["own"],
                [*kept["slept"]],
            )
        near.logs.seek(0)
        near.logs.truncate()
        near.logs.write(moment.logged)
        near.courier.requests[:] = moment.requests
        near.courier.seen[:] = moment.seen
        near.open()
        near.operator = replace(moment.operator, clock=near.broker.clock)


def _shallow(desk: Desk) -> dict[str, Any]:
    return {one.name: getattr(desk, one.name) for one in fields(desk) if one.name != "near"}


def _files(root: Path) -> frozenset[str]:
    """Return which files there are but the broker's, whose names are made up."""
    found = (path for path in root.iterdir() if path.name != "broker")
    below = [path for one in found for path in (one.rglob("*") if one.is_dir() else (one,))]
    return frozenset(path.relative_to(root).as_posix() for path in below)


def _with_text(root: Path, text: str) -> list[Path]:
    found = (path for path in root.rglob("*") if path.is_file())
    return [path for path in found if text.encode() in path.read_bytes()]
