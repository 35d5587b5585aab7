"""Every way to break a rule about deliveries, done by a broker or a person who signs what they did.

Each function takes a log, adds a project that delivers columns, and returns the entry that breaks a rule.
"""

from __future__ import annotations

from datetime import timedelta

from breaks.rules import Break, ways
from samples.delivered_log import CARRY, DeliveringProject
from samples.log import SampleLog
from samples.parties import ANN, CW

from schemas.matchlog import person_kinds
from schemas.matchlog.entry import Entry

WEEK = {
    "keep_encodings_days": 30,
    "keep_links_days": 7,
    "destroy_by": "2028-08-31",
    "legal_hold": None,
}


# Receiving.


# Fetching and opening.


def fetched_by_the_sender(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(), CW)


def fetched_as_another_file(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(), sha256="0" * 64)


def opened_as_another_file(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, sha256="0" * 64)


def fetched_though_it_was_replaced(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    project.deliver(number=2)
    return project.fetch_delivery(first)


def opened_and_never_fetched(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.open_delivery(project.deliver())


def opened_with_a_fault(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, fault="unreadable", outcome="done")


# What never came, and what is gone.


def fetched_and_never_received(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    return project.fetch_delivery(received.model_copy(update={"object": log.id("dlv")}))


def destroyed_and_never_received(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    return project.end_delivery(received.model_copy(update={"object": log.id("dlv")}))


def fetched_after_its_end(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.end_delivery(received)
    return project.fetch_delivery(received)


def destroyed_twice(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.end_delivery(received)
    return project.end_delivery(received)


def destroyed_as_replaced_by_nothing(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.end_delivery(project.deliver(), "replaced")


def expired_though_it_was_fetched(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.end_delivery(received, "expired")


def kept_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.destroy_all()
    log.clear("foster")
    days = log.terms[CARRY].keep_links_days
    log.moment += timedelta(days=days + 2) - early
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )
    return received


def kept_after_it_was_replaced(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    second = project.deliver(number=2)
    project.end_delivery(second)
    log.moment += timedelta(days=2) - early
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )
    return first


def _fetched(log: SampleLog) -> tuple[DeliveringProject, Entry]:
    project = DeliveringProject(log)
    received = project.deliver()
    project.fetch_delivery(received)
    return project, received


def fetched_after_its_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log, retention=WEEK)
    received = project.deliver()
    log.moment += timedelta(days=9) - early
    fetched = project.fetch_delivery(received)
    project.destroy_all()
    project.end_delivery(received)
    return fetched


DELIVERY_BREAKS: dict[str, dict[str, Break]] = {
    "delivery-unagreed": ways(
        delivered_to_the_operator=lambda log: DeliveringProject(log).deliver(
            recipient="data-center"
        )
    ),
    "delivery-round": ways(
        delivered_before_the_links=lambda log: DeliveringProject(log, is_linked=False).deliver(),
        delivered_of_a_round_to_come=lambda log: DeliveringProject(log).deliver(round=2),
    ),
    "delivery-order": ways(
        fetched_though_it_was_replaced,
        delivered_out_of_number=lambda log: DeliveringProject(log).deliver(number=2),
    ),
    "delivery-by-stranger": ways(
        fetched_by_the_sender,
        delivered_without_the_duty=lambda log: DeliveringProject(log).deliver(ANN),
    ),
    "delivery-digest": ways(fetched_as_another_file, opened_as_another_file),
    "delivery-unopened": ways(opened_and_never_fetched, opened_with_a_fault),
    "delivery-unknown": ways(fetched_and_never_received, destroyed_and_never_received),
    "delivery-destroyed": ways(fetched_after_its_end, destroyed_twice),
    "fetch-late": ways(fetched_after_its_last_day),
    "delivery-reason": ways(destroyed_as_replaced_by_nothing, expired_though_it_was_fetched),
    "destruction-overdue": ways(kept_too_long, kept_after_it_was_replaced),
}
