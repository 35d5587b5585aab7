"""Which request a person signs so that the log may say that they did something, and where they do it.

Broker and verifier hold an entry's signed request against this one table. Spec page:
`schemas/spec/signed-request.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.api.releases import ReleaseVerification
from schemas.api.runs import RunRequest
from schemas.documents.canonical import canonical_digest
from schemas.documents.document import Model
from schemas.documents.ids import SHARE_PREFIX
from schemas.linkage.run import MatchingPolicy
from schemas.matchlog.entry import Entry
from schemas.matchlog.run_kinds import RunAsked
from schemas.matchlog.share_kinds import ShareRelayed
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.delivery import DeliveryOpening
from schemas.rounds.destruction import HoldAct
from schemas.rounds.rounds import Correction
from schemas.signing.secret_share import SignedShare
from schemas.signing.signed_request import Request

# An older agreement never hinders what is proposed, halted, destroyed or kept, nor what someone says of what
# they have had already: by then the log has it.
UNDER_ANY_AGREEMENT: Final = frozenset(
    {
        "agreement-proposed",
        "shares-withdrawn",
        "run-cancelled",
        "release-verified",
        "delivery-opened",
        "destruction-begun",
        "destruction-countersigned",
        "destruction-stated",
        "record-withdrawn",
        "legal-hold-set",
        "legal-hold-lifted",
    }
)
# The signature is made over the manifest, whose digest is stated; a share's id is the broker's.
_UNSAID: Final[Mapping[type[Model], frozenset[str]]] = {
    UploadReceived: frozenset({"signature"}),
    ShareRelayed: frozenset({"share"}),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by its method and path, and the digests that it may state; None where the log shows none.

    `also` is another request that has the same entry.
    """

    asks: str
    sha256: tuple[str | None, ...] | None = (None,)
    also: str | None = None

    def is_what(self, request: Request) -> bool:
        """Tell whether this is the request."""
        is_asked = request.asks in (self.asks, self.also)
        return is_asked and (self.sha256 is None or request.sha256 in self.sha256)


def asked_for(entry: Entry) -> Asked:
    """Return the request by which a person does what an entry says; its kind has duties."""
    return ASKED[entry.kind](entry, entry.body)


def is_in_place(request: Request, log: str, project: str | None) -> bool:
    """Tell whether a request was made at the log of this origin, in this project."""
    return (request.log, request.project) == (log, project)


def is_under_agreement(entry: Entry, request: Request) -> bool:
    """Tell whether a request was made under the agreement of an entry, where its kind asks for that."""
    return entry.kind in UNDER_ANY_AGREEMENT or request.agreement == entry.agreement


def body_digest(body: Model) -> str:
    """Return the digest of what an entry's body says, which its request states where all of it is signed."""
    unsaid = _UNSAID.get(type(body), frozenset())
    return canonical_digest(body.model_dump(mode="json", exclude=set(unsaid)))


def share_digest(signed: SignedShare) -> str:
    """Return the digest of what the log says of a share, which its request states."""
    # The id is drawn by the broker, and not stated.
    return body_digest(ShareRelayed.of(signed, f"{SHARE_PREFIX}-{'0' * 32}"))


def hold_digest(act: HoldAct, order: str, signed_sha256: str | None) -> str:
    """Return the digest of what the log says of a notice of a legal hold, which its request states."""
    said = {"act": act, "order": order if act == "set" else None, "signed_sha256": signed_sha256}
    return canonical_digest(said)


def run_digest(body: RunAsked, party: str, policy: MatchingPolicy | None) -> str | None:
    """Return the digest of a party's request for a run by this policy (null: the agreed one).

    Null where the run compares no file of the party.
    """
    said = body.specification
    parties = [one.party for one in said.uploads]
    if party not in parties or len(parties) != 2:
        return None
    (partner,) = (one for one in parties if one != party)
    return RunRequest(round=said.round, partner=partner, policy=policy).digest()


def _project(entry: Entry, rest: str, *sha256: str | None, method: str = "POST") -> Asked:
    return Asked(f"{method} /v1/projects/{entry.project}/{rest}", sha256 or (None,))


def _round_opened(entry: Entry, body: Any) -> Asked:
    if body.corrects is None:
        return _project(entry, f"rounds/{body.round}")
    # The reason stands in the entry of the round that gives way.
    return Asked(f"POST /v1/projects/{entry.project}/rounds/{body.corrects}/corrections", None)


def _claims(entry: Entry, body: Any) -> Asked:
    which = "" if body.release == 1 else f"?release={body.release}"
    path = f"rounds/{body.round}/claims/{body.partner}{which}"
    return _project(entry, path, body.sha256, method="PUT")


def _run_asked(entry: Entry, body: Any) -> Asked:
    # Which of the two it may be depends on the terms, which the log's reader knows.
    policies = (None, body.specification.policy)
    may_be = (run_digest(body, entry.actor.party, policy) for policy in policies)
    path = f"POST /v1/projects/{entry.project}/runs"
    return Asked(path, tuple(digest for digest in may_be if digest is not None))


def _review_fetched(entry: Entry, body: Any) -> Asked:
    path = "asked" if body.what == "buckets" else body.what
    return Asked(f"GET /v1/reviews/{entry.object}/{path}")


def _destruction(entry: Entry, body: Any) -> Asked:
    if body.upload is not None:
        return Asked(f"POST /v1/uploads/{body.upload}/destruction")
    return _project(entry, "destruction")


def _delivery(entry: Entry, body: Any) -> Asked:
    path = f"rounds/{body.round}/deliveries/{body.recipient}/{body.number}"
    return _project(entry, path, body.sha256, method="PUT")


def _opening(entry: Entry, body: Any) -> Asked:
    said = DeliveryOpening(sha256=body.sha256, fault=body.fault)
    return Asked(f"POST /v1/deliveries/{entry.object}/opening", (said.digest(),))


def _verification(entry: Entry, body: Any) -> Asked:
    said = ReleaseVerification(sha256=body.sha256).digest()
    return Asked(f"POST /v1/releases/{entry.object}/verification", (said,))


def _countersigned(entry: Entry, body: Any) -> Asked:
    path = f"POST /v1/destructions/{entry.object}/countersignatures"
    return Asked(path, (body.signed_sha256,))


ASKED: Final[Mapping[str, Callable[[Entry, Any], Asked]]] = {
    "agreement-proposed": lambda e, _: _project(e, "agreements", e.agreement),
    "share-relayed": lambda e, b: _project(e, "shares", body_digest(b)),
    "share-fetched": lambda _, b: Asked(f"GET /v1/shares/{b.share}"),
    "shares-withdrawn": lambda e, b: _project(e, f"shares?epoch={b.epoch}", method="DELETE"),
    "secret-confirmed": lambda e, b: _project(e, "confirmations", body_digest(b)),
    "round-opened": _round_opened,
    "round-superseded": lambda e, b: _project(
        e, f"rounds/{b.round}/corrections", Correction(reason=b.reason).digest()
    ),
    "claims-received": _claims,
    "statement-received": lambda e, b: _project(
        e, f"rounds/{b.round}/statements/{b.space}", b.sha256, method="PUT"
    ),
    "upload-received": lambda e, b: Asked(f"POST /v1/uploads/{e.object}/commit", (body_digest(b),)),
    "run-asked": _run_asked,
    "run-cancelled": lambda e, _: Asked(f"POST /v1/runs/{e.object}/cancel"),
    "review-fetched": _review_fetched,
    # What opens a release's own commitments tells as much as the release.
    "release-fetched": lambda e, _: Asked(
        f"GET /v1/releases/{e.object}/file", also=f"GET /v1/releases/{e.object}/openings"
    ),
    "release-verified": _verification,
    "delivery-received": _delivery,
    "delivery-fetched": lambda e, _: Asked(f"GET /v1/deliveries/{e.object}/file"),
    "delivery-opened": _opening,
    "destruction-begun": _destruction,
    "destruction-countersigned": _countersigned,
    "destruction-stated": lambda e, b: _project(e, "destruction-statements", b.signed_sha256),
    "record-withdrawn": lambda e, b: _project(e, "withdrawals", body_digest(b)),
    "legal-hold-set": lambda e, b: _project(
        e, "legal-holds", hold_digest("set", b.order, b.signed_sha256)
    ),
    "legal-hold-lifted": lambda e, b: _project(
        e, "legal-holds", hold_digest("lift", "", b.signed_sha256)
    ),
}
