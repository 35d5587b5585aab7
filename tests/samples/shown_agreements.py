"""Agreements and approvals as a broker shows them, honest or not, about the example's parties."""

from __future__ import annotations

import copy
from typing import Any

from samples.agreement import AGREEMENT, amended, consent, digest_of, private, signed, stated
from samples.documents import PROFILE

from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementView
from schemas.api.projects import ProjectView
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification, RunUpload

Profile = EncodingProfile.from_json(PROFILE)
FIRST: dict[str, Any] = copy.deepcopy(AGREEMENT) | {"profile": Profile.digest()}
SECOND: dict[str, Any] = amended(FIRST, end="2028-08-31")
STEWARDS = ("ann", "eve", "kim", "sue")
RUN = "run-" + "7" * 32


def view(raw: dict[str, Any] = FIRST, **changes: Any) -> AgreementView:
    """An agreement that all have signed, as an honest broker shows it, with these fields changed."""
    shown: dict[str, Any] = {
        "state": "in-force",
        "agreement": raw,
        "profile": PROFILE,
        "proposed": "2026-08-20T08:00:00Z",
        "proposed_by": "child-welfare",
        "consents": [consent(name, raw) for name in STEWARDS],
        "notices": [],
        "missing": [],
        "suspended_by": [],
    }
    return AgreementView.from_json(shown | changes)


def notice(name: str, act: str, at: str, raw: dict[str, Any] = FIRST) -> dict[str, Any]:
    """A person's signed notice."""
    return signed(stated("notice", name, raw, act=act, reason="A reason.", at=at), private(name))


def project(raw: dict[str, Any] = FIRST, **changes: Any) -> ProjectView:
    """The project as an honest broker shows it under an agreement."""
    agreement = Agreement.from_json(raw)
    shown: dict[str, Any] = {
        "project": agreement.project,
        "agreement": agreement.digest(),
        "terms": agreement.terms().to_json(),
        "profile": PROFILE,
        "in_force": True,
    }
    return ProjectView.from_json(shown | changes)


def specification(raw: dict[str, Any] = FIRST, **changes: Any) -> RunSpecification:
    """A run that the agreement provides for."""
    terms = Agreement.from_json(raw).terms()
    uploads = tuple(
        RunUpload(
            party=party,
            upload=f"upl-{number:032x}",
            container_sha256=f"{number}" * 64,
            manifest_sha256=f"{number + 4}" * 64,
        )
        for number, party in enumerate(terms.pairs[0], 1)
    )
    made = RunSpecification(
        run=RUN,
        project=terms.project,
        epoch=terms.epoch,
        round=1,
        agreement=digest_of(raw),
        uploads=uploads,
        profile=terms.profile,
        policy=terms.policy,
        recipients=terms.recipients,
        spaces=terms.spaces,
        floor=terms.floor,
        asked_by="k12",
        asked_at="2026-09-07T06:00:00Z",
    )
    return RunSpecification.from_json(made.to_json() | changes)
