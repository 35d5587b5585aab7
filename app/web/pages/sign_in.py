"""Where a one-time link leads: its page exchanges the code in the link for a session."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from app.web.rendering import PAGE_HEADERS, render

router = APIRouter()

PATH = "/sign-in"


@router.get(PATH, include_in_schema=False, response_class=Response)
def show_sign_in() -> Response:
    """Show how to sign in; with a code in its address the page's script does."""
    html = render("sign_in.html", {"title": "Sign in", "project": None, "path": PATH})
    return HTMLResponse(html, headers=PAGE_HEADERS)
