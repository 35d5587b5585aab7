"""Generated requests from the API's own description: no fault of ours, no answer that it does not describe."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import pytest
import schemathesis
from campaign.reports import Tally
from campaign.size import times
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, Unsatisfiable
from rigs.delivering import Delivering
from rigs.destroying import destroyed_upload
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.reviewing import Reviewing
from rigs.signed import Accord
from rigs.whole_api import Tour
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.security.policy import PAGE_RULES, POLICY
from schemas.documents.problem import MEDIA_TYPE, Problem

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# In parts, after each of which a campaign that was broken off goes on.
N_PARTS = times(quick=1, full=8)
CALLERS = [(CHILD_WELFARE, "agency"), (AUDITOR, "auditor"), ("operator", "operator")]
REVIEW_ROUTES = (
    "GET /v1/reviews/{run}/asked",
    "PUT /v1/reviews/{run}/cards",
    "GET /v1/reviews/{run}/questions",
    "GET /v1/reviews/{run}/cards",
    "POST /v1/reviews/{run}/decisions",
)
DELIVERY_ROUTES = (
    "PUT /v1/projects/{project}/rounds/{round}/deliveries/{partner}/{number}",
    "GET /v1/deliveries/{delivery}/file",
    "POST /v1/deliveries/{delivery}/opening",
    "GET /v1/deliveries/{delivery}/receipt",
)
# What no caller of the signed linkage can succeed with, and why.
_MESSAGES = "no such message is due in it; tests/app/rounds/test_messages.py"
SUCCEED_ELSEWHERE = {
    "PUT /v1/projects/{project}/rounds/{round}/claims/{partner}": _MESSAGES,
    "PUT /v1/projects/{project}/rounds/{round}/statements/{space}": _MESSAGES,
    "GET /v1/projects/{project}/rounds/{round}/statements/{space}": _MESSAGES,
    "GET /v1/runs/{run}/openings": "nobody is blind in it; tests/app/links/test_blind_openings.py",
    "POST /v1/sign-on-links": "it has no single sign-on; tests/app/extras/sign_on/test_sign_on.py",
    **dict.fromkeys(REVIEW_ROUTES, "it has no review: the next test"),
    **dict.fromkeys(DELIVERY_ROUTES, "it lists no columns: the one after the next"),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database will do: what is generated here is about the form of requests."""
    return sqlite_url


@pytest.fixture
def ids(linkage: Linkage) -> dict[str, Any]:
    """Objects that exist, so that generated requests get beyond "not found"."""
    certificate = destroyed_upload(linkage)
    linkage.upload_both()
    run = linkage.run_id()
    linkage.work()
    uploads = linkage.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    releases = linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    return {
        "project": PROJECT,
        "upload": uploads[0]["upload"],
        "run": run,
        "release": releases[0]["release"],
        "share": "shr-" + "0" * 32,
        "certificate": certificate,
        "delivery": "dlv-" + "0" * 32,
        "agreement": "0" * 64,
        "number": 1,
        "round": 1,
        "partner": SCHOOL,
        "space": "shared",
        "tile": "0/000.p/3",
    }


def operations(linkage: Linkage) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", linkage.client.app)
    found = [result.ok() for result in schema.get_all_operations()]
    names = {(one.method.upper(), one.path) for one in found}
    listed = {
        (method, path.replace(":path", "")) for method, path in POLICY.keys() - PAGE_RULES.keys()
    }
    # The description itself is what they are found in.
    assert names == listed - {("GET", "/v1/openapi.json")}
    return found


def run_examples(strategy: Any, check: Any, tally: Tally) -> None:
    def counted(case: Any) -> None:
        tally.tried()
        check(case)

    # Documents of agreements and of destruction are deep: drawing one takes its time, and all that were drawn
    # are kept until a batch ends, gigabytes of them if that is long.
    quiet = settings(
        max_examples=times(quick=1, full=35), database=None, suppress_health_check=list(HealthCheck)
    )
    for batch in range(times(quick=1, full=10)):
        seed(batch)(quiet(given(strategy)(counted)))()


def require_problem(response: Any) -> None:
    assert response.headers["content-type"] in (MEDIA_TYPE, [MEDIA_TYPE])
    assert Problem.from_json(response.json()).status == response.status_code


def test_every_operation_succeeds_for_somebody_and_answers_all_as_described(accord: Accord) -> None:
    described = {
        (operation.method.upper(), operation.path): operation for operation in operations(accord)
    }
    called, succeeded = set(), set()
    tour = Tour.of(accord)
    for route, _, answer in tour.calls():
        called.add(route.name)
        if (route.method, route.pattern) in described:
            operation = described[route.method, route.pattern]
            case = operation.Case(path_parameters=tour.world.ids)
            case.validate_response(answer, checks=CHECKS)
        if answer.status_code < 300:
            succeeded.add(route.name)
        else:
            require_problem(answer)
    assert called - succeeded == SUCCEED_ELSEWHERE.keys()


def test_every_call_of_a_review_answers_as_described(reviewing: Reviewing) -> None:
    run = reviewing.hold_back()
    cards = reviewing.stated_cards(run, dict.fromkeys(reviewing.bucket_handles(run), b"sealed"))
    decided = reviewing.decisions(run, {reviewing.questions(run)[0].reference: "accept"})
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "PUT": (
            SCHOOL,
            {"content": cards, "headers": {"content-type": "application/octet-stream"}},
        ),
        "POST": (CHILD_WELFARE, {"json": decided.to_json(), "headers": {}}),
    }
    described = {f"{one.method.upper()} {one.path}": one for one in operations(reviewing)}
    for name in REVIEW_ROUTES:
        method, path = name.split()
        party, more = calls.get(method, (SCHOOL if path.endswith("/asked") else CHILD_WELFARE, {}))
        headers = reviewing.as_party(party) | more.pop("headers", {})
        path = path.replace("{run}", run)
        answer = reviewing.client.request(method, path, headers=headers, **more)
        assert answer.status_code == 200, (name, answer.text)
        case = described[name].Case(path_parameters={"run": run})
        case.validate_response(answer, checks=CHECKS)


def test_every_call_of_a_delivery_answers_as_described(delivering: Delivering) -> None:
    ids: dict[str, Any] = {"project": PROJECT, "round": 1, "partner": CHILD_WELFARE, "number": 1}
    described = {f"{one.method.upper()} {one.path}": one for one in operations(delivering)}
    sha256 = hashlib.sha256(b"sealed").hexdigest()
    bodies: dict[str, dict[str, Any]] = {
        "PUT": {"content": b"sealed", "headers": {"content-type": "application/octet-stream"}},
        "POST": {"json": {"sha256": sha256, "fault": None}},
    }
    for name in DELIVERY_ROUTES:
        method, path = name.split()
        more = bodies.get(method, {})
        headers = delivering.as_party(SCHOOL if method == "PUT" else CHILD_WELFARE)
        headers |= more.pop("headers", {})
        answer = delivering.client.request(method, path.format(**ids), headers=headers, **more)
        assert answer.status_code == 200, (name, answer.text)
        if method == "PUT":
            ids["delivery"] = answer.json()["delivery"]
        named = {key: value for key, value in ids.items() if f"{{{key}}}" in path}
        case = described[name].Case(path_parameters=named)
        case.validate_response(answer, checks=CHECKS)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize("caller", CALLERS, ids=[role for _, role in CALLERS])
@pytest.mark.campaign("openapi")
def test_no_request_that_fits_the_description_meets_a_fault(
    linkage: Linkage, ids: dict[str, Any], caller: tuple[str, str], part: int, tally: Tally
) -> None:
    headers = linkage.as_party(*caller)
    for operation in operations(linkage)[part::N_PARTS]:

        def call(case_and_choice: Any) -> None:
            case, is_known = case_and_choice
            if is_known:
                case.path_parameters = {name: ids[name] for name in case.path_parameters or {}}
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)
            if response.status_code >= 400:
                require_problem(response)

        run_examples(st.tuples(operation.as_strategy(), st.booleans()), call, tally)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.campaign("openapi")
def test_no_request_that_breaks_the_description_is_taken(
    linkage: Linkage, ids: dict[str, Any], part: int, tally: Tally
) -> None:
    headers = linkage.as_party(CHILD_WELFARE)
    for operation in operations(linkage)[part::N_PARTS]:

        def call(case: Any) -> None:
            lacks_credential = "Authorization" in case.meta.phase.data.description
            response = case.call(headers={} if lacks_credential else headers)
            # A body that is cut off for its size is refused too; the check does not know that answer.
            checks = [] if response.status_code == 413 else [negative_data_rejection]
            case.validate_response(response, checks=[not_a_server_error, *checks])

        # What takes neither parameter nor body cannot be broken.
        with contextlib.suppress(Unsatisfiable, InvalidArgument):
            negative = schemathesis.GenerationMode.NEGATIVE
            run_examples(operation.as_strategy(generation_mode=negative), call, tally)
