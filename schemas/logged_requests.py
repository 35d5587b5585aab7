"""Which request a person signs so that the log may say that they did something.

Broker and verifier hold an entry's signed request against this one table. Spec page:
`schemas/spec/signed-request.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.api import ReleaseVerification, RunRequest
from schemas.canonical import canonical_digest
from schemas.delivery import DeliveryOpening
from schemas.destruction import HoldAct
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import RunAsked, UploadReceived
from schemas.rounds import Correction
from schemas.run import MatchingPolicy
from schemas.signed_request import Request


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


def upload_digest(received: UploadReceived) -> str:
    """Return the digest of what the log says of an upload, which its request states."""
    said = received.model_dump(mode="json", exclude={"signature"})
    return canonical_digest(said)


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
        return _project(entry, "rounds")
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
    "share-relayed": lambda e, b: _project(e, "shares", b.sha256),
    "share-fetched": lambda _, b: Asked(f"GET /v1/shares/{b.share}"),
    "shares-withdrawn": lambda e, b: _project(e, f"shares?epoch={b.epoch}", method="DELETE"),
    "secret-confirmed": lambda e, b: _project(e, "confirmations", b.sha256),
    "round-opened": _round_opened,
    "round-superseded": lambda e, b: _project(
        e, f"rounds/{b.round}/corrections", Correction(reason=b.reason).digest()
    ),
    "claims-received": _claims,
    "statement-received": lambda e, b: _project(
        e, f"rounds/{b.round}/statements/{b.space}", b.sha256, method="PUT"
    ),
    "upload-received": lambda e, b: Asked(
        f"POST /v1/uploads/{e.object}/commit", (upload_digest(b),)
    ),
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
    "record-withdrawn": lambda e, _: _project(e, "withdrawals"),
    "legal-hold-set": lambda e, b: _project(
        e, "legal-holds", hold_digest("set", b.order, b.signed_sha256)
    ),
    "legal-hold-lifted": lambda e, b: _project(
        e, "legal-holds", hold_digest("lift", "", b.signed_sha256)
    ),
}
