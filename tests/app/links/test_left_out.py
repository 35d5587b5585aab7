"""An agency leaves, and the others go on without it: what was linked with its records is handed to nobody."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.blind import RESEARCH, make_blind
from rigs.late import amend
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from samples.agreed import without
from samples.round_files import random_people

from schemas.linkage.run import IdSpace, Recipient

HEALTH = "health-department"
TRIO = (CHILD_WELFARE, HEALTH, SCHOOL)
SHARED = (IdSpace(name="shared", lifetime="lasting"),)


def link_all(linkage: Linkage) -> None:
    """Link each pair of the three."""
    people = random_people(linkage.rng, 6)
    linkage.upload_of_all_pairs(people)
    linkage.work()


def refusal(answer: Any) -> tuple[int, str, str | None]:
    assert answer.status_code != 200
    body = answer.json()
    return answer.status_code, str(body["type"]).rsplit(":", 1)[1], body.get("clause")


def releases_of(linkage: Linkage, party: str) -> list[dict[str, Any]]:
    """Return the releases that a party fetches, with the pair that each is of."""
    found = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
    for one in found:
        stated = linkage.get(f"/v1/runs/{one['run']}", party).json()["specification"]["uploads"]
        one["pair"] = {upload["party"] for upload in stated}
    return list(found)


@pytest.mark.parametrize("mode", ["linked", "count", "blind"])
def test_nobody_fetches_what_was_linked_with_the_records_of_a_party_that_was_left_out(
    make_linkage: MakeLinkage, mode: str
) -> None:
    if mode == "blind":
        linkage = make_blind(make_linkage, providers=TRIO).linkage
    else:
        to = TRIO if mode == "linked" else (RESEARCH,)
        receive = tuple(Recipient(party=one, mode=mode, space="shared") for one in to)
        linkage = make_linkage(providers=TRIO, recipients=receive, spaces=SHARED)
    link_all(linkage)
    by = RESEARCH if mode == "count" else CHILD_WELFARE
    before = releases_of(linkage, by)
    amend(linkage, **without(linkage.agreement, HEALTH))
    for release in before:
        answer = linkage.get(f"/v1/releases/{release['release']}/file", by)
        if HEALTH in release["pair"]:
            assert refusal(answer) == (409, "not-a-recipient", "providers")
            assert HEALTH in answer.json()["detail"]
        else:
            assert answer.status_code == 200, answer.text
    assert len(before) == (3 if mode == "count" else 2)
    if mode == "linked":
        kept = {HEALTH in one["pair"]: one["release"] for one in before}
        openings = linkage.get(f"/v1/releases/{kept[True]}/openings", by)
        assert refusal(openings) == (409, "not-a-recipient", "providers")
        assert linkage.get(f"/v1/releases/{kept[False]}/openings", by).status_code == 200


def test_nobody_opens_decisions_about_the_records_of_a_party_that_was_left_out(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_blind(make_linkage, providers=TRIO).linkage
    link_all(linkage)
    runs = {one["run"]: one["pair"] for one in releases_of(linkage, CHILD_WELFARE)}
    amend(linkage, **without(linkage.agreement, HEALTH))
    for run, pair in runs.items():
        answer = linkage.get(f"/v1/runs/{run}/openings", RESEARCH)
        if HEALTH in pair:
            assert refusal(answer) == (409, "not-a-recipient", "providers")
        else:
            assert answer.status_code == 200, answer.text
