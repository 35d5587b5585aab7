"""The broker's and the auditor's features at the edge, each a folder of `app.extras`."""

from __future__ import annotations

from typing import Final

from schemas.shared.features import Feature, Features

FEATURES: Final = Features(
    "app.extras",
    {
        "anonlink": Feature(
            "docs/anonlink.md",
            "blindlink-broker",
            {"anonlink": "Serve clients of anonlink-entity-service."},
            needs=("fastapi", "sqlalchemy"),
        ),
        "exhaustive": Feature("docs/matching.md", check="kernel"),
        "incidents": Feature("docs/auditor.md"),
        "key_keepers": Feature("docs/operator.md"),
        "match": Feature(
            "docs/matching.md",
            "blindlink-broker",
            {"match": "Compare files of plain CLKs, without a broker."},
        ),
        "sampling": Feature(
            "docs/auditor.md",
            "blindlink-audit",
            {"sample": "Draw links of a run, and open them with the agencies."},
        ),
        "sign_on": Feature("docs/operator.md", needs=("joserfc",), check="sign-on"),
        "watch": Feature(
            "docs/auditor.md",
            "blindlink-audit",
            {"watch": "Hold the broker's newest checkpoint to those before."},
        ),
    },
)
