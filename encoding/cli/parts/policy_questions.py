"""What `blindlink agreement draft` asks about how records are compared, and when a pair is linked."""

from __future__ import annotations

from typing import Any, Final

from encoding.cli.parts.prompts import ask_confirmation, ask_share, ask_text

Answers = dict[str, Any]

# Written out, since asking must not load what makes profiles.
SHIPPED_PROFILES: Final = ("children", "generic-person")


def ask_profile() -> Answers:
    """Return the encoding profile; of a shipped one, whether it compares ZIP codes."""
    name = ask_text(
        f"Encoding profile: {', '.join(SHIPPED_PROFILES)}, or a file", SHIPPED_PROFILES[0]
    )
    if name not in SHIPPED_PROFILES:
        return {"profile": name}
    return {
        "profile": name,
        "zip": ask_confirmation("Do both files have ZIP codes that may be compared", default=True),
    }


def ask_policy() -> Answers:
    """Return when a pair is linked; the rest is as measured on rehearsal data."""
    auto = ask_share("From which match probability a pair is linked without review", "0.9")
    return {
        "auto": auto,
        "review": ask_share("From which probability it is held back for clerical review", "0.05"),
        "review_share": ask_share("At most which share of the smaller file is held back", "0.05"),
        "twin_guard": ask_confirmation(
            "Is a pair held back that twins would explain as well", default=False
        ),
        "prior_matches": ask_share("Which share of the smaller file you expect to match", "0.4"),
        "link_rate": {
            "least": ask_share("Below which share of links nothing is released", "0"),
            "most": ask_share("Above which share of links nothing is released", "1"),
        },
    }
