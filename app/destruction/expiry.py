"""What falls due by itself: uploads, match records, releases, what agencies send; projects by their day."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from app.agreements.holds import all_projects, held_projects
from app.clock import utc_text
from app.decisions.ending import due_records
from app.deliveries.ending import due_deliveries
from app.destruction import repository
from app.destruction.certification import finish
from app.destruction.service import (
    BY_DATE,
    RETENTION,
    Found,
    Wanted,
    begin,
    end_all,
    projects_to_clear,
)
from app.links.ending import due_releases
from app.review.ending import due_reviews
from app.rounds.ending import due_messages
from app.uploads.ending import due_uploads, expire_open

if TYPE_CHECKING:
    from app.broker import Broker


def begin_overdue(broker: Broker) -> int:
    """End what is past its keeping time where nothing holds it, a destruction a project; returns how much.

    Uploads that were never committed end too, without an entry: the log does not know them.
    """
    now = utc_text(broker.clock())
    with broker.database.write() as session:
        held = held_projects(session, broker.clock())
        n_ended = expire_open(session, now)
        found: dict[str, Found] = defaultdict(Found)
        for release in due_releases(session, now, held):
            found[release.project].releases.append(release)
        for record in due_records(session, now, held):
            found[record.project].records.append(record)
        for upload in due_uploads(session, now, held):
            found[upload.project].uploads.append(upload)
        for message in due_messages(session, now, held):
            found[message.project].messages.append(message)
        for review in due_reviews(session, now, held):
            found[review.project].reviews.append(review)
        for delivery in due_deliveries(session, now, held):
            found[delivery.project].deliveries.append(delivery)
        for project, due in sorted(found.items()):
            end_all(session, broker, Wanted(project, "expired", reason=RETENTION), due)
            n_ended += len(due)
    return n_ended


def begin_projects(broker: Broker) -> int:
    """Begin to destroy all of the projects whose day has passed; returns how many."""
    with broker.database.write() as session:
        due = list(projects_to_clear(session, broker, all_projects(session)))
        for project in due:
            begin(session, broker, Wanted(project, "project", reason=BY_DATE))
    return len(due)


def finish_begun(broker: Broker) -> int:
    """Finish and certify what was begun and, for whatever reason, is not certified; returns how many were."""
    with broker.database.read() as session:
        begun = repository.uncertified(session)
    return sum(finish(broker, certificate) for certificate in begun)
