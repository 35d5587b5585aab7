"""Single sign-on in the browser: there and back, the link with a person's keys, and the end by the provider.

Whatever is wrong, the page that answers says the same; what it was is in the operator's log, as a word.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, ClassVar, Final
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import Field

from app.agencies import sign_on
from app.agencies.endpoints import set_session
from app.agencies.service import close_session
from app.errors import SignInRefusedError
from app.extras.sign_on.errors import ProviderFailedError
from app.extras.sign_on.flow import LIFETIME_S, Flow, flow_of, new_flow
from app.extras.sign_on.id_token import read_id_token, read_logout_token
from app.extras.sign_on.provider import CALLBACK_PATH
from app.extras.sign_on.wired import WiredProvider
from app.http.access import COOKIE, CurrentActor, count_refusal, refuse_sign_in
from app.http.body import FORM_MEDIA_TYPE, json_body, raw_body
from app.web.paging import page_of
from app.web.rendering import PAGE_HEADERS, render
from app.wired import WiredBroker
from schemas.api.bodies import SessionLink
from schemas.documents.document import Document

if TYPE_CHECKING:
    from app.broker import Broker
    from app.extras.sign_on.provider import Provider

log = structlog.get_logger()

router = APIRouter()

PATH: Final = "/sign-on"
LINK_PATH: Final = "/sign-on/link"
FLOW_COOKIE: Final = "__Host-blindlink-sign-on"
# What a logout token's form may have beside it is not looked at (Back-Channel Logout §2.5).
_MAX_FIELDS: Final = 8


class LinkRequest(Document):
    """The one-time code, as the page reads it from its own address and posts it."""

    KIND: ClassVar[str] = "link request"

    code: Annotated[str, Field(min_length=43, max_length=43)]


@router.post("/v1/sign-on-links", status_code=201)
def make_sign_on_link(
    broker: WiredBroker, _provider: WiredProvider, actor: CurrentActor
) -> SessionLink:
    """Make a one-time code to link a single sign-on with the caller's keys: works once, for 60 s."""
    with broker.database.write() as session:
        return sign_on.new_link(session, actor, broker.machine_clock())


@router.get(PATH, include_in_schema=False, response_class=Response)
def begin(
    broker: WiredBroker,
    provider: WiredProvider,
    request: Request,
    next_page: Annotated[str, Query(alias="next")] = "",
) -> Response:
    """Send the browser to the provider, with a cookie that alone can bring it back."""
    flow = new_flow(next_page, broker.machine_clock())
    try:
        address = provider.address_of(flow)
    except ProviderFailedError as exc:
        return _failed(request, provider, exc)
    response = RedirectResponse(address, status_code=303)
    _set_flow(response, flow)
    return response


@router.get(CALLBACK_PATH, include_in_schema=False, response_class=Response)
def come_back(broker: WiredBroker, provider: WiredProvider, request: Request) -> Response:
    """Take the provider's answer, and open a page session for the person whose sign-on it is."""
    try:
        cookie, person, flow = _signed_on(broker, provider, request)
    except SignInRefusedError as exc:
        count_refusal(request, exc)
        return _refused(request, provider, 401)
    except ProviderFailedError as exc:
        return _failed(request, provider, exc)
    log.info("person_signed_on", person=person)
    # A page and no redirect: a browser that comes from elsewhere shows its new cookie from the next click on.
    next_page = page_of(flow.next_page)
    html = render("signed_on.html", {"title": "Signed in", "project": None, "next_page": next_page})
    response = HTMLResponse(html, headers=PAGE_HEADERS)
    set_session(response, cookie, sign_on.SESSION_LIFETIME)
    _end_flow(response)
    return response


@router.get(LINK_PATH, include_in_schema=False, response_class=Response)
def show_link(provider: WiredProvider) -> Response:
    """Say what linking does; with a code in its address the page's script begins it."""
    context = {
        "title": "Link your sign-on",
        "project": None,
        "sso_name": provider.settings.sso_name,
    }
    return HTMLResponse(render("sign_on_link.html", context), headers=PAGE_HEADERS)


@router.post(LINK_PATH, include_in_schema=False)
def begin_link(
    broker: WiredBroker,
    provider: WiredProvider,
    request: Request,
    wanted: Annotated[LinkRequest, json_body(LinkRequest)],
) -> Response:
    """Take the code that a person's keys got, and answer where the browser goes to be linked with them."""
    flow = new_flow("", broker.machine_clock())
    try:
        # Asked first, so that the code is still good where the provider does not answer.
        address = provider.address_of(flow)
        with broker.database.write() as session:
            sign_on.begin_link(
                session, wanted.code, flow.secret, flow.expires_s, broker.machine_clock()
            )
    except SignInRefusedError as exc:
        refuse_sign_in(request, exc)
    response = JSONResponse({"location": address})
    _set_flow(response, flow)
    return response


@router.post("/sign-on/logout", include_in_schema=False)
def sign_off(
    broker: WiredBroker,
    provider: WiredProvider,
    request: Request,
    body: Annotated[bytes, raw_body(FORM_MEDIA_TYPE)],
) -> Response:
    """End the page sessions that the provider says have ended (OpenID Connect Back-Channel Logout)."""
    try:
        off = read_logout_token(provider, _logout_token(body), broker.machine_clock())
        with broker.database.write() as session:
            n_ended = sign_on.sign_off(
                session,
                provider.issuer,
                (off.subject, off.session),
                used=(off.jti, off.expires_s),
                now=broker.machine_clock(),
            )
    except SignInRefusedError as exc:
        refuse_sign_in(request, exc)
    log.info("provider_signed_off", n_ended=n_ended)
    return Response(status_code=200)


def _signed_on(broker: Broker, provider: Provider, request: Request) -> tuple[str, str, Flow]:
    """Return the new session's cookie, whose it is, and the flow that has come to its end."""
    now = broker.machine_clock()
    flow = flow_of(request.cookies.get(FLOW_COOKIE, ""), now)
    sent = request.query_params
    if len(sent.multi_items()) > len(sent):
        raise SignInRefusedError("parameters")
    if not hmac.compare_digest(sent.get("state", "").encode(), flow.state.encode()):
        raise SignInRefusedError("state")
    provider.require_issuer(sent.get("iss"))
    if "error" in sent:
        raise SignInRefusedError("provider-refused")
    tokens = provider.redeem(sent.get("code", ""), flow)
    found = read_id_token(provider, tokens, flow, now)
    request_id = request.state.request_id
    arrival = sign_on.Arrival(
        settings=provider.settings,
        subject_name=found.subject,
        session=found.session,
        groups=found.stated(provider.settings.sso_groups_claim),
        id_token=tokens.id_token,
        flow_secret=flow.secret,
        flow_expires_s=flow.expires_s,
        request_id=request_id,
        now=now,
    )
    with broker.database.write() as session:
        cookie, person = sign_on.sign_on(session, broker.log, arrival)
        close_session(session, request.cookies.get(COOKIE, ""))
    return cookie, person, flow


def _logout_token(body: bytes) -> str:
    with suppress(ValueError):
        fields = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=_MAX_FIELDS)
        tokens = [value for name, value in fields if name == "logout_token"]
        if len(tokens) == 1:
            return tokens[0]
    raise SignInRefusedError("form")


def _failed(request: Request, provider: Provider, error: ProviderFailedError) -> Response:
    log.warning("sign_on_provider_failed", code=error.reason)
    return _refused(request, provider, error.status)


def _refused(request: Request, provider: Provider, status: int) -> Response:
    html = render(
        "sign_on_refused.html",
        {
            "title": "You are not signed in",
            "project": None,
            "sso_name": provider.settings.sso_name,
            "is_failed": status == ProviderFailedError.status,
            "request_id": request.state.request_id,
        },
    )
    response = HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)
    _end_flow(response)
    return response


def _set_flow(response: Response, flow: Flow) -> None:
    response.set_cookie(
        FLOW_COOKIE,
        flow.cookie,
        max_age=LIFETIME_S,
        path="/",
        secure=True,
        httponly=True,
        # It has to come along when the provider sends the browser back.
        samesite="lax",
    )


def _end_flow(response: Response) -> None:
    response.delete_cookie(FLOW_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
