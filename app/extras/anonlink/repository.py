"""All queries of the service. Every one but the worker's starts from a project."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.extras.anonlink.models import Note, Party, Project, Run, Tables


def insert(session: Session, *rows: Tables) -> None:
    """Insert rows, in this order."""
    for row in rows:
        session.add(row)
        session.flush()


def find_project(session: Session, project: str) -> Project | None:
    """Return a project, or None."""
    return session.get(Project, project)


def list_projects(session: Session) -> Sequence[Row[str, str]]:
    """Return `id` and `created` of all projects, oldest first; no words of a client, which may be many."""
    columns = Project.id, Project.created
    return session.execute(select(*columns).order_by(Project.created, Project.id)).all()


def count_projects(session: Session) -> int:
    """Return how many projects there are."""
    return session.scalar(select(func.count()).select_from(Project)) or 0


def projects_before(session: Session, moment: str) -> Sequence[str]:
    """Return the ids of projects that were created before a moment."""
    return session.scalars(select(Project.id).where(Project.created < moment)).all()


def parties_of(session: Session, project: str) -> Sequence[Party]:
    """Return the parties of a project, in their order."""
    return session.scalars(
        select(Party).where(Party.project == project).order_by(Party.number)
    ).all()


def runs_of(session: Session, project: str) -> Sequence[Row[str, str, str]]:
    """Return `id`, `created` and `state` of the runs of a project, oldest first."""
    columns = Run.id, Run.created, Run.state
    return session.execute(
        select(*columns).where(Run.project == project).order_by(Run.number)
    ).all()


def find_run(session: Session, project: str, run: str) -> Run | None:
    """Return a run of a project, or None."""
    return session.scalar(select(Run).where(Run.project == project, Run.id == run))


def count_waiting(session: Session, project: str | None = None) -> int:
    """Return how many runs wait to begin, of one project or of all."""
    is_waiting = Run.state.in_(("created", "queued"))
    asked = is_waiting if project is None else and_(is_waiting, Run.project == project)
    return session.scalar(select(func.count()).select_from(Run).where(asked)) or 0


def next_number(session: Session) -> int:
    """Return the number of the next run."""
    return (session.scalar(select(func.max(Run.number))) or 0) + 1


def queue_runs(session: Session, project: str) -> None:
    """Let the runs begin that waited for CLKs."""
    session.execute(
        update(Run).where(Run.project == project, Run.state == "created").values(state="queued")
    )


def running(session: Session) -> Sequence[Run]:
    """Return the runs that are under way, or were when the process ended."""
    return session.scalars(select(Run).where(Run.state == "running")).all()


def next_run(session: Session) -> Run | None:
    """Return the run that is to be done next, of any project; None: there is none."""
    return session.scalar(select(Run).where(Run.state == "queued").order_by(Run.number).limit(1))


def remove_run(session: Session, run: Run) -> None:
    """Remove the row of a run."""
    session.delete(run)


def remove_project(session: Session, project: str) -> list[str]:
    """Remove the rows of a project and all that is its, and return the sealed objects that they named."""
    clks = session.scalars(select(Party.clks).where(Party.project == project)).all()
    results = session.scalars(select(Run.result).where(Run.project == project)).all()
    for table in (Run, Party):
        session.execute(delete(table).where(table.project == project))
    session.execute(delete(Project).where(Project.id == project))
    return [name for name in (*clks, *results) if name is not None]


def is_named(session: Session, object_id: str) -> bool:
    """Tell whether CLKs or a result are in this sealed object."""
    clks = select(Party.number).where(Party.clks == object_id)
    result = select(Run.number).where(Run.result == object_id)
    return bool(session.scalar(select(or_(clks.exists(), result.exists()))))


def notes(session: Session) -> list[dict[str, str | int | None]]:
    """Return all notes, oldest first, by column."""
    columns = Note.time, Note.what, Note.project, Note.run, Note.party, Note.n
    rows = session.execute(select(*columns).order_by(Note.number))
    return [dict(row) for row in rows.mappings()]
