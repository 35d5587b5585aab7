"""Templates: always escaped, a missing value is a fault, and the filters that put values into words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.version import VERSION
from app.web.assets import asset_path
from app.web.entries import entry_text, event_words, object_page
from schemas.shared.amounts import byte_size, plain_time, shown

# No inline script or style, nothing from elsewhere, no frame, no form that leaves the broker.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS: Final = {"content-security-policy": CONTENT_SECURITY_POLICY}

# States as people say them; what is not here is its own word.
STATE_WORDS: Final = {
    "open": "being sent",
    "checking": "being checked",
    "committed": "received",
    "expired": "never finished",
    "destroyed": "destroyed",
    "awaiting": "waiting for approval",
    "queued": "waiting",
    "running": "under way",
    "succeeded": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a page's HTML."""
    return _environment().get_template(template).render(context)


def show_digest(text: str) -> Markup:
    """Return a digest as the macro of that name shows it."""
    return Markup('<code class="digest">{}</code>').format(text)


def show_time(text: str | None) -> Markup | str:
    """Return a time of the broker's, in UTC and in whole seconds, as an HTML time; None is `never`."""
    if text is None:
        return "never"
    return Markup('<time datetime="{}">{}</time>').format(text, plain_time(text))


def show_duration(seconds: int) -> str:
    """Return a length of time in its two largest units."""
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def show_state(state: str) -> str:
    """Return a state of an upload or run in words."""
    return STATE_WORDS.get(state, state)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("app.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(event=event_words, canonical=entry_text, object_page=object_page)
    environment.filters.update(
        when=show_time, count=shown, size=byte_size, duration=show_duration, state=show_state
    )
    environment.globals.update(asset=asset_path, software=VERSION)
    environment.globals["show"] = environment.get_template("macros.html").module
    return environment
