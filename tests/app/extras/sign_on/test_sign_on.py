"""Signing on to the pages by an OpenID provider: who comes in, as whom, until when, and who does not."""

from __future__ import annotations

import io
import json
import ssl
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from breaks.sign_on import LOGOUT_ATTACKS, SIGN_ON_ATTACKS
from rigs.enrolled import EnrolledPerson, revoke
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, Linkage
from rigs.persons import enrolled_person
from rigs.served import served_at
from rigs.shown_pages import words
from rigs.signing_on import Browser, SigningOn, bent, sso_settings
from services.chromium import press, take_picture
from services.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OpenIdProvider,
    openid_provider,
    signed,
)
from sqlalchemy import text

from app.agencies import persons
from app.errors import ConfigurationError
from app.extras.sign_on.flow import page_of
from app.extras.sign_on.pages import FLOW_COOKIE
from app.extras.sign_on.provider import AGAIN_S, KEYS_S, Provider
from app.http.access import COOKIE, CSRF_HEADER
from app.main import create_app
from app.security.tokens import csrf_token
from app.settings import Settings
from encoding.people.identity import replace_keys
from schemas.api.bodies import sign_on_link_url

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def provider_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    with openid_provider(tmp_path_factory.mktemp("openid"), lambda: datetime.now(UTC)) as made:
        yield made


@pytest.fixture
def openid(provider_of_module: OpenIdProvider, hand_clock: Any) -> OpenIdProvider:
    """Return the provider as it behaves, under the clock of the test."""
    fresh = OpenIdProvider(hand_clock, key=provider_of_module.key)
    for name in ("clock", "host", "subject", "stated", "bends", "codes", "calls", "form", "given"):
        setattr(provider_of_module, name, getattr(fresh, name))
    return provider_of_module


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database will do: what differs between the two is tried with the slices."""
    return sqlite_url


@pytest.fixture
def sso() -> dict[str, Any]:
    """Settings of the single sign-on beside the usual ones."""
    return {}


@pytest.fixture
def settings(
    settings: Settings, openid: OpenIdProvider, tmp_path: Path, sso: dict[str, Any]
) -> Settings:
    return sso_settings(settings, openid, tmp_path, **sso)


@pytest.fixture
def scene(linkage: Linkage, openid: OpenIdProvider, log_stream: io.StringIO) -> Iterator[SigningOn]:
    tls = ssl.create_default_context(cafile=openid.certificate)
    with httpx2.Client(verify=tls) as http:
        made = SigningOn(linkage, openid, http, log_stream)

        yield made


def refusals(scene: SigningOn) -> list[str]:
    """Return the words that the operator's log has for what was refused, or has failed."""
    events = map(json.loads, scene.log.getvalue().splitlines())
    names = ("sign_in_refused", "sign_on_provider_failed")
    return [one["code"] for one in events if one["event"] in names]


def auditor(scene: SigningOn) -> EnrolledPerson:
    return scene.linkage.person(AUDITOR, "auditor")


def changes_logged(scene: SigningOn) -> list[dict[str, Any]]:
    entries = scene.linkage.log_entries()
    return [
        one for one in entries if one["kind"] == "key-rotated" and one["body"]["use"] == "sign-on"
    ]


# Who comes in.


def test_who_has_linked_a_sign_on_reads_as_that_person(scene: SigningOn) -> None:
    first = scene.linked()
    assert first.is_in
    again = scene.browser()
    answer = again.sign_on()
    assert answer.status_code == 200
    assert 'content="0; url=/projects"' in answer.text
    assert auditor(scene).id[:12] in words(again.get("/projects"))
    assert again.get(f"/projects/{PROJECT}").status_code == 200
    assert FLOW_COOKIE not in again.cookies
    assert again.cookies[COOKIE] != first.cookies[COOKIE]


def test_the_request_has_all_that_binds_the_answer(scene: SigningOn) -> None:
    browser = scene.browser()
    address = browser.begin()
    assert address.startswith(f"{scene.openid.issuer}/authorize?tenant=1&response_type=code&")
    assert "redirect_uri=https%3A%2F%2Fbroker.test%2Fsign-on%2Fcallback&scope=openid&" in address
    assert "code_challenge_method=S256" in address
    secret = browser.cookies[FLOW_COOKIE].split(".")[0]
    assert secret not in address
    browser.get(browser.authorize(address))
    assert set(scene.openid.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


def test_the_link_is_logged_as_the_persons_own_and_says_nothing_of_who_it_is(
    scene: SigningOn,
) -> None:
    scene.linked()
    (entry,) = changes_logged(scene)
    assert entry["actor"]["person"] == entry["body"]["person"] == auditor(scene).id
    assert (entry["body"]["old"], entry["body"]["signed"]) == (None, None)
    scene.openid.subject = "another account"
    scene.linked()
    assert [one["body"]["old"] for one in changes_logged(scene)] == [None, entry["body"]["new"]]
    scene.linkage.check_log()
    shown = words(scene.linked().get("/log/entries"))
    assert f"linked a person of {AUDITOR} with a single sign-on, for the pages" in shown
    with scene.linkage.broker.database.read() as session:
        held = "\n".join(
            str(tuple(row))
            for table in ("page_session", "sign_on", "seen_once", "log_leaf", "token")
            for row in session.execute(text(f"SELECT * FROM {table}"))
        )
    assert "248289761001" not in held
    assert [one for one in scene.openid.given if one in held] == []


def test_who_was_linked_before_is_nobody_once_another_is(scene: SigningOn) -> None:
    first = scene.linked()
    scene.openid.subject = "another account"
    assert scene.linked().is_in
    assert not first.is_in
    scene.openid.subject = "248289761001"
    assert scene.browser().sign_on().status_code == 401


def test_a_session_by_sign_on_only_reads_pages_and_lasts_an_hour(scene: SigningOn) -> None:
    browser = scene.linked()
    token = browser.cookies[COOKIE]
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        for method, path in (
            ("GET", "/v1/whoami"),
            ("POST", "/v1/session-links"),
            ("POST", "/v1/sign-on-links"),
            ("POST", "/v1/log/cosignatures"),
        ):
            assert browser.call(method, path, headers=headers).status_code == 401, path
    # A session by sign on lasts an hour.
    scene.linkage.founded.clock.move(minutes=59)
    assert browser.is_in
    scene.linkage.founded.clock.move(minutes=2)
    assert not browser.is_in


def test_the_cookies_are_the_brokers_alone(scene: SigningOn) -> None:
    browser = scene.browser()
    begun = browser.call("GET", "/sign-on")
    (flow,) = begun.headers.get_list("set-cookie")
    assert flow.startswith("__Host-")
    assert flow.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")
    browser.cookies.clear()
    scene.linked()
    entered = browser.sign_on().headers.get_list("set-cookie")
    assert entered[0].startswith(f"{COOKIE}=")
    assert entered[0].endswith("; HttpOnly; Max-Age=3600; Path=/; SameSite=strict; Secure")


def test_a_session_of_before_is_not_the_one_after(scene: SigningOn) -> None:
    before = scene.linked()
    kept = before.cookies[COOKIE]
    assert before.sign_on().status_code == 200
    assert before.cookies[COOKIE] != kept
    assert not Browser(scene, {COOKIE: kept}).is_in
    planted = Browser(scene, {COOKIE: "x" * 43})
    assert planted.sign_on().status_code == 200
    assert planted.cookies[COOKIE] != "x" * 43
    assert not Browser(scene, {COOKIE: "x" * 43}).is_in


# Where it leads.


ELSEWHERE = (
        "https://other.example/", "//other.example", "/\\other.example", "\\\\other.example", "/", "",
        "/projects@other.example", "/projects//other.example", "javascript:alert(1)", "/sign-on/callback",
        "/v1/whoami", "/projects/../session", "/projects\n", "/projects?a=<script>", "/projects#x",
        "/log/%2e%2e", "/projects?a=\"'", "/log?a=" + "a" * 500,
)  # fmt: skip


def test_nothing_but_a_page_is_led_to() -> None:
    for wanted in ELSEWHERE:
        assert page_of(wanted) == "/projects", wanted


def test_who_opens_a_page_signed_out_comes_to_it_by_signing_on(scene: SigningOn) -> None:
    scene.linked()
    browser = scene.browser()
    page = f"/projects/{PROJECT}/timeline?kind=round-opened"
    answer = browser.get(page)
    assert answer.status_code == 401
    query = f"?next=/projects/{PROJECT}/timeline%3Fkind%3Dround-opened"
    assert f'href="/sign-in{query}"' in answer.text
    shown = browser.get(f"/sign-in{query}")
    assert "Sign in with State ID" in words(shown)
    assert f'href="/sign-on{query}"' in shown.text
    assert f'content="0; url={page}"' in browser.sign_on(query).text
    elsewhere = browser.sign_on("?next=https://other.example/")
    assert 'content="0; url=/projects"' in elsewhere.text


# Who does not.


@pytest.mark.parametrize("part", range(4))
def test_every_attack_is_refused_by_a_page_that_says_little_and_a_line_that_says_why(
    scene: SigningOn, part: int
) -> None:
    scene.linked()
    cases = dict(list(SIGN_ON_ATTACKS.items())[part::4])
    pages, wrong = set(), {}
    for name, case in cases.items():
        scene.behave()
        answer = case.attack(scene)
        reason = refusals(scene)[-1]
        is_in = f"{COOKIE}=" in "".join(answer.headers.get_list("set-cookie"))
        if (reason, answer.status_code, is_in) != (case.reason, case.status, False):
            wrong[name] = (reason, answer.status_code, is_in)
        request = answer.headers["x-request-id"]
        pages.add((answer.status_code, answer.text.replace(request, "")))
    assert wrong == {}
    assert len(SIGN_ON_ATTACKS) >= 100
    # One page for all that is refused, one for all that has failed.
    assert {status for status, _ in pages} == {401, 503}
    assert len(pages) == 2
    scene.behave()
    assert scene.browser().sign_on().status_code == 200
    said = scene.log.getvalue()
    secrets = [*scene.openid.given, scene.openid.subject, "example.org", "State ID"]
    assert [one for one in secrets if one in said] == []


def test_what_was_refused_in_somebodys_name_is_counted_for_their_party(scene: SigningOn) -> None:
    scene.linked()
    scene.openid.stated["amr"] = ["pwd"]
    scene.browser().sign_on()
    scene.openid.stated["amr"] = ["otp"]
    revoke(scene.linkage.founded, auditor(scene).id)
    # Anyone who is linked with nobody is counted for nobody.
    scene.browser().sign_on()
    with scene.linkage.broker.database.read() as session:
        counted = session.execute(text("SELECT party, count FROM refused_sign_ins")).all()
    assert [tuple(row) for row in counted] == [("", 2)]


def test_who_is_revoked_has_no_session_and_no_link(scene: SigningOn) -> None:
    browser = scene.linked()
    revoke(scene.linkage.founded, auditor(scene).id)
    assert not browser.is_in
    assert scene.browser().sign_on().status_code == 401
    assert refusals(scene) == ["person"]
    kinds = scene.linkage.log_kinds()
    assert kinds[-2:] == ["key-rotated", "role-changed"]
    assert changes_logged(scene)[-1]["body"]["new"] is None


def test_a_link_ends_with_the_keys_that_made_it(scene: SigningOn) -> None:
    browser = scene.linked()
    person = auditor(scene)
    _, change = replace_keys(person.identity, scene.linkage.founded.clock())
    answer = person.call("POST", "/v1/key-changes", json=change.to_json())
    assert answer.status_code == 200, answer.text
    assert not browser.is_in
    assert scene.browser().sign_on().status_code == 401
    assert changes_logged(scene)[-1]["body"]["new"] is None
    scene.linkage.check_log()


def test_the_operator_ends_a_link_and_what_stands_on_it(scene: SigningOn) -> None:
    browser, founded = scene.linked(), scene.linkage.founded

    def end() -> None:
        with founded.broker.database.write() as session:
            persons.end_sign_on(
                session, founded.broker.log, person_id=auditor(scene).id, actor=founded.operator
            )

    with founded.broker.database.read() as session:
        assert set(persons.signed_on_since(session)) == {auditor(scene).id}
    end()
    assert not browser.is_in
    assert scene.browser().sign_on().status_code == 401
    with pytest.raises(Exception, match="linked no sign-on"):
        end()


def test_who_is_on_no_roster_finds_what_a_stranger_finds(scene: SigningOn) -> None:
    linkage = scene.linkage
    identity = enrolled_person(linkage.broker, linkage.founded.operator, AUDITOR, "auditor")
    person = EnrolledPerson(linkage.founded, linkage.client, identity)
    linkage.founded.enrol("stranger")
    theirs = enrolled_person(linkage.broker, linkage.founded.operator, "stranger", "auditor")
    stranger = EnrolledPerson(linkage.founded, linkage.client, theirs)
    found = {}
    for one in (person, stranger):
        scene.openid.subject = one.id
        browser = scene.browser()
        assert browser.link(one.call("POST", "/v1/sign-on-links").json()["code"]).status_code == 200
        answers = [
            browser.get(path)
            for path in (f"/projects/{PROJECT}", "/projects/none", "/projects.json")
        ]
        found[one.id] = [
            (one.status_code, one.text.replace(one.headers["x-request-id"], "")) for one in answers
        ]
        assert [status for status, _ in found[one.id]] == [404, 404, 200]
        assert PROJECT not in found[one.id][2][1]
    assert found[person.id][2] == found[stranger.id][2]


# Linking.


def test_a_link_takes_the_persons_signature_and_once_a_code_of_its_own(scene: SigningOn) -> None:
    person = auditor(scene)
    headers = {"authorization": f"Bearer {person.token(is_bound=False)}", "blindlink-request": "x"}
    assert scene.linkage.client.post("/v1/sign-on-links", headers=headers).status_code == 400
    analyst = scene.linkage.person(CHILD_WELFARE).call("POST", "/v1/sign-on-links")
    assert analyst.status_code == 403
    shown = words(scene.browser().get("/sign-on/link"))
    assert "your sign-on of State ID opens these pages" in shown
    # A code links once within a minute and opens no session.
    code = scene.code()
    browser = scene.browser()
    assert browser.call("POST", "/session", json={"code": code}).status_code == 401
    assert browser.link(code).status_code == 200
    other = scene.browser()
    assert other.call("POST", "/sign-on/link", json={"code": code}).status_code == 401
    late = scene.code()
    scene.linkage.founded.clock.move(seconds=61)
    assert other.call("POST", "/sign-on/link", json={"code": late}).status_code == 401
    page = auditor(scene).call("POST", "/v1/session-links").json()["code"]
    assert other.call("POST", "/sign-on/link", json={"code": page}).status_code == 401


def test_who_is_linked_with_one_person_is_not_linked_with_another(scene: SigningOn) -> None:
    scene.linked()
    answer = scene.browser().link(scene.code("operator", "operator"))
    assert answer.status_code == 401
    assert refusals(scene) == ["linked-before"]
    assert scene.browser().sign_on().status_code == 200


def test_a_link_that_was_begun_by_keys_that_were_revoked_since_is_none(scene: SigningOn) -> None:
    browser = scene.browser()
    begun = browser.call("POST", "/sign-on/link", json={"code": scene.code()}).json()["location"]
    revoke(scene.linkage.founded, auditor(scene).id)
    assert browser.get(browser.authorize(begun)).status_code == 401
    assert changes_logged(scene) == []


# Groups.


@pytest.mark.parametrize("sso", [{"sso_groups": {"auditor": "pages"}}])
def test_groups_take_duties_away_and_give_none(scene: SigningOn) -> None:
    scene.openid.stated["groups"] = ["pages", "operators"]
    browser = scene.linked()
    app: Any = scene.linkage.client.app
    actor = app.state.gate.actor_of_session(browser.cookies[COOKIE], "req-1")
    # Of the person's own, auditor and steward, the one that the group leaves.
    assert (actor.person, actor.role, actor.duties) == (auditor(scene).id, "auditor", ("auditor",))
    for groups in (["other"], [], "none", {"pages": True}, None):
        scene.openid.stated["groups"] = groups
        assert scene.browser().sign_on().status_code == 401, groups
    assert set(refusals(scene)) == {"groups"}


@pytest.mark.parametrize("sso", [{"sso_require": {"acr": ["gold", "silver"], "amr": ["otp"]}}])
def test_every_claim_that_is_required_has_one_of_its_values(scene: SigningOn) -> None:
    assert "&acr_values=gold%20silver" in scene.browser().begin()
    scene.openid.stated["acr"] = "silver"
    scene.linked()
    for acr in ("bronze", "gold silver", None, 1, ["bronze"]):
        scene.openid.stated["acr"] = acr
        assert scene.browser().sign_on().status_code == 401, acr
    assert set(refusals(scene)) == {"factor"}


# The end.


def test_signing_out_ends_the_session_at_the_provider_too_if_it_answers(scene: SigningOn) -> None:
    browser = scene.linked()
    id_token = scene.openid.given[-1]
    cookie = browser.cookies[COOKIE]
    headers = {CSRF_HEADER: csrf_token(cookie)}
    assert browser.call("DELETE", "/session").status_code == 403
    answer = browser.call("DELETE", "/session", headers=headers)
    assert answer.status_code == 204
    address, _, query = answer.headers["location"].partition("?")
    assert address == f"{scene.openid.issuer}/logout"
    assert dict(parse_qsl(query)) == {
        "id_token_hint": id_token,
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://broker.test/sign-in",
    }
    assert not Browser(scene, {COOKIE: cookie}).is_in
    # Signing out works where the provider does not answer.
    browser = scene.linked()
    scene.forget()
    scene.openid.bends.discovery = lambda _: b"down"
    headers = {CSRF_HEADER: csrf_token(browser.cookies[COOKIE])}
    answer = browser.call("DELETE", "/session", headers=headers)
    assert (answer.status_code, answer.headers.get("location")) == (204, None)
    assert not browser.is_in


@pytest.fixture
def address(scene: SigningOn, tmp_path: Path) -> Iterator[str]:
    """Where the broker is served over TLS; the provider is another site, as providers are."""
    broker, scene.openid.host = scene.linkage.broker, "127.0.0.1"

    def application(address: str) -> FastAPI:
        update = {"public_url": address, "sso_issuer": scene.openid.issuer}
        return create_app(replace(broker, settings=broker.settings.model_copy(update=update)))

    with served_at(application, tmp_path / "served") as found:
        yield found


def test_a_browser_is_linked_signs_out_and_signs_on_to_the_page_that_it_wanted(
    scene: SigningOn, address: str, chromium_page: Page
) -> None:
    page = chromium_page
    page.goto(sign_on_link_url(address, scene.code()))
    take_picture(page, "sign-on-link")
    press(page.get_by_role("button", name="Link my sign-on"))
    page.wait_for_url(f"{address}/projects")
    assert auditor(scene).id[:12] in page.locator("header").inner_text()
    press(page.get_by_role("button", name="Sign out"))
    page.wait_for_url(f"{address}/sign-in")
    assert scene.openid.calls[-1] == "/logout"
    page.goto(f"{address}/projects/{PROJECT}")
    press(page.get_by_role("link", name="Sign in", exact=True))
    page.set_viewport_size({"width": 320, "height": 700})
    take_picture(page, "sign-in-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    press(page.get_by_role("link", name="Sign in with State ID"))
    page.wait_for_url(f"{address}/projects/{PROJECT}")
    page.goto(f"{address}/sign-on/callback?state=x&code=x")
    assert page.locator("h1").inner_text() == "You are not signed in"


def sign_off(scene: SigningOn, token: str, **more: Any) -> int:
    sent = more or {"data": {"logout_token": token, "other": "field"}}
    return scene.browser().call("POST", "/sign-on/logout", **sent).status_code


def test_the_provider_ends_one_session_or_all_of_a_person(scene: SigningOn) -> None:
    scene.linked()
    scene.openid.stated["sid"] = "first"
    first = scene.browser()
    first.sign_on()
    scene.openid.stated["sid"] = "second"
    second = scene.browser()
    second.sign_on()
    by_keys = scene.browser()
    code = auditor(scene).call("POST", "/v1/session-links").json()["code"]
    assert by_keys.call("POST", "/session", json={"code": code}).status_code == 204
    assert sign_off(scene, scene.openid.logout_token(sub=None, sid="first")) == 200
    assert (first.is_in, second.is_in) == (False, True)
    token = scene.openid.logout_token()
    assert sign_off(scene, token) == 200
    assert (second.is_in, by_keys.is_in) == (False, True)
    second.sign_on()
    # The same again ends nothing.
    assert sign_off(scene, token) == 401
    assert second.is_in
    assert refusals(scene) == ["replayed"]


def test_a_session_that_the_provider_did_not_name_ends_with_any_of_its_person(
    scene: SigningOn,
) -> None:
    scene.linked()
    scene.openid.stated["sid"] = None
    unnamed = scene.browser()
    unnamed.sign_on()
    assert sign_off(scene, scene.openid.logout_token(sub="another", sid="first")) == 200
    assert unnamed.is_in
    assert sign_off(scene, scene.openid.logout_token(sid="first")) == 200
    assert not unnamed.is_in


def test_every_forged_logout_is_refused(scene: SigningOn) -> None:
    browser = scene.linked()
    wrong = {}
    for name, (expected, attack) in LOGOUT_ATTACKS.items():
        status = sign_off(scene, attack(scene))
        if (status, refusals(scene)[-1]) != (401, expected):
            wrong[name] = (status, refusals(scene)[-1])
    assert wrong == {}
    token = scene.openid.logout_token()
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body in (f"logout_token={token}&logout_token={token}", "token=x", "", "é"):
        assert sign_off(scene, "", content=body.encode(), headers=form) == 401
    assert sign_off(scene, "", json={"logout_token": token}) == 415
    assert browser.is_in
    assert [one for one in scene.openid.given if one in scene.log.getvalue()] == []


# The provider's keys and description.


def test_new_keys_are_found_and_strangers_cannot_make_the_broker_ask_often(
    scene: SigningOn, openid: OpenIdProvider
) -> None:
    scene.linked()
    app: Any = scene.linkage.client.app
    now_s = 1000.0
    app.state.provider = Provider(app.state.provider.settings, monotonic_s=lambda: now_s)
    openid.calls.clear()
    assert scene.browser().sign_on().status_code == 200
    old, openid.key = openid.key, type(openid.key).generate_key(2048, {"kid": "second"})
    try:
        for _ in range(3):
            assert scene.browser().sign_on().status_code == 401
        assert openid.calls.count("/keys") == 1
        now_s += AGAIN_S
        assert scene.browser().sign_on().status_code == 200
        assert openid.calls.count("/keys") == 2
        # A key that has gone is none, at the latest when the keys that are kept are old.
        openid.bends.id_token = lambda claims: signed(old, claims, kid="first")
        assert scene.browser().sign_on().status_code == 401
        now_s += KEYS_S
        assert scene.browser().sign_on().status_code == 401
        assert openid.calls.count("/.well-known/openid-configuration") == 1
    finally:
        openid.key = old


def test_a_provider_that_fails_is_left_in_peace_for_a_while(scene: SigningOn) -> None:
    scene.forget()
    scene.openid.bends.discovery = lambda _: b"down"
    for _ in range(4):
        assert scene.browser().get("/sign-on").status_code == 503
    assert refusals(scene) == ["json", *["failed-before"] * 3]
    assert scene.openid.calls == ["/.well-known/openid-configuration"]


def described(scene: SigningOn, **changes: Any) -> None:
    """Let the provider describe itself otherwise; what is changed to None is not there."""
    scene.behave()
    scene.forget()
    scene.openid.bends.discovery = lambda found: {
        name: value for name, value in (found | changes).items() if value is not None
    }


def test_a_provider_that_promises_no_issuer_may_state_none_but_no_other(scene: SigningOn) -> None:
    scene.linked()
    described(scene, authorization_response_iss_parameter_supported=None)
    for stated, status in ((None, 200), ("https://other.example", 401)):
        browser = scene.browser()
        address = bent(browser.authorize(browser.begin()), iss=stated)
        assert browser.get(address).status_code == status


def test_a_client_secret_goes_as_the_provider_takes_it(scene: SigningOn) -> None:
    scene.linked()
    described(scene, token_endpoint_auth_methods_supported=["client_secret_post"])
    assert scene.browser().sign_on().status_code == 200
    assert scene.openid.form["client_secret"] == CLIENT_SECRET
    described(scene, token_endpoint_auth_methods_supported=["private_key_jwt"])
    assert scene.browser().get("/sign-on").status_code == 503
    assert refusals(scene) == ["client-authentication"]


def test_what_the_provider_writes_as_null_it_says_nothing_of(scene: SigningOn) -> None:
    scene.linked()
    scene.forget()
    nothing = (
        "code_challenge_methods_supported",
        "token_endpoint_auth_methods_supported",
        "end_session_endpoint",
    )
    scene.openid.bends.discovery = lambda found: found | dict.fromkeys(nothing)
    assert scene.browser().sign_on().status_code == 200


# Without.


def test_there_is_nothing_of_it_where_no_issuer_is_named(scene: SigningOn) -> None:
    app: Any = scene.linkage.client.app
    app.state.provider = None
    browser = scene.browser()
    for path in ("/sign-on", "/sign-on/callback?code=x&state=x", "/sign-on/link"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "text/html; charset=utf-8",
        )
    assert browser.call("POST", "/sign-on/link", json={"code": "x" * 43}).status_code == 404
    assert sign_off(scene, "x") == 404
    assert auditor(scene).call("POST", "/v1/sign-on-links").status_code == 404
    assert "State ID" not in words(browser.get("/sign-in"))


UNFIT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"sso_client_id": None}, "go together"),
    ({"sso_client_secret_file": None}, "go together"),
    ({"sso_issuer": "http://localhost"}, "https://"),
    ({"sso_issuer": "https://user@login.example"}, "https://"),
    ({"sso_issuer": "https://login.example/?a=b"}, "https://"),
    ({"sso_require": {}}, "second factor"),
    ({"sso_require": {"amr": []}}, "sso_require"),
    ({"sso_scope": "profile"}, "sso_scope"),
    ({"sso_groups": {"boss": "x"}}, "sso_groups"),
)


def test_settings_that_do_not_fit_are_refused(settings: Settings) -> None:
    stated = settings.model_dump(exclude_defaults=True)
    for changes, says in UNFIT:
        with pytest.raises(ValueError, match=says):
            Settings(**stated | changes)


def test_without_the_library_or_the_secret_the_broker_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="client secret"):
        Provider(settings.model_copy(update={"sso_client_secret_file": tmp_path / "none"}))
    monkeypatch.setitem(sys.modules, "joserfc", None)
    with pytest.raises(ConfigurationError, match="joserfc"):
        Provider(settings)
