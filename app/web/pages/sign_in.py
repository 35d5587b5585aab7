"""Where a one-time link leads: its page exchanges the code in the link for a session; and the other ways in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from app.web.paging import FIRST_PAGE, page_of
from app.web.rendering import PAGE_HEADERS, render
from app.wired import sign_on_of

router = APIRouter()

PATH = "/sign-in"


@router.get(PATH, include_in_schema=False, response_class=Response)
def show_sign_in(
    request: Request, next_page: Annotated[str, Query(alias="next")] = FIRST_PAGE
) -> Response:
    """Show how to sign in; with a code in its address the page's script does."""
    provider, next_page = sign_on_of(request), page_of(next_page)
    context = {
        "title": "Sign in",
        "project": None,
        "path": PATH,
        "sso_name": None if provider is None else provider.name,
        "next_page": None if next_page == FIRST_PAGE else next_page,
    }
    return HTMLResponse(render("sign_in.html", context), headers=PAGE_HEADERS)
