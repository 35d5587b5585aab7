"""What a person signs counts at one log, in one project and, where data move, under one agreement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from httpx2 import Response
from rigs.enrolled import place_of
from rigs.linkage import CHILD_WELFARE, PROJECT, Linkage

from schemas.signing.signed_request import HEADER


def release_of(linkage: Linkage) -> str:
    """Return the release to child welfare."""
    (release,) = linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    return f"/v1/releases/{release['release']}"


def ask(linkage: Linkage, method: str, path: str, **elsewhere: Any) -> Response:
    """Make a request that is signed for somewhere else than where it is made."""
    where = replace(place_of(linkage.broker, path), **elsewhere)
    signed = linkage.person(CHILD_WELFARE).sign(f"{method} {path}", None, where)
    headers = linkage.as_party(CHILD_WELFARE) | {HEADER: signed}
    return linkage.client.request(method, path, headers=headers)


ELSEWHERE: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"log": "broker.example/other"}, 400, "request-unsigned"),
    ({"log": None}, 400, "request-unsigned"),
    ({"project": "research"}, 400, "request-unsigned"),
    ({"project": None}, 400, "request-unsigned"),
    ({"agreement": "0" * 64}, 409, "request-agreement"),
    ({"agreement": None}, 409, "request-agreement"),
)


def test_what_is_signed_for_elsewhere_fetches_nothing_and_leaves_no_entry(
    released: Linkage,
) -> None:
    linkage, release = released, release_of(released)
    before = len(linkage.log_entries())
    for elsewhere, status, code in ELSEWHERE:
        refused = ask(linkage, "GET", f"{release}/file", **elsewhere)
        found = refused.status_code, refused.json()["type"].rsplit(":", 1)[1]
        assert found == (status, code), elsewhere
    assert len(linkage.log_entries()) == before
    assert ask(linkage, "GET", f"{release}/file").status_code == 200
    linkage.check_log()


def test_an_older_agreement_fetches_nothing_and_hinders_no_destruction(released: Linkage) -> None:
    linkage, release = released, release_of(released)
    old = place_of(linkage.broker, f"{release}/file").agreement
    linkage.list_also()
    assert ask(linkage, "GET", f"{release}/file", agreement=old).status_code == 409
    destroy = f"/v1/projects/{PROJECT}/destruction"
    assert ask(linkage, "POST", destroy, agreement=old).status_code == 200
    linkage.check_log()
