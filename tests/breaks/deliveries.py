"""Every way to break a rule about deliveries, done by a broker or a person who signs what they did.

Each function takes a log, adds a project that delivers columns, and returns the entry that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from breaks.destruction import begin, certify
from samples.delivered_log import CARRY, SHARED, DeliveringProject, StudyProject
from samples.log import SampleLog
from samples.parties import ANN, BROKER, CW, HEALTH, K12, OPERATOR

from schemas.matchlog import kinds
from schemas.matchlog.entry import Actor, Entry

WEEK = {
    "keep_encodings_days": 30,
    "keep_links_days": 7,
    "destroy_by": "2028-08-31",
    "legal_hold": None,
}
Break = Callable[[SampleLog], Entry]


# Receiving.


def delivered_without_an_element(log: SampleLog) -> Entry:
    elements = [{"party": "school-district", "name": "Grade", "use": "shared"}]
    return DeliveringProject(log, elements=elements).deliver()


def delivered_what_is_only_encoded(log: SampleLog) -> Entry:
    elements = [{"party": "county-cw", "name": "Placement", "use": "encoded"}]
    return DeliveringProject(log, elements=elements).deliver()


def delivered_what_is_only_counted(log: SampleLog) -> Entry:
    elements = [{"party": "county-cw", "name": "Placement", "use": "counted"}]
    return DeliveringProject(log, elements=elements).deliver()


def delivered_to_the_operator(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(recipient="data-center")


def delivered_to_a_stranger(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(recipient="health-office")


def delivered_to_oneself(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(recipient="county-cw")


def delivered_by_a_blind_recipient(log: SampleLog) -> Entry:
    return StudyProject(log).deliver(HEALTH, recipient="county-cw")


def delivered_to_a_partner_under_blind(log: SampleLog) -> Entry:
    return StudyProject(log).deliver(recipient="school-district")


def delivered_blind_by_the_only_one_who_may(log: SampleLog) -> Entry:
    return StudyProject(log, elements=SHARED[:1]).deliver()


def delivered_to_who_gets_a_count(log: SampleLog) -> Entry:
    return StudyProject(log, "count").deliver()


def delivered_blind_of_an_older_round(log: SampleLog) -> Entry:
    project = StudyProject(log)
    log.moment += timedelta(days=7)
    project.close_linked()
    return project.deliver(round=1)


def delivered_before_the_links(log: SampleLog) -> Entry:
    return DeliveringProject(log, is_linked=False).deliver()


def delivered_of_a_round_that_is_open(log: SampleLog) -> Entry:
    project = DeliveringProject(log, is_linked=False)
    asked = project.ask()
    project.approve(ANN, asked)
    project.finish(asked)
    return project.deliver()


def delivered_of_an_older_round(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    log.moment += timedelta(days=7)
    project.close_linked()
    return project.deliver(round=1)


def delivered_of_a_round_to_come(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(round=2)


def delivered_out_of_number(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(number=2)


def delivered_by_one_number_twice(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    project.deliver()
    return project.deliver()


def delivered_under_one_id_twice(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    return project.deliver(K12, object=first.object)


def numbered_on_over_rounds(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    project.deliver()
    log.moment += timedelta(days=7)
    project.close_linked()
    return project.deliver(number=2)


def delivered_without_the_duty(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(ANN)


def delivered_after_access_ended(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    _revoke(log, CW)
    return project.deliver()


def delivered_by_the_broker(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(CW.model_copy(update={"person": None}))


def delivered_in_another_persons_party(log: SampleLog) -> Entry:
    return DeliveringProject(log).deliver(CW.model_copy(update={"person": K12.person}))


# Fetching and opening.


def fetched_by_the_sender(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(), CW)


def fetched_by_the_other_sender(log: SampleLog) -> Entry:
    project = StudyProject(log)
    return project.fetch_delivery(project.deliver(), K12)


def fetched_for_another_party(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(), recipient="county-cw")


def fetched_without_the_duty(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(K12), ANN)


def fetched_after_access_ended(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    _revoke(log, K12)
    return project.fetch_delivery(received)


def opened_by_the_sender(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, CW)


def fetched_as_another_file(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.fetch_delivery(project.deliver(), sha256="0" * 64)


def opened_as_another_file(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, sha256="0" * 64)


def destroyed_as_another_file(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.end_delivery(project.deliver(), sha256="0" * 64)


def fetched_though_it_was_replaced(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    project.deliver(number=2)
    return project.fetch_delivery(first)


def fetched_of_the_round_before(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    log.moment += timedelta(days=7)
    project.close_linked()
    project.deliver()
    return project.fetch_delivery(first)


def opened_and_never_fetched(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    return project.open_delivery(project.deliver())


def opened_twice(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    project.open_delivery(received)
    return project.open_delivery(received)


def faulty_after_it_was_opened(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    project.open_delivery(received)
    return project.open_delivery(received, fault="not-agreed")


def opened_with_a_fault(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, fault="unreadable", outcome="done")


def failed_without_a_fault(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.open_delivery(received, outcome="failed")


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


def destroyed_as_if_it_were_the_newest(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    project.deliver(number=2)
    return project.end_delivery(first, "retention")


def expired_though_it_was_fetched(log: SampleLog) -> Entry:
    project, received = _fetched(log)
    return project.end_delivery(received, "expired")


def destroyed_under_a_hold(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    body = kinds.LegalHoldSet(order="Order 26-114", signed_sha256=None)
    log.append(body, project=CARRY, object=log.id("hld"), actor=OPERATOR)
    return project.end_delivery(received)


def kept_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.destroy_all()
    log.clear("foster")
    days = log.terms[CARRY].keep_links_days
    log.moment += timedelta(days=days + 2) - early
    log.append(
        kinds.RoleChanged(party="county-cw", person=CW.person, role="agency", change="granted")
    )
    return received


def kept_after_it_was_replaced(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log)
    first = project.deliver()
    second = project.deliver(number=2)
    project.end_delivery(second)
    log.moment += timedelta(days=2) - early
    log.append(
        kinds.RoleChanged(party="county-cw", person=CW.person, role="agency", change="granted")
    )
    return first


def certified_though_one_is_left(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    project.deliver()
    return _certified(log, project, "project", None)


def certified_though_one_of_the_party_is_left(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    project.deliver()
    return _certified(log, project, "party", "school-district")


def certified_though_one_to_the_party_is_left(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    project.deliver()
    return _certified(log, project, "party", "county-cw")


def _certified(log: SampleLog, project: DeliveringProject, scope: str, party: str | None) -> Entry:
    begin(log, scope, party=party, project=CARRY, actor=BROKER)
    project.destroy_all()
    return certify(log, project=CARRY)


def _fetched(log: SampleLog) -> tuple[DeliveringProject, Entry]:
    project = DeliveringProject(log)
    received = project.deliver()
    project.fetch_delivery(received)
    return project, received


def _revoke(log: SampleLog, who: Actor) -> None:
    body = kinds.RoleChanged(party=who.party, person=who.person, role="agency", change="revoked")
    log.append(body, actor=OPERATOR)


def fetched_after_its_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = DeliveringProject(log, retention=WEEK)
    received = project.deliver()
    log.moment += timedelta(days=9) - early
    fetched = project.fetch_delivery(received)
    project.destroy_all()
    project.end_delivery(received)
    return fetched


DELIVERY_BREAKS: dict[str, list[Break]] = {
    "delivery-unagreed": [
        delivered_without_an_element,
        delivered_what_is_only_encoded,
        delivered_what_is_only_counted,
        delivered_to_the_operator,
        delivered_to_a_stranger,
        delivered_to_oneself,
        delivered_by_a_blind_recipient,
        delivered_to_a_partner_under_blind,
        delivered_blind_by_the_only_one_who_may,
        delivered_to_who_gets_a_count,
    ],
    "delivery-round": [
        delivered_before_the_links,
        delivered_of_a_round_that_is_open,
        delivered_of_an_older_round,
        delivered_blind_of_an_older_round,
        delivered_of_a_round_to_come,
    ],
    "delivery-order": [
        delivered_out_of_number,
        delivered_by_one_number_twice,
        delivered_under_one_id_twice,
        numbered_on_over_rounds,
        fetched_though_it_was_replaced,
        fetched_of_the_round_before,
    ],
    "delivery-by-stranger": [
        delivered_without_the_duty,
        delivered_after_access_ended,
        delivered_by_the_broker,
        delivered_in_another_persons_party,
        fetched_by_the_sender,
        fetched_by_the_other_sender,
        fetched_for_another_party,
        fetched_without_the_duty,
        fetched_after_access_ended,
        opened_by_the_sender,
    ],
    "delivery-digest": [
        fetched_as_another_file,
        opened_as_another_file,
        destroyed_as_another_file,
    ],
    "delivery-unopened": [
        opened_and_never_fetched,
        opened_twice,
        faulty_after_it_was_opened,
        opened_with_a_fault,
        failed_without_a_fault,
    ],
    "delivery-unknown": [fetched_and_never_received, destroyed_and_never_received],
    "delivery-destroyed": [fetched_after_its_end, destroyed_twice],
    "fetch-late": [fetched_after_its_last_day],
    "delivery-reason": [
        destroyed_as_replaced_by_nothing,
        destroyed_as_if_it_were_the_newest,
        expired_though_it_was_fetched,
    ],
    "hold-broken": [destroyed_under_a_hold],
    "destruction-overdue": [kept_too_long, kept_after_it_was_replaced],
    "destruction-unfinished": [
        certified_though_one_is_left,
        certified_though_one_of_the_party_is_left,
        certified_though_one_to_the_party_is_left,
    ],
}
