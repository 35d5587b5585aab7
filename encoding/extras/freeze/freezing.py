"""Freezes links and columns for a study, and tells what was frozen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.destruction.freezes import Freeze, find_frozen_at, keep_freeze, read_freezes
from encoding.errors import NotReadyError, OutputExistsError
from encoding.extras.linked_people.people import census
from encoding.extras.linked_people.sources import Wanted, binding_agreement, sources_of
from encoding.files import refuse_to_overwrite, write_csv
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.sharing.columns import LINK_ID

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be frozen: for which study and why, which columns, until which day, and where to."""

    study: str
    why: str
    columns: tuple[str, ...]
    until: str
    output: Path
    force: bool
    wanted: Wanted


def freeze_links(session: Session, order: Order) -> Freeze:
    """Write link IDs and columns of all linked people, and keep what was frozen."""
    kept = binding_agreement(session)
    _refuse_day(session, kept, order)
    with session.workspace.lock():
        _refuse_frozen(session, order)
    refuse_to_overwrite(order.output, own_start=b"", force=order.force)
    with sources_of(session, kept, order.wanted, "shared") as (sources, number):
        rows = census(sources, order.columns)
    note_file(session, "link-table", order.output)
    with session.workspace.lock():
        # Again: another command may have frozen something meanwhile.
        _refuse_frozen(session, order)
        write_csv(order.output, (LINK_ID, *order.columns), rows)
        frozen = Freeze(
            project=session.project,
            study=order.study,
            why=order.why,
            path=str(order.output.absolute()),
            sha256=hashlib.sha256(order.output.read_bytes()).hexdigest(),
            rows=len(rows),
            columns=order.columns,
            round=number,
            day=_today(session),
            agreement=kept.digest,
            purpose=kept.agreement.purpose.code,
            until=order.until,
        )
        keep_freeze(session.workspace, frozen)
    return frozen


def line_of(session: Session, one: Freeze) -> str:
    """Return what is said of a frozen file."""
    of = "" if one.round is None else f" of round {one.round}"
    end = f"to be kept until {one.until}"
    if one.destroyed is not None:
        end = f"destroyed on {one.destroyed}"
    elif one.is_overdue(_today(session)):
        end = f"TO BE DESTROYED: its time ended on {one.until}"
    return f"{one.study}: {one.rows:,} rows{of}, as of {one.day}, {end}; {one.path}; SHA-256 {one.sha256}"


def _refuse_day(session: Session, kept: KeptAgreement, order: Order) -> None:
    """Refuse a day until which the agreement lets no file be kept."""
    destroy_by = kept.agreement.retention.destroy_by
    if not _today(session) <= order.until <= destroy_by:
        raise click.BadParameter(
            f"give a day from today to {destroy_by}, by which the agreement wants everything destroyed",
            param_hint="--until",
        )


def _refuse_frozen(session: Session, order: Order) -> None:
    """Refuse a study that has a frozen file, and the place of one; call it under the workspace's lock."""
    known = read_freezes(session.workspace, session.project)
    if any(one.study == order.study for one in known):
        raise NotReadyError(
            f"there is a frozen file for {order.study} already, and it stays as it is",
            hint="give the new one a different name, such as one with the year",
        )
    there = find_frozen_at(session.workspace, order.output)
    if there is not None:
        raise OutputExistsError(
            f"what was frozen for {there.study} is at {there.path}, and has not been destroyed",
            hint="choose a different name for the file",
        )


def _today(session: Session) -> str:
    return session.now().date().isoformat()
