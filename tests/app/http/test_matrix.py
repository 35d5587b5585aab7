"""Every route of the OpenAPI document, with every role, on one's own objects and on those of others."""

from __future__ import annotations

import base64
import time
from statistics import quantiles
from typing import Any, get_args

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.agreed_copies import reach
from rigs.destroying import destroyed_upload
from rigs.enrolled import EnrolledPerson, revoke, stated
from rigs.holders import Holders
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.persons import DUTIES
from rigs.reviewing import Reviewing
from rigs.route_matrix import NOTHING, STRANGER, World, comparable, routes_of
from rigs.slowly import send_slowly
from sqlalchemy import Engine, event

from app.matching.blocks.rows import read_rows
from app.security.policy import PAGE_RULES, POLICY
from app.security.tokens import new_token
from encoding.secret.agreement import Contribution
from schemas.documents.problem import Problem
from schemas.signing.identity import Role
from schemas.signing.signed_request import HEADER

pytestmark = pytest.mark.campaign("routes")

PARTY_OF: dict[Role, str] = {"agency": CHILD_WELFARE, "auditor": AUDITOR, "operator": "operator"}
STRANGER_ROLES: tuple[Role, ...] = ("agency", "auditor")
# Their bodies may be large.
LOOKED_AT_FIRST = {
    "PUT /v1/uploads/{upload}/parts/{number}",
    "POST /v1/reviews/{run}/decisions",
    "POST /v1/projects/{project}/agreements",
    "POST /v1/projects/{project}/destruction-statements",
}


@pytest.fixture
def later_world() -> None:
    """What `world` asks for, so that its broker is copied from one where all that was done already."""


@pytest.fixture
def world(later_world: None, reviewing: Reviewing) -> World:
    ids, holders = reach(reviewing, lambda: everything_of(reviewing))
    world = World(reviewing, list(routes_of(reviewing)), ids, holders)
    world.containers = reviewing.containers
    return world


def everything_of(reviewing: Reviewing) -> tuple[dict[str, Any], Holders]:
    """Let there be one of each thing that a route names; returns their names, and who holds the secret."""
    reviewing.founded.enrol(STRANGER)
    certificate = destroyed_upload(reviewing)
    run = reviewing.hold_back()
    reviewing.answer(run)
    reviewing.put_claims(SCHOOL, CHILD_WELFARE)
    uploads = reviewing.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    releases = reviewing.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    (release,) = [one for one in releases if one["recipient"] == CHILD_WELFARE]
    people = {party: reviewing.person(party).identity for party in (CHILD_WELFARE, SCHOOL)}
    holders = Holders(PROJECT, 1, people, {party: Contribution.draw() for party in people})
    share = reviewing.client.post(
        f"/v1/projects/{PROJECT}/shares",
        json=holders.share(SCHOOL, CHILD_WELFARE).to_json(),
        headers=reviewing.as_party(SCHOOL),
    ).json()
    ids = {
        **NOTHING,
        "project": PROJECT,
        "agreement": reviewing.agreement.digest(),
        "upload": uploads[0]["upload"],
        "run": run,
        "release": release["release"],
        "share": share["share"],
        "certificate": certificate,
        "round": "2",
        "partner": SCHOOL,
        "space": "shared",
    }
    return ids, holders


def test_every_row_of_the_policy_is_in_the_document_and_open_to_all_or_to_the_roles_that_it_names(
    world: World,
) -> None:
    listed = {(route.method, route.pattern) for route in world.routes}
    rows = POLICY.keys() - PAGE_RULES.keys()
    assert listed == {(method, path.replace(":path", "")) for method, path in rows}
    # A route is either open to all or names its roles.
    for route in world.routes:
        assert bool(route.roles) == bool(route.operation["security"]), route.name
    # Without a credential nothing answers but what is open to all.
    for route in world.routes:
        if route.operation["security"]:
            answer = world.call(route, {}, world.ids)
            assert answer.status_code == 401, route.name
            unknown = world.call(route, {"authorization": f"Bearer {new_token()}"}, world.ids)
            assert comparable(unknown) == comparable(answer), route.name
    # A role that a route does not name is refused.
    for route in world.routes:
        if not route.roles or route.is_page:
            continue
        for role in set(get_args(Role)) - set(route.roles):
            answer = world.call(route, world.linkage.as_party(PARTY_OF[role], role), world.ids)
            assert answer.status_code == 403, (route.name, role)
            assert Problem.from_json(answer.json()).code == "wrong-role"


def test_to_a_stranger_what_others_have_is_as_if_it_were_not(world: World) -> None:
    """The answers are alike, the database does the same for both, and the log stays as it was."""
    strangers = {role: world.linkage.as_party(STRANGER, role) for role in STRANGER_ROLES}
    # They help with making bodies, and sign in before.
    for party in (CHILD_WELFARE, SCHOOL):
        world.linkage.as_party(party)
    before, asked = world.linkage.log_kinds(), list[str]()
    note = lambda *given: asked.append(given[2])  # noqa: E731
    event.listen(Engine, "before_cursor_execute", note)
    try:
        for role, stranger in strangers.items():
            for route in world.routes:
                if role not in route.roles or not route.names_an_object:
                    continue
                asked.clear()
                foreign = world.call(route, stranger, world.ids)
                asked_of_foreign = asked.copy()
                asked.clear()
                none = world.call(route, stranger, NOTHING)
                assert foreign.status_code == 404, (route.name, foreign.text)
                assert comparable(foreign) == comparable(none), route.name
                assert asked == asked_of_foreign, (role, route.name)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert world.linkage.log_kinds() == before
    for stranger in strangers.values():
        for path in ("/v1/log/bundle", "/v1/log/tile/entries/000.p/1"):
            foreign = world.linkage.client.get(f"{path}?project={PROJECT}", headers=stranger)
            none = world.linkage.client.get(f"{path}?project=no-such-project", headers=stranger)
            assert foreign.status_code == 404
            assert comparable(foreign) == comparable(none)


def test_of_a_stranger_no_large_body_is_asked_for(world: World) -> None:
    linkage, asked = world.linkage, []
    routes = [route for route in world.routes if route.name in LOOKED_AT_FIRST]
    assert len(routes) == len(LOOKED_AT_FIRST)
    for route in routes:
        path = world.path(route, world.ids)
        signed = linkage.person(STRANGER).sign(f"{route.method} {path}", stated(path, b"{}"))
        answer = send_slowly(
            linkage,
            path,
            {},
            lambda: asked.append("the body"),
            method=route.method,
            headers=linkage.as_party(STRANGER) | {HEADER: signed},
        )
        assert (answer.status_code, asked) == (404, []), route.name


def test_to_who_is_off_the_roster_what_their_party_has_is_as_if_it_were_not(world: World) -> None:
    for role in STRANGER_ROLES:
        person = EnrolledPerson.confirmed(
            world.linkage.founded, world.linkage.client, PARTY_OF[role], *DUTIES[role]
        )
        headers = {"authorization": f"Bearer {person.token(is_bound=False)}"}
        for route in world.routes:
            if role not in route.roles or not route.names_an_object:
                continue
            own = world.call(route, headers, world.ids)
            none = world.call(route, headers, NOTHING)
            assert own.status_code == 404, (route.name, own.text)
            assert comparable(own) == comparable(none), route.name
        listed = world.linkage.client.get("/v1/projects", headers=headers).json()
        assert listed == {"projects": []}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_stranger_cannot_tell_by_the_clock_whether_there_is_something(
    world: World, tally: Tally
) -> None:
    """Bound: a thousandth of a second. What else a machine does only adds, so the quick tenth is compared."""
    n_asked = times(quick=40, full=400)
    stranger = world.linkage.as_party(STRANGER)
    routes = [route for route in world.routes if "agency" in route.roles and route.names_an_object]
    apart = {}
    for route in routes:
        took: tuple[list[float], list[float]] = ([], [])
        for number in range(2 * n_asked):
            # In turns, and now one first, now the other: what else the machine does hits both.
            which = (number + number // 2) % 2
            started = time.perf_counter()
            world.call(route, stranger, (world.ids, NOTHING)[which])
            took[which].append(time.perf_counter() - started)
        there, none = (quantiles(one, n=10)[0] for one in took)
        apart[route.name] = abs(there - none)
    tally.tried(2 * n_asked * len(routes))
    worst = max(apart, key=lambda name: apart[name])
    print(f"at most {1e6 * apart[worst]:.0f} microseconds apart, of {worst}")
    assert apart[worst] < 1e-3, sorted(apart.items(), key=lambda one: -one[1])[:5]


def test_no_answer_holds_an_encoding(world: World) -> None:
    encodings = sent_encodings(world)
    for route in world.routes:
        if route.method != "GET":
            continue
        for party, role in (
            (CHILD_WELFARE, "agency"),
            (AUDITOR, "auditor"),
            ("operator", "operator"),
        ):
            if role not in route.roles:
                continue
            answer = world.call(route, world.linkage.as_party(party, role), world.ids)
            # Nobody in the rig's project is blind, and nothing was delivered.
            is_absent = (
                route.pattern.endswith("/runs/{run}/openings")
                or "/statements/" in route.pattern
                or "/deliveries/{delivery}" in route.pattern
            )
            # The caller's agency is that of the reviewers.
            is_for_others = route.pattern.endswith("/asked")
            expected = 404 if is_absent else 409 if is_for_others else 200
            assert answer.status_code == expected, (route.name, answer.text)
            for encoding in encodings:
                assert encoding not in answer.content, route.name
                assert encoding.hex() not in answer.text, route.name
                # The middle of a base64 text does not depend on what stands before it, at one of three phases.
                for phase in range(3):
                    assert base64.b64encode(encoding[phase:])[:16].decode() not in answer.text, (
                        route.name
                    )


def sent_encodings(world: World) -> list[bytes]:
    """Return the token and the sealed bytes of some rows, as they lie in the stored parts."""
    found = []
    for container in world.containers:
        rows = read_rows(b"".join(container.parts[1:])[16 * container.header.records :])[::10]
        found += [row[name].tobytes() for row in rows for name in ("token", "sealed")]
    return found


def test_a_person_comes_in_while_active_and_nowhere_once_revoked(world: World) -> None:
    for role in get_args(Role):
        check_one_life(world, role)


def check_one_life(world: World, role: Role) -> None:
    founded, client = world.linkage.founded, world.linkage.client
    person = EnrolledPerson.confirmed(founded, client, PARTY_OF[role], *DUTIES[role])
    token, unbound = person.token(), person.token(is_bound=False)
    code = person.call("POST", "/v1/session-links", token).json()["code"]
    client.post("/session", json={"code": code})
    closed = [route for route in world.routes if route.roles]
    for route in closed:
        if not route.is_page:
            proven = person.headers(route.method, world.path(route, world.ids), token)
            answer = world.call(route, proven, world.ids)
            assert answer.status_code != 401, route.name
            is_wrong = (
                answer.status_code == 403 and Problem.from_json(answer.json()).code == "wrong-role"
            )
            assert is_wrong == (role not in route.roles), route.name
    revoke(founded, person.id)
    for route in closed:
        proven = person.headers(route.method, world.path(route, world.ids), token)
        for headers in (proven, {"authorization": f"Bearer {unbound}"}, {}):
            assert world.call(route, headers, world.ids).status_code == 401, route.name
    assert person.ask_token().status_code == 401
