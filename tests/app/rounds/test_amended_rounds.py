"""Rounds in which an amendment comes to bind: each pair owes what it did as the round opened, or nothing more.

After each test the auditor's verifier must find nothing wrong with the log.
"""

from __future__ import annotations

from typing import Any

import pytest
from rigs.agreed import approve_runs
from rigs.late import amend
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, MakeLinkage
from rigs.refused_calls import code_of, refused
from samples.round_files import random_people

from app.worker.sweeper import Sweeper
from schemas.linkage.run import IdSpace, Recipient

HEALTH = "health-department"
TRIO = (CHILD_WELFARE, HEALTH, SCHOOL)


def move(linkage: Linkage, *apart: str) -> None:
    """Let all agree that these receive in link-ID sets of their own, others in `shared`; approve runs anew."""
    recipients = [
        {**one, "space": one["party"] if one["party"] in apart else "shared"}
        for one in linkage.agreement.to_json()["recipients"]
    ]
    names = sorted({one["space"] for one in recipients})
    amend(
        linkage,
        recipients=recipients,
        spaces=[{"name": name, "lifetime": "lasting"} for name in names],
    )
    agencies = [linkage.person(party).identity for party in linkage.terms.providers]
    approve_runs(linkage.broker, linkage.agreement, agencies)


def end_at_the_deadline(linkage: Linkage) -> None:
    linkage.founded.clock.move(days=linkage.terms.round_days, minutes=1)
    Sweeper(linkage.broker).sweep()


def apart(make_linkage: MakeLinkage, *parties: str, **changes: Any) -> Linkage:
    """Return a linkage whose recipients have a link-ID set each."""
    return make_linkage(
        recipients=tuple(Recipient(party=one, mode="linked", space=one) for one in parties),
        spaces=tuple(IdSpace(name=one, lifetime="lasting") for one in parties),
        **changes,
    )


def test_claims_of_a_space_that_was_given_up_are_neither_taken_nor_handed_out(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    linkage.work()
    assert linkage.put_claims(SCHOOL, CHILD_WELFARE).status_code == 200
    move(linkage, CHILD_WELFARE, SCHOOL)
    for answer in (
        linkage.put_claims(CHILD_WELFARE, SCHOOL),
        linkage.get_claims(CHILD_WELFARE, SCHOOL),
    ):
        assert refused(answer) == (409, "claims-not-agreed")
    end_at_the_deadline(linkage)
    assert linkage.round()["state"] == "closed"


def test_claims_are_not_handed_to_who_receives_nothing_any_more(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    linkage.put_claims(SCHOOL, CHILD_WELFARE)
    raw = linkage.agreement.to_json()
    amend(
        linkage,
        recipients=[
            {**one, "mode": "none"} if one["party"] == CHILD_WELFARE else one
            for one in raw["recipients"]
        ],
        directions=[
            one
            for one in raw["directions"]
            if (one["giver"], one["receiver"]) != (SCHOOL, CHILD_WELFARE)
        ],
    )
    answer = linkage.get_claims(CHILD_WELFARE, SCHOOL)
    assert refused(answer) == (409, "claims-not-agreed")
    answer = linkage.put_claims(CHILD_WELFARE, SCHOOL)
    assert refused(answer) == (409, "claims-not-agreed")
    # What was taken before is still what was sent: the same again is answered as it was.
    assert linkage.put_claims(SCHOOL, CHILD_WELFARE).status_code == 200
    end_at_the_deadline(linkage)
    assert linkage.round()["state"] == "closed"


def test_a_pair_that_comes_to_share_a_space_owes_claims_from_the_next_round_on(
    make_linkage: MakeLinkage,
) -> None:
    linkage = apart(make_linkage, CHILD_WELFARE, SCHOOL)
    linkage.offer_all()
    linkage.open_round()
    move(linkage)
    linkage.upload_both()
    linkage.work()
    assert linkage.round()["state"] == "closed"
    linkage.upload_both()
    linkage.work()
    assert linkage.round()["state"] == "open"
    linkage.exchange_claims()
    assert linkage.round()["state"] == "closed"


@pytest.mark.parametrize("is_shared_at_first", [True, False])
def test_pairs_of_one_round_owe_alike_though_the_spaces_change_between_their_runs(
    make_linkage: MakeLinkage, is_shared_at_first: bool
) -> None:
    linkage = (
        make_linkage(
            providers=TRIO,
            recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in TRIO),
        )
        if is_shared_at_first
        else apart(make_linkage, *TRIO, providers=TRIO)
    )
    people = random_people(linkage.rng, 6)
    linkage.open_round()
    first, *others = linkage.terms.pairs
    _link(linkage, people, first)
    move(linkage, *(TRIO if is_shared_at_first else ()))
    for pair in others:
        _link(linkage, people, pair)
    if is_shared_at_first:
        assert linkage.round()["state"] == "open"
        assert code_of(linkage.put_claims(*first)) == "claims-not-agreed"
        end_at_the_deadline(linkage)
    assert linkage.round()["state"] == "closed"


def _link(linkage: Linkage, people: Any, pair: tuple[str, str]) -> None:
    larger, smaller = pair
    linkage.upload(people, smaller, larger)
    linkage.upload(people, larger, smaller)
    linkage.work()


def test_statements_of_a_space_are_those_of_parties_who_still_share_it(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(
        providers=TRIO,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in TRIO),
    )
    people = random_people(linkage.rng, 6)
    linkage.open_round()
    for pair in linkage.terms.pairs:
        _link(linkage, people, pair)
    linkage.exchange_claims()
    assert linkage.put_statement(HEALTH).status_code == 200
    move(linkage, HEALTH)
    assert linkage.put_statement(SCHOOL).status_code == 200
    assert code_of(linkage.put_statement(HEALTH, b"anew")) == "claims-not-agreed"
    assert linkage.get_statement(CHILD_WELFARE, SCHOOL).status_code == 200
    for reader, sender in ((HEALTH, SCHOOL), (SCHOOL, HEALTH)):
        assert code_of(linkage.get_statement(reader, sender)) == "claims-not-agreed"
    end_at_the_deadline(linkage)
    assert linkage.round()["state"] == "closed"


def test_a_round_is_corrected_though_the_other_agency_has_the_larger_file_by_now(
    linkage: Linkage,
) -> None:
    linkage.offer_all()
    linkage.open_round()
    before, limits = linkage.pair, linkage.agreement.to_json()["limits"]
    sizes = [one["most"] for one in limits["files"]]
    files = [one | {"most": most} for one, most in zip(limits["files"], sizes[::-1], strict=True)]
    amend(linkage, limits=limits | {"files": files})
    assert linkage.pair == before[::-1]
    answer = linkage.correct(1)
    assert answer.status_code == 201, answer.text
    (pair,) = answer.json()["pairs"]
    assert (pair["larger"], pair["smaller"]) == linkage.pair
    agencies = [linkage.person(party).identity for party in linkage.terms.providers]
    approve_runs(linkage.broker, linkage.agreement, agencies)
    linkage.upload_both()
    linkage.work()
    assert (linkage.round()["round"], linkage.run()["state"]) == (2, "succeeded")
