"""The web application: the one place that wires routes, gate and refusals together."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from app.agencies import endpoints as agencies
from app.agencies import service as agencies_service
from app.agencies import sign_in
from app.agencies.sign_in import note_refusal
from app.agreements import endpoints as agreements
from app.broker import Broker
from app.deadlines import endpoints as deadlines
from app.decisions import endpoints as decisions
from app.deliveries import endpoints as deliveries
from app.denials.service import note_denial
from app.destruction import endpoints as destruction
from app.evidence import endpoints as evidence
from app.features import FEATURES
from app.health import endpoints as health
from app.http.access import Gate, pass_gate
from app.http.envelope import Envelope
from app.http.limits import RateLimiter, rates_of
from app.http.metrics import Metrics
from app.http.openapi import describe_api, route_keys
from app.http.problems import install_refusals
from app.links import endpoints as links
from app.review import endpoints as review
from app.rounds import endpoints as rounds
from app.runs import endpoints as runs
from app.security.actor import Actor
from app.security.policy import POLICY, check_policy
from app.security.tokens import Credential
from app.shares import endpoints as shares
from app.uploads import endpoints as uploads
from app.version import VERSION
from app.web import routes as pages
from app.web.refusals import install_page_refusals

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    agencies.router,
    agreements.router,
    shares.router,
    rounds.router,
    uploads.router,
    runs.router,
    decisions.router,
    links.router,
    review.router,
    deliveries.router,
    destruction.router,
    deadlines.router,
    evidence.router,
    pages.router,
)

TITLE: Final = "Blindlink broker"
DESCRIPTION: Final = (
    "Links the records of agencies that may not show each other who their people are. "
    "Every refusal is problem+json (RFC 9457) with a stable type and nothing of the input."
)


class BrokerApp(FastAPI):
    """The application; it describes itself with its real bodies, refusals and credentials."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return _description()


def create_app(broker: Broker) -> FastAPI:
    """Return the application that serves this broker.

    Raises:
        ConfigurationError: routes and policy table do not belong to each other one to one, or the settings
            name a single sign-on that cannot be.
    """
    app = BrokerApp(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        # The framework's own pages load scripts from elsewhere, and its document knows too little.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=_routes(),
    )
    app.state.broker = broker
    app.state.provider = (
        None
        if broker.settings.sso_issuer is None
        else FEATURES.load("sign_on", "provider").Provider(broker.settings)
    )
    app.state.metrics = Metrics()
    app.state.gate = _gate(broker)
    app.add_middleware(Envelope, metrics=app.state.metrics)
    install_refusals(app, partial(note_denial, broker))
    install_page_refusals(app)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Return the routes, each behind the gate; they know no broker, and are laid out once in a process."""
    behind_gate = APIRouter(dependencies=[Depends(pass_gate)], redirect_slashes=False)
    # Always there, so that the policy is of all routes; without a provider they answer as what is not there.
    for router in (*ROUTERS, FEATURES.load("sign_on", "pages").router):
        behind_gate.include_router(router)
    check_policy(route_keys(behind_gate.routes), POLICY)
    return behind_gate.routes


@cache
def _description() -> dict[str, Any]:
    return describe_api(_routes(), POLICY, title=TITLE, version=VERSION, description=DESCRIPTION)


def _gate(broker: Broker) -> Gate:
    def actor_of_credential(
        credential: Credential, request_id: str, *, limit: Callable[[Actor], None]
    ) -> Actor:
        with broker.database.read() as session:
            admission = sign_in.admit(
                session, credential, request_id, now=broker.machine_clock(), clock=broker.clock
            )
        limit(admission.actor)
        if admission.proof is not None:
            with broker.database.write() as session:
                sign_in.use_proof(session, admission.proof, admission.actor)
        return admission.actor

    def actor_of_session(cookie: str, request_id: str) -> Actor:
        with broker.database.read() as session:
            return agencies_service.actor_of_session(
                session, cookie, request_id, now=broker.machine_clock(), clock=broker.clock
            )

    def require_newest() -> None:
        with broker.database.read() as session:
            broker.log.check(session)

    return Gate(
        policy=POLICY,
        actor_of_credential=actor_of_credential,
        actor_of_session=actor_of_session,
        count_refusal=lambda party: note_refusal(broker, party),
        require_newest=require_newest,
        limiter=RateLimiter(rates_of(broker.settings), time.monotonic),
        address=broker.settings.address,
    )
