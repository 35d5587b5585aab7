"""All pages as one router, for `app.main`."""

from __future__ import annotations

from fastapi import APIRouter

from app.web import assets
from app.web.pages import (
    access,
    agreements,
    approvals,
    decisions,
    deliveries,
    destructions,
    disclosures,
    hubs,
    log,
    projects,
    releases,
    retention,
    reviews,
    rounds,
    runs,
    sign_in,
    timeline,
    uploads,
)

router = APIRouter()
for part in (
    assets,
    sign_in,
    projects,
    hubs,
    agreements,
    approvals,
    rounds,
    uploads,
    runs,
    decisions,
    reviews,
    releases,
    deliveries,
    timeline,
    access,
    disclosures,
    retention,
    destructions,
    log,
):
    router.include_router(part.router)
