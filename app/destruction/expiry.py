"""What falls due by itself: uploads, match records, releases, what agencies send; projects by their day.

That goes by the machine's clock: a clock that was ahead for a moment, and so the log, ends nothing early.
"""

from __future__ import annotations

from functools import partial

from app.agreements.holds import all_projects, held_projects, is_held
from app.agreements.service import lock_rounds
from app.broker import Broker
from app.clock import utc_text
from app.decisions.ending import due_records
from app.deliveries.ending import due_deliveries
from app.destruction import repository
from app.destruction.certification import certify
from app.destruction.service import (
    BY_DATE,
    RETENTION,
    Found,
    Wanted,
    begin,
    end_all,
    projects_to_clear,
)
from app.errors import RefusedError
from app.guarded import do_each
from app.links.ending import due_releases
from app.review.ending import due_reviews
from app.rounds.ending import due_messages
from app.sealed.ending import due_projects
from app.sealed.objects import end_retired
from app.uploads.ending import due_uploads, expire_open, projects_with_overdue


def begin_overdue(broker: Broker) -> int:
    """End what is past its keeping time where nothing holds it, a destruction a project, whichever fail.

    Returns how much.

    Uploads that were never committed end too, and what was replaced, without an entry: the log does not
    know that they were there, or does not say what became of them.
    """
    now = broker.machine_clock()
    with broker.database.read() as session:
        due = due_projects(session, utc_text(now)) | projects_with_overdue(session, utc_text(now))
        held = held_projects(session, now) if due else frozenset()
    return do_each(
        "project",
        ((project, partial(_end_overdue, broker, project)) for project in sorted(due - held)),
    )


def _end_overdue(broker: Broker, project: str) -> int:
    """End what is overdue of one project, as `begin_overdue`."""
    with broker.database.write() as session:
        # Before the holds are looked at: one that is set later comes later in the log, too.
        lock_rounds(session, project)
        moment = broker.machine_clock()
        if is_held(session, project, moment):
            return 0
        now = utc_text(moment)
        expire_open(session, now, project)
        n_retired = end_retired(session, project)
        due = Found(
            uploads=list(due_uploads(session, now, project)),
            releases=list(due_releases(session, now, project)),
            records=list(due_records(session, now, project)),
            messages=list(due_messages(session, now, project)),
            reviews=list(due_reviews(session, now, project)),
            deliveries=list(due_deliveries(session, now, project)),
        )
        if due:
            end_all(session, broker, Wanted(project, "expired", reason=RETENTION), due)
        return n_retired + len(due)


def begin_projects(broker: Broker) -> int:
    """Begin to destroy all of the projects whose day has passed, whichever fail; returns how many."""
    with broker.database.write() as session:
        due = list(projects_to_clear(session, broker, all_projects(session)))
    return do_each(
        "project", ((project, partial(_begin_project, broker, project)) for project in due)
    )


def _begin_project(broker: Broker, project: str) -> bool:
    # A unit of work each: who waits for a second project with the log's end in hand may wait for ever.
    try:
        with broker.database.write() as session:
            begin(session, broker, Wanted(project, "project", reason=BY_DATE))
    except RefusedError:
        # Held since it was found.
        return False
    return True


def finish_begun(broker: Broker) -> int:
    """Certify what was begun and is shredded but, for whatever reason, not certified, whichever fail.

    Returns how many were.
    """
    with broker.database.read() as session:
        begun = repository.uncertified(session)
    return do_each(
        "project",
        ((project, partial(_certify, broker, certificate)) for project, certificate in begun),
    )


def _certify(broker: Broker, certificate: str) -> bool:
    with broker.database.write() as session:
        return certify(session, broker, certificate)
