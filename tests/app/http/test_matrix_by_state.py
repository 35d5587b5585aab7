"""Every route of the OpenAPI document, with every role, at every moment of a signed agreement's life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL
from rigs.route_matrix import NOTHING, STRANGER, World, comparable, routes_of
from rigs.signed import Accord
from rigs.signed_scene import Scene, busy_scene, idle_scene

from app.matching.blocks.rows import read_rows
from schemas.documents.problem import Problem
from schemas.signing.identity import Role

pytestmark = pytest.mark.campaign("routes")

PARTY_OF: dict[Role, str] = {"agency": CHILD_WELFARE, "auditor": AUDITOR, "operator": "operator"}
# What lets something in or out: nothing of it may happen but under an agreement in force.
MOVING = {
    "POST /v1/projects/{project}/shares",
    "GET /v1/shares/{share}",
    "POST /v1/projects/{project}/confirmations",
    "POST /v1/projects/{project}/nonces",
    "POST /v1/projects/{project}/rounds/{round}",
    "POST /v1/projects/{project}/uploads",
    "PUT /v1/uploads/{upload}/parts/{number}",
    "POST /v1/uploads/{upload}/commit",
    "POST /v1/projects/{project}/runs",
    "POST /v1/runs/{run}/approvals",
    "POST /v1/projects/{project}/standing-approvals",
    "GET /v1/releases/{release}/file",
    "GET /v1/releases/{release}/openings",
}


def proposed(accord: Accord) -> Scene:
    accord.propose()
    accord.consent("ann")
    return idle_scene(accord)


def not_started(accord: Accord) -> Scene:
    accord.agree(accord.first(start="2026-09-02"))
    return idle_scene(accord)


def in_force(accord: Accord) -> Scene:
    return busy_scene(accord)


def suspended(accord: Accord) -> Scene:
    scene = busy_scene(accord)
    accord.notice("kim", "suspend")
    return scene


def ended(accord: Accord) -> Scene:
    scene = busy_scene(accord, end="2026-09-01")
    accord.sleep(hours=19)
    return scene


def withdrawn(accord: Accord) -> Scene:
    scene = busy_scene(accord)
    accord.notice("eve", "withdraw")
    return scene


# What the refusals name at each moment; None: the agreement is in force.
MOMENTS: dict[Callable[[Accord], Scene], str | None] = {
    proposed: "signatures",
    not_started: "start",
    in_force: None,
    suspended: "suspension",
    ended: "end",
    withdrawn: "withdrawal",
}


def problem(answer: Any) -> Problem:
    return Problem.from_json(answer.json())


# Some five seconds each; what is in force, and what is not any more, are in every run of the tests.
LONG, LONGEST = (not_started, withdrawn), (proposed, suspended)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(
            one,
            marks=[
                *([pytest.mark.long] if one in LONG else []),
                *([pytest.mark.soak] if one in LONGEST else []),
            ],
        )
        for one in MOMENTS
    ],
    ids=lambda moment: moment.__name__,
)
def test_every_role_at_every_route(accord: Accord, moment: Callable[[Accord], Scene]) -> None:
    accord.founded.enrol(STRANGER)
    scene = moment(accord)
    world = World(accord, list(routes_of(accord)), NOTHING | scene.ids(), scene.holders)
    assert {route.name for route in world.routes} >= MOVING
    check_strangers(world)
    for role in get_args(Role):
        check_role(world, scene, role, MOMENTS[moment])


def check_strangers(world: World) -> None:
    """To who takes no part, all is as if there were nothing."""
    strangers = {role: world.linkage.as_party(STRANGER, role) for role in ("agency", "auditor")}
    kinds = world.linkage.log_kinds()
    for role, stranger in strangers.items():
        for route in world.routes:
            if role not in route.roles or not route.names_an_object:
                continue
            foreign = world.call(route, stranger, world.ids)
            assert foreign.status_code == 404, (route.name, foreign.text)
            none = world.call(route, stranger, NOTHING)
            assert comparable(foreign) == comparable(none), route.name
    assert world.linkage.log_kinds() == kinds


def check_role(world: World, scene: Scene, role: Role, clause: str | None) -> None:
    headers = world.linkage.as_party(PARTY_OF[role])
    for route in world.routes:
        if not route.roles or route.is_page:
            continue
        answer = world.call(route, headers, world.ids)
        where = (route.name, answer.status_code, answer.text[:300])
        assert answer.status_code < 500, where
        if role not in route.roles:
            assert (answer.status_code, problem(answer).code) == (403, "wrong-role"), where
        elif route.name in MOVING:
            check_moving(answer, clause, where)
        if role != "agency":
            check_blind(answer, scene, where)


def check_moving(answer: Any, clause: str | None, where: Any) -> None:
    if clause is None:
        assert answer.status_code < 300 or problem(answer).code != "not-in-force", where
        assert answer.status_code != 404, where
    elif answer.status_code == 404:
        # In a project in which nothing has happened yet.
        assert clause in ("signatures", "start"), where
    else:
        found = problem(answer)
        assert (found.status, found.code, found.clause) == (409, "not-in-force", clause), where


def check_blind(answer: Any, scene: Scene, where: Any) -> None:
    """Nobody but the agencies sees a handle, and nobody an encoding."""
    for made in (scene.made, *scene.sent):
        rows = read_rows(b"".join(made.parts[1:])[16 * made.header.records :])[::10]
        sealed = [row[name].tobytes() for row in rows for name in ("token", "sealed")]
        for secret in (*made.handles, *sealed):
            assert secret not in answer.content, where
            assert secret.hex() not in answer.text, where


def test_to_the_other_agency_what_is_not_its_own_is_as_if_it_were_not(accord: Accord) -> None:
    scene = busy_scene(accord)
    world = World(accord, list(routes_of(accord)), NOTHING | scene.ids(), scene.holders)
    theirs = accord.as_party(SCHOOL)
    for route in world.routes:
        if any(f"{{{name}}}" in route.pattern for name in ("upload", "release", "share")):
            if "agency" not in route.roles:
                continue
            foreign = world.call(route, theirs, world.ids)
            assert foreign.status_code == 404, (route.name, foreign.text)
            none = world.call(route, theirs, NOTHING)
            assert comparable(foreign) == comparable(none), route.name
