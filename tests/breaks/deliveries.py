"""Every way to break a rule about deliveries, done by a broker or a person who signs what they did.

Each function takes a log, adds a project that delivers columns, and returns the entry that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

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
Break = Callable[[SampleLog], Entry]


# Receiving.


def delivered_to_the_operator(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(recipient="data-center")


def delivered_before_the_links(log: SampleLog) -> Entry:
    return DeliveringProject(log, is_linked=False).deliver()


def delivered_of_a_round_to_come(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(round=2)


def delivered_out_of_number(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(number=2)


def delivered_without_the_duty(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(ANN)


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


DELIVERY_BREAKS: dict[str, list[Break]] = {
    "delivery-unagreed": [delivered_to_the_operator],
    "delivery-round": [delivered_before_the_links, delivered_of_a_round_to_come],
    "delivery-order": [delivered_out_of_number, fetched_though_it_was_replaced],
    "delivery-by-stranger": [delivered_without_the_duty, fetched_by_the_sender],
    "delivery-digest": [fetched_as_another_file, opened_as_another_file],
    "delivery-unopened": [opened_and_never_fetched, opened_with_a_fault],
    "delivery-unknown": [fetched_and_never_received, destroyed_and_never_received],
    "delivery-destroyed": [fetched_after_its_end, destroyed_twice],
    "fetch-late": [fetched_after_its_last_day],
    "delivery-reason": [destroyed_as_replaced_by_nothing, expired_though_it_was_fetched],
    "destruction-overdue": [kept_too_long, kept_after_it_was_replaced],
}
