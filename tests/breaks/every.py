"""Every way to break a rule of the log, by rule, and what an auditor is shown beside the entry that does.

`python -m breaks.every` writes `evidence.json` anew: of each break the kind of the entry that the evidence
points at, and what else the evidence names. Read the difference before you keep it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

from breaks.between_agreements import BETWEEN_BREAKS
from breaks.deliveries import DELIVERY_BREAKS
from breaks.destruction import DESTRUCTION_BREAKS
from breaks.persons import PERSON_BREAKS
from breaks.reviews import REVIEW_BREAKS
from breaks.rounds import ROUND_BREAKS
from breaks.rules import BREAKS, Break
from breaks.signed import SIGNED_BREAKS
from samples.log import SampleLog, story

from app.auditor.errors import RuleBrokenError
from app.auditor.verify import verify_bundle

ALL_BREAKS: dict[str, dict[str, dict[str, Break]]] = {
    "rules": BREAKS,
    "rounds": ROUND_BREAKS,
    "signed": SIGNED_BREAKS,
    "reviews": REVIEW_BREAKS,
    "destruction": DESTRUCTION_BREAKS,
    "deliveries": DELIVERY_BREAKS,
    "persons": PERSON_BREAKS,
    "between_agreements": BETWEEN_BREAKS,
}


def breaks_of(table: str) -> Iterator[tuple[str, str, Break]]:
    """Go through the breaks of a table: name, rule and function."""
    for rule, breaks in ALL_BREAKS[table].items():
        for name, broken in breaks.items():
            yield f"{rule}-{table}-{name}", rule, broken


CASES: dict[str, tuple[str, Break]] = {
    name: (rule, broken) for table in ALL_BREAKS for name, rule, broken in breaks_of(table)
}
STORED = Path(__file__).with_name("evidence.json")


def shown(log: SampleLog, error: RuleBrokenError) -> list[str]:
    """Return what the evidence points at: the kind of another entry, and names of what else it holds."""
    other = error.evidence.get("other_index")
    pointed_at = [] if other is None else [log.entries[other].kind]
    return pointed_at + sorted(error.evidence.keys() - {"kind", "other_index"})


def main() -> None:
    found = {}
    for name, (_, broken) in sorted(CASES.items()):
        log = story(11, n_weeks=1)
        broken(log)
        try:
            verify_bundle(io.BytesIO(log.bundle()))
        except RuleBrokenError as error:
            found[name] = shown(log, error)
    lines = (f" {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
