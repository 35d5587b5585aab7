"""All pages as one router, for `app.main`."""

from __future__ import annotations

from fastapi import APIRouter

from app.web import assets
from app.web.pages import log, projects, releases, runs, sign_in, uploads

router = APIRouter()
for part in (assets, sign_in, projects, uploads, runs, releases, log):
    router.include_router(part.router)
