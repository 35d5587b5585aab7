"""Runs: one comparison of a project's CLKs at one threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from app.errors import RefusedError, UnavailableError
from app.extras.anonlink import repository
from app.extras.anonlink.access import new_code, project_by_result_token, reader_by_token, run_of
from app.extras.anonlink.errors import RUN_FAILED, RUN_REFUSED, RUN_UNFINISHED
from app.extras.anonlink.json_documents import text_of
from app.extras.anonlink.models import Run
from app.extras.anonlink.results import MAIN, permutation_of
from app.sealed.ending import shred
from app.sealed.objects import Pieces, end_objects, open_pieces

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.extras.anonlink.models import Project
    from app.extras.anonlink.service import Service

STAGES: Final = {1: "waiting for CLKs", 2: "compute similarity scores", 3: "compute output"}
_COUNTED: Final = {
    1: "number of parties already contributed",
    2: "number of already computed similarity scores",
}
# More digits say nothing of a similarity, and would make fractions that take long to compare.
_MAX_DIGITS: Final = 20


def create_run(
    service: Service, project: str, token: str, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Queue a comparison, which begins when all parties have uploaded."""
    threshold = _threshold(wanted.get("threshold"))
    name, notes = (text_of(wanted, field, RUN_REFUSED) for field in ("name", "notes"))
    with service.database.write() as session:
        found = project_by_result_token(session, project, token)
        service.blobs.refuse_when_full()
        limits = service.limits
        if (
            repository.count_waiting(session, found.id) >= limits.max_waiting_of_project
            or repository.count_waiting(session) >= limits.max_waiting
        ):
            raise UnavailableError("As many runs wait as may; try again when some are done.")
        is_ready = all(party.clks for party in repository.parties_of(session, found.id))
        run = Run(
            id=new_code(),
            project=found.id,
            number=repository.next_number(session),
            name=name,
            notes=notes,
            threshold=threshold,
            state="queued" if is_ready else "created",
            created=service.now(),
        )
        repository.insert(session, run)
        service.note(session, "run-created", found.id, run.id)
    service.waking.set()
    return _description(run)


def list_runs(session: Session, project: str, token: str) -> list[dict[str, str]]:
    """Return the runs of a project, oldest first."""
    found = project_by_result_token(session, project, token)
    runs = repository.runs_of(session, found.id)
    return [{"run_id": run.id, "time_added": run.created, "state": run.state} for run in runs]


def describe_run(session: Session, project: str, token: str, run: str) -> dict[str, Any]:
    """Return what a run was created with."""
    return _description(run_of(session, project_by_result_token(session, project, token), run))


def run_status(
    service: Service, session: Session, project: str, token: str, run: str
) -> dict[str, Any]:
    """Return how far a run has come."""
    found, _ = reader_by_token(session, project, token)
    row = run_of(session, found, run)
    n_stages = 2 if found.result_type == "similarity_scores" else 3
    stage = _stage(service, row, n_stages)
    current: dict[str, Any] = {"number": stage, "description": STAGES[stage]}
    progress = _progress(service, session, found, row, stage)
    if progress is not None:
        current["progress"] = progress
    status: dict[str, Any] = {
        "state": row.state,
        "time_added": row.created,
        "stages": n_stages,
        "current_stage": current,
    }
    if row.started is not None:
        status["time_started"] = row.started
    if row.state == "completed":
        status["time_completed"] = row.completed
    if row.state == "error":
        status["message"] = row.message
    return status


def open_result(service: Service, project: str, token: str, run: str) -> Pieces:
    """Return the result that this token reads, still sealed."""
    with service.database.write() as session:
        found, party = reader_by_token(session, project, token)
        row = run_of(session, found, run)
        if row.state == "error":
            raise RefusedError(RUN_FAILED, f"The run failed: {row.message}.")
        if row.result is None:
            raise RefusedError(RUN_UNFINISHED, "The run is not complete.")
        kind = MAIN if party is None else permutation_of(party.number)
        number = None if party is None else party.number
        service.blobs.refuse_when_full()
        service.note(session, "result-fetched", found.id, row.id, number)
        return open_pieces(session, service, row.result, kind)


def delete_run(service: Service, project: str, token: str, run: str) -> None:
    """Destroy a run and its result; one that is under way ends. Done when this returns."""
    with service.database.write() as session:
        found = project_by_result_token(session, project, token)
        row = run_of(session, found, run)
        if row.result is not None:
            end_objects(session, row.result)
        repository.remove_run(session, row)
        service.note(session, "run-deleted", found.id, run)
    shred(service)
    service.database.empty_log()


def _threshold(value: Any) -> str:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    exact = Decimal(value) if is_number else Decimal(0)
    if not 0 < exact <= 1:
        raise RefusedError(RUN_REFUSED, 'The "threshold" must be a number above 0 and at most 1.')
    _, _, exponent = exact.as_tuple()
    if not isinstance(exponent, int) or exponent < -_MAX_DIGITS:
        raise RefusedError(
            RUN_REFUSED, f'The "threshold" may have at most {_MAX_DIGITS} decimal places.'
        )
    return f"{exact:f}"


def _description(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "threshold": float(run.threshold),
        "name": run.name,
        "notes": run.notes,
    }


def _stage(service: Service, run: Run, n_stages: int) -> int:
    if run.state in {"created", "queued"}:
        return 1 if run.state == "created" else 2
    progress = service.present.progress if service.present.run == run.id else None
    is_comparing = progress is None or progress.n_done < progress.n_total
    return 2 if run.state == "running" and is_comparing else n_stages


def _progress(
    service: Service, session: Session, project: Project, run: Run, stage: int
) -> dict[str, Any] | None:
    if stage == 1:
        parties = repository.parties_of(session, project.id)
        return _counted(1, sum(one.clks is not None for one in parties), len(parties))
    progress = service.present.progress
    if stage == 2 and run.state == "running" and service.present.run == run.id and progress:
        return _counted(2, progress.n_done, progress.n_total)
    return None


def _counted(stage: int, n_done: int, n_total: int) -> dict[str, Any]:
    return {
        "absolute": n_done,
        "relative": n_done / n_total if n_total else 1.0,
        "description": _COUNTED[stage],
    }
