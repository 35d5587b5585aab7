"""Agencies whose jobs run in turn, and the links that they write."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from rigs.desk import Desk
from rigs.live import LiveAgency
from rigs.near_broker import NearBroker

from encoding.ledger.book import Ledger
from encoding.project.agreement.project_view import last_seen
from encoding.project.session import Session
from encoding.secret.kept_secret import kept_of


def settle(near: NearBroker) -> None:
    """Let all jobs run in turn, until nothing is due for any of them."""
    for _ in range(5):
        ended = [desk.type("refresh") for desk in near.desks.values()]
        assert {one.exit_code for one in ended} <= {0, 7}, [one.output for one in ended]
        if not any(one.exit_code for one in ended):
            return
    raise AssertionError("the jobs do not end")


def links(desk: Desk) -> dict[str, str]:
    """Return the link ID of each linked record."""
    with (desk.folder / "links.csv").open(encoding="utf-8", newline="") as file:
        return {row["record_id"]: row["link_id"] for row in csv.DictReader(file)}


def opens(desk: Desk | LiveAgency, epoch: int | None = None) -> tuple[set[int], int]:
    """Return the rounds whose secrets a desk keeps, and the number that its epoch's secret has moved on to."""
    session = Session(config_path=desk.folder / "blindlink.toml")
    project, workspace = session.project, session.workspace
    kept = kept_of(workspace, project, epoch or max(workspace.epochs_with_secret(project)))
    assert kept is not None
    return {one.number for one in kept.rounds}, kept.next


@contextmanager
def changed_ledger(desk: Desk) -> Iterator[Ledger]:
    """Give a desk's ledger, and keep what becomes of it, as a workspace of another day would have it."""
    kept = last_seen(Session(config_path=desk.folder / "blindlink.toml")).ledger_file
    ledger = kept.read()
    yield ledger
    kept.write(ledger)
