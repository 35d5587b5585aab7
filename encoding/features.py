"""The agency's features at the edge, each a folder of `encoding.extras`."""

from __future__ import annotations

from typing import Final

from schemas.shared.features import Feature, Features

FEATURES: Final = Features(
    "encoding.extras",
    {
        "hub": Feature(
            "docs/hub.md",
            "blindlink",
            {"hub": "Link with many parties, in a project of two with each."},
        ),
        "linked_people": Feature("docs/outputs.md"),
        "tabulate": Feature(
            "docs/outputs.md",
            "blindlink",
            {"tabulate": "Count linked people, small groups left out."},
            needs=("highspy",),
        ),
        "export": Feature(
            "docs/outputs.md",
            "blindlink",
            {"export": "Write foster care status for your student system."},
        ),
        "freeze": Feature(
            "docs/outputs.md",
            "blindlink",
            {"freeze": "Keep links and columns as of a day, for a study."},
        ),
        "plain_clks": Feature(
            "docs/anonlink.md",
            "blindlink",
            {"clk": "Make plain CLKs for users of clkhash and anonlink."},
        ),
    },
)
