"""axe-core, put into a page: which rules of accessibility it breaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


def violations(page: Page) -> list[str]:
    """Return every violation, with the beginning of what breaks the rule; the page must let scripts in."""
    page.add_script_tag(path=AXE)
    found: Any = page.evaluate("axe.run()")
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
