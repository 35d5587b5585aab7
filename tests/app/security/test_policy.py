from __future__ import annotations

import pytest

from app.errors import ConfigurationError
from app.security.policy import AGENCY, POLICY, Rule, check_policy
from schemas.agreement.clauses import MAX_QUESTIONS
from schemas.rounds.review import REASONS, Decisions, PairDecision

TABLE = {("GET", "/a"): Rule(AGENCY), ("GET", "/b"): Rule(anonymous=True)}


def test_a_route_without_a_row_stops_the_start() -> None:
    check_policy(TABLE.keys(), TABLE)
    with pytest.raises(ConfigurationError, match="route lacks a policy row: POST /a"):
        check_policy([*TABLE, ("POST", "/a")], TABLE)
    with pytest.raises(ConfigurationError, match="row lacks a route: GET /b"):
        check_policy([("GET", "/a")], TABLE)
    for rule in (Rule(), Rule(AGENCY, anonymous=True)):
        with pytest.raises(ConfigurationError, match="either anonymous or name roles"):
            check_policy([("GET", "/a")], {("GET", "/a"): rule})


def test_only_these_routes_need_no_credential() -> None:
    assert sorted(key for key, rule in POLICY.items() if rule.anonymous) == [
        ("GET", "/"),
        ("GET", "/assets/{digest}/{name}"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/sign-in"),
        ("GET", "/sign-on"),
        ("GET", "/sign-on/callback"),
        ("GET", "/sign-on/link"),
        ("GET", "/v1/openapi.json"),
        ("POST", "/session"),
        ("POST", "/sign-on/link"),
        ("POST", "/sign-on/logout"),
        ("POST", "/v1/enrolments"),
        ("POST", "/v1/token"),
    ]


def test_a_page_session_changes_nothing_but_its_own_end() -> None:
    changing = [key for key, rule in POLICY.items() if rule.by_session and key[0] != "GET"]
    assert changing == [("DELETE", "/session")]


def test_no_body_is_larger_than_a_part_but_what_is_relayed_whole() -> None:
    larger = {key for key, rule in POLICY.items() if rule.max_body_bytes > 4 * 1024 * 1024}
    assert larger == {
        ("PUT", "/v1/projects/{project}/rounds/{round}/claims/{partner}"),
        ("PUT", "/v1/projects/{project}/rounds/{round}/statements/{space}"),
        ("PUT", "/v1/projects/{project}/rounds/{round}/deliveries/{partner}/{number}"),
        ("PUT", "/v1/reviews/{run}/cards"),
    }


def test_what_goes_through_a_whole_log_is_held_to_the_rate_of_writes() -> None:
    for page in ("/projects/{project}/disclosures", "/projects/{project}/timeline"):
        for form in (".json", ".csv"):
            assert POLICY["GET", page + form].rate == "write"
    assert POLICY["GET", "/projects/{project}/disclosures"].rate == "write"
    assert POLICY["GET", "/projects/{project}/timeline"].rate == "read"


def test_the_largest_documents_have_room() -> None:
    reasons = sorted(REASONS["unsure"])
    decided = [
        PairDecision(reference=f"{number:032x}", verdict="unsure", reason=reasons[0])
        for number in range(MAX_QUESTIONS)
    ]
    decisions = Decisions(run="run-" + "0" * 32, decisions=tuple(decided)).to_canonical()
    rule = POLICY["POST", "/v1/reviews/{run}/decisions"]
    # The signature about it comes on top.
    assert n_values(decisions) + 100 <= rule.max_body_values
    assert len(decisions) + 48 * 1024 <= rule.max_body_bytes


def n_values(raw: bytes) -> int:
    return sum(map(raw.count, (b",", b"[", b"{")))
