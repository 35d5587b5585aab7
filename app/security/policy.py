"""Who may call what: one table for all routes. What has no row here does not exist.

A slice adds the rows of its routes in the commit that adds the routes; `create_app` refuses to start if a
route lacks a row or a row lacks a route. Whether an object is the caller's own is decided by the
repositories, which answer for a foreign object as for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.errors import ConfigurationError
from schemas.agreement.clauses import MAX_QUESTIONS
from schemas.rounds.review import MAX_CARDS
from schemas.rounds.rounds import MAX_MESSAGE_BYTES
from schemas.rounds.upload import MAX_PART_BYTES
from schemas.signing.identity import Role

RouteKey: TypeAlias = tuple[str, str]
RateClass: TypeAlias = Literal["read", "write", "part", "sign-in", "probe", "lasting"]

AGENCY: Final[frozenset[Role]] = frozenset({"agency"})
AUDITOR: Final[frozenset[Role]] = frozenset({"auditor"})
OPERATOR: Final[frozenset[Role]] = frozenset({"operator"})
WATCHERS: Final[frozenset[Role]] = frozenset({"auditor", "operator"})
EVERYONE: Final[frozenset[Role]] = frozenset({"agency", "auditor", "operator"})

KIB: Final = 1024
# Several times as many as a statement of destruction or a proposal has, which have most but decisions.
BODY_VALUES: Final = 16 * KIB
# A statement with as many changes of keys as there can be, sixteen, each of two kilobytes and a bit.
SIGNED_BYTES: Final = 48 * KIB
# As many cards as a review may ask for, of six kilobytes each: sealed to two reviewers, one has five.
CARDS_BYTES: Final = MAX_CARDS * 6 * KIB
# Ten thousand decisions, each with its reference, verdict and reason.
DECISIONS_BYTES: Final = 2 * 1024 * KIB
DECISIONS_VALUES: Final = 5 * MAX_QUESTIONS
# Of the largest file that is agreed on anywhere: some eight million records with listed columns.
DELIVERY_BYTES: Final = 8 * 1024 * 1024 * KIB
# A statement of destruction names up to 1,024 files.
STATEMENT_BYTES: Final = 224 * KIB


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route demands.

    `roles` may call it; `anonymous` needs no credential and then has no roles. `by_session` takes the
    pages' cookie instead of a token. `is_sign_in`: it changes nothing but who is signed in.

    `is_signed`: the match log records what it does, or it lets someone in for long, so that the person
    signs the request.

    A body longer than `max_body_bytes` is cut off; 0 means that the route takes none. One of JSON with more
    than `max_body_values` values is not read: small values take a reader longest. `rate` names the class of
    its rate limit.
    """

    roles: frozenset[Role] = frozenset()
    anonymous: bool = False
    by_session: bool = False
    is_sign_in: bool = False
    is_signed: bool = False
    max_body_bytes: int = 0
    max_body_values: int = BODY_VALUES
    rate: RateClass = "read"


# Pages for auditors and operators; each has twins for programs under its own address.
PAGES: Final = (
    "/projects",
    "/projects/{project}",
    "/projects/{project}/agreements",
    "/projects/{project}/approvals",
    "/projects/{project}/timeline",
    "/projects/{project}/uploads",
    "/projects/{project}/rounds",
    "/projects/{project}/rounds/{round}",
    "/projects/{project}/runs",
    "/projects/{project}/reviews",
    "/projects/{project}/releases",
    "/projects/{project}/deliveries",
    "/projects/{project}/disclosures",
    "/projects/{project}/access",
    "/projects/{project}/retention",
    "/hubs/{party}",
    "/uploads/{upload}",
    "/runs/{run}",
    "/releases/{release}",
    "/log",
    "/log/entries",
    "/log/entries/{seq}",
)
# Pages of what only some projects have: agreements that their parties sign, reviews and destructions.
RARE_PAGES: Final = (
    "/projects/{project}/agreements/{agreement}",
    "/reviews/{run}",
    "/destructions/{certificate}",
)
# Pages for auditors alone.
AUDITOR_PAGES: Final = ("/runs/{run}/match-record",)
ALL_PAGES: Final = (*PAGES, *RARE_PAGES, *AUDITOR_PAGES)
# Of the single sign-on: where a browser sets out, comes back, and is linked with a person's keys.
SIGN_ON_PAGES: Final = ("/sign-on", "/sign-on/callback", "/sign-on/link")
_PAGE_FORMS: Final = ("", ".json", ".csv")
# For the page too, the whole log of the project is read.
_WHOLE: Final = frozenset({"/projects/{project}/disclosures"})
# Their twins hand out as much of the log, or of a match record, as the filter lets through.
_LONG: Final = frozenset(
    {
        "/projects/{project}/timeline",
        "/projects/{project}/disclosures",
        "/log/entries",
        *AUDITOR_PAGES,
    }
)

PAGE_RULES: Final[Mapping[RouteKey, Rule]] = {
    ("GET", "/"): Rule(anonymous=True),
    ("GET", "/sign-in"): Rule(anonymous=True),
    ("GET", "/assets/{digest}/{name}"): Rule(anonymous=True),
    **{("GET", page): Rule(anonymous=True, rate="sign-in") for page in SIGN_ON_PAGES},
    ("POST", "/sign-on/link"): Rule(
        anonymous=True, is_sign_in=True, max_body_bytes=KIB, rate="sign-in"
    ),
    # From the provider, for all who sign on there.
    ("POST", "/sign-on/logout"): Rule(
        anonymous=True, is_sign_in=True, max_body_bytes=24 * KIB, rate="write"
    ),
    # What a page's own script reads.
    ("GET", "/log/tile/{tile:path}"): Rule(WATCHERS, by_session=True),
    **{
        ("GET", f"{page}{form}"): Rule(
            AUDITOR if page in AUDITOR_PAGES else WATCHERS,
            by_session=True,
            rate="write" if page in _WHOLE or (form and page in _LONG) else "read",
        )
        for page in ALL_PAGES
        for form in _PAGE_FORMS
    },
}

POLICY: Final[Mapping[RouteKey, Rule]] = {
    # Health and description.
    ("GET", "/healthz"): Rule(anonymous=True, rate="probe"),
    ("GET", "/readyz"): Rule(anonymous=True, rate="probe"),
    ("GET", "/metrics"): Rule(OPERATOR),
    ("GET", "/v1/openapi.json"): Rule(anonymous=True),
    # Parties and sessions.
    ("GET", "/v1/whoami"): Rule(EVERYONE),
    ("POST", "/v1/enrolments"): Rule(anonymous=True, max_body_bytes=8 * KIB, rate="sign-in"),
    # By the rate of writes: who is refused here is counted as a failure besides.
    ("POST", "/v1/token"): Rule(
        anonymous=True, is_sign_in=True, max_body_bytes=8 * KIB, rate="write"
    ),
    ("POST", "/v1/key-changes"): Rule(EVERYONE, max_body_bytes=16 * KIB, rate="write"),
    ("POST", "/v1/session-links"): Rule(EVERYONE, is_sign_in=True, rate="write"),
    # Only who has pages has a use for it.
    ("POST", "/v1/sign-on-links"): Rule(WATCHERS, rate="write", is_signed=True),
    ("POST", "/session"): Rule(anonymous=True, is_sign_in=True, max_body_bytes=KIB, rate="sign-in"),
    ("DELETE", "/session"): Rule(EVERYONE, by_session=True, is_sign_in=True, rate="write"),
    # Projects.
    ("GET", "/v1/projects"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}/identities"): Rule(EVERYONE),
    # Agreements: each party signs, also those that audit or run the broker. A linkage schema is long.
    ("POST", "/v1/projects/{project}/agreements"): Rule(
        EVERYONE, max_body_bytes=512 * KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/agreements"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}/agreements/{agreement}"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}/last-word"): Rule(EVERYONE),
    ("POST", "/v1/projects/{project}/consents"): Rule(
        EVERYONE, max_body_bytes=SIGNED_BYTES, rate="write"
    ),
    ("POST", "/v1/projects/{project}/notices"): Rule(
        EVERYONE, max_body_bytes=SIGNED_BYTES, rate="write"
    ),
    # Shares of secrets.
    ("POST", "/v1/projects/{project}/shares"): Rule(
        AGENCY, max_body_bytes=24 * KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/shares"): Rule(AGENCY),
    ("DELETE", "/v1/projects/{project}/shares"): Rule(AGENCY, rate="write", is_signed=True),
    ("GET", "/v1/shares/{share}"): Rule(AGENCY, rate="write", is_signed=True),
    ("POST", "/v1/projects/{project}/confirmations"): Rule(
        AGENCY, max_body_bytes=4 * KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/confirmations"): Rule(AGENCY),
    # Rounds. Sealed messages go from recipient to recipient; the broker opens none.
    ("POST", "/v1/projects/{project}/nonces"): Rule(AGENCY, max_body_bytes=4 * KIB, rate="write"),
    ("GET", "/v1/projects/{project}/nonces"): Rule(AGENCY),
    ("POST", "/v1/projects/{project}/rounds/{round}"): Rule(AGENCY, rate="write", is_signed=True),
    ("GET", "/v1/projects/{project}/rounds"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}/rounds/{round}"): Rule(EVERYONE),
    ("POST", "/v1/projects/{project}/rounds/{round}/corrections"): Rule(
        AGENCY, max_body_bytes=KIB, rate="write", is_signed=True
    ),
    ("PUT", "/v1/projects/{project}/rounds/{round}/claims/{partner}"): Rule(
        AGENCY, max_body_bytes=MAX_MESSAGE_BYTES, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/rounds/{round}/claims/{partner}"): Rule(AGENCY, rate="write"),
    ("PUT", "/v1/projects/{project}/rounds/{round}/statements/{space}"): Rule(
        AGENCY, max_body_bytes=MAX_MESSAGE_BYTES, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/rounds/{round}/statements/{space}"): Rule(AGENCY, rate="write"),
    # What is overdue: an agency is told what it owes, and what the project waits for.
    ("GET", "/v1/projects/{project}/overdue"): Rule(EVERYONE),
    # Uploads.
    ("POST", "/v1/projects/{project}/uploads"): Rule(AGENCY, max_body_bytes=4 * KIB, rate="write"),
    ("GET", "/v1/projects/{project}/uploads"): Rule(EVERYONE),
    ("GET", "/v1/uploads/{upload}"): Rule(EVERYONE),
    ("GET", "/v1/uploads/{upload}/parts"): Rule(AGENCY),
    ("PUT", "/v1/uploads/{upload}/parts/{number}"): Rule(
        AGENCY, max_body_bytes=MAX_PART_BYTES, rate="part"
    ),
    ("POST", "/v1/uploads/{upload}/commit"): Rule(
        AGENCY, max_body_bytes=16 * KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/uploads/{upload}/receipt"): Rule(AGENCY),
    # Runs.
    ("POST", "/v1/projects/{project}/runs"): Rule(
        AGENCY, max_body_bytes=KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/runs"): Rule(EVERYONE),
    ("GET", "/v1/runs/{run}"): Rule(EVERYONE),
    ("POST", "/v1/runs/{run}/cancel"): Rule(AGENCY | OPERATOR, rate="write", is_signed=True),
    # Approvals of runs and releases.
    ("POST", "/v1/runs/{run}/approvals"): Rule(AGENCY, max_body_bytes=SIGNED_BYTES, rate="write"),
    ("GET", "/v1/runs/{run}/approvals"): Rule(EVERYONE),
    ("GET", "/v1/projects/{project}/pending-approvals"): Rule(EVERYONE),
    ("POST", "/v1/projects/{project}/standing-approvals"): Rule(
        AGENCY, max_body_bytes=SIGNED_BYTES, rate="write"
    ),
    ("GET", "/v1/projects/{project}/standing-approvals"): Rule(EVERYONE),
    ("POST", "/v1/projects/{project}/revocations"): Rule(
        AGENCY, max_body_bytes=SIGNED_BYTES, rate="write"
    ),
    # Match records are for auditors to review: neither for agencies nor for the operator.
    ("GET", "/v1/runs/{run}/match-record"): Rule(AUDITOR, rate="write"),
    # Releases.
    ("GET", "/v1/projects/{project}/releases"): Rule(EVERYONE),
    ("GET", "/v1/releases/{release}"): Rule(EVERYONE),
    ("GET", "/v1/releases/{release}/file"): Rule(AGENCY, rate="write", is_signed=True),
    ("GET", "/v1/releases/{release}/openings"): Rule(AGENCY, rate="write", is_signed=True),
    ("GET", "/v1/runs/{run}/openings"): Rule(AGENCY, rate="write"),
    ("GET", "/v1/releases/{release}/receipt"): Rule(AGENCY),
    ("POST", "/v1/releases/{release}/verification"): Rule(
        AGENCY, max_body_bytes=KIB, rate="write", is_signed=True
    ),
    # Reviews. Cards are sealed to the reviewers; their sum is bounded by how many there may be of a review.
    ("GET", "/v1/projects/{project}/reviews"): Rule(EVERYONE),
    ("GET", "/v1/reviews/{run}/questions"): Rule(AGENCY, rate="write", is_signed=True),
    ("GET", "/v1/reviews/{run}/asked"): Rule(AGENCY, rate="write", is_signed=True),
    ("PUT", "/v1/reviews/{run}/cards"): Rule(AGENCY, max_body_bytes=CARDS_BYTES, rate="write"),
    ("GET", "/v1/reviews/{run}/cards"): Rule(AGENCY, rate="write", is_signed=True),
    ("POST", "/v1/reviews/{run}/decisions"): Rule(
        AGENCY, max_body_bytes=DECISIONS_BYTES, max_body_values=DECISIONS_VALUES, rate="write"
    ),
    # Deliveries: sealed to a partner or a blind recipient. The agreement's sizes of files bound them further.
    ("PUT", "/v1/projects/{project}/rounds/{round}/deliveries/{partner}/{number}"): Rule(
        AGENCY, max_body_bytes=DELIVERY_BYTES, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/deliveries"): Rule(EVERYONE),
    ("GET", "/v1/deliveries/{delivery}/file"): Rule(AGENCY, rate="write", is_signed=True),
    ("POST", "/v1/deliveries/{delivery}/opening"): Rule(
        AGENCY, max_body_bytes=KIB, rate="write", is_signed=True
    ),
    ("GET", "/v1/deliveries/{delivery}/receipt"): Rule(AGENCY),
    # Destruction. Anyone who is neither a holder nor the operator has nothing to destroy.
    ("POST", "/v1/projects/{project}/destruction"): Rule(
        AGENCY | OPERATOR, rate="write", is_signed=True
    ),
    ("POST", "/v1/uploads/{upload}/destruction"): Rule(
        AGENCY | OPERATOR, rate="write", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/destructions"): Rule(EVERYONE),
    ("GET", "/v1/destructions/{certificate}"): Rule(EVERYONE),
    ("POST", "/v1/destructions/{certificate}/countersignatures"): Rule(
        EVERYONE, max_body_bytes=SIGNED_BYTES, rate="write", is_signed=True
    ),
    ("POST", "/v1/projects/{project}/destruction-statements"): Rule(
        EVERYONE, max_body_bytes=STATEMENT_BYTES, rate="lasting", is_signed=True
    ),
    ("POST", "/v1/projects/{project}/withdrawals"): Rule(
        AGENCY, max_body_bytes=KIB, rate="lasting", is_signed=True
    ),
    ("GET", "/v1/projects/{project}/legal-holds"): Rule(EVERYONE),
    ("POST", "/v1/projects/{project}/legal-holds"): Rule(
        EVERYONE, max_body_bytes=SIGNED_BYTES, rate="write", is_signed=True
    ),
    # The match log.
    ("GET", "/v1/log/checkpoint"): Rule(EVERYONE),
    # Anyone who runs the log is no witness of it.
    ("POST", "/v1/log/cosignatures"): Rule(AGENCY | AUDITOR, max_body_bytes=4 * KIB, rate="write"),
    ("GET", "/v1/log/key"): Rule(EVERYONE),
    ("GET", "/v1/log/tile/{tile:path}"): Rule(EVERYONE),
    ("GET", "/v1/log/bundle"): Rule(EVERYONE, rate="write"),
    **PAGE_RULES,
}


def check_policy(routes: Iterable[RouteKey], policy: Mapping[RouteKey, Rule]) -> None:
    """Assert that routes and rows belong to each other one to one.

    Raises:
        ConfigurationError: a route without a row, a row without a route, or a row that lets nobody in.
    """
    known = set(routes)
    missing = sorted(known - policy.keys())
    stale = sorted(policy.keys() - known)
    closed = sorted(key for key, rule in policy.items() if rule.anonymous == bool(rule.roles))
    for fault, keys in (
        ("a route lacks a policy row", missing),
        ("a policy row lacks a route", stale),
        ("a policy row must be either anonymous or name roles", closed),
    ):
        if keys:
            method, path = keys[0]
            raise ConfigurationError(f"{fault}: {method} {path}")
