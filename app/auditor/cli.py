"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold."""

from __future__ import annotations

from typing import Final

import click

from app.features import FEATURES
from schemas.shared.command_line import LazyGroup, flat

# What `--help` says of each, on one line of 80 columns.
SECTIONS: Final = {
    "Check the log": {
        "fetch": "Fetch a bundle of the log from the broker, to keep.",
        "verify": "Verify a bundle: every entry, pin and rule.",
        "show": "Print the log as a timeline in plain words.",
        "compare": "Find out whether several readers were shown one log.",
        "proof": "Check proofs that entries are in the match log.",
    },
    "Check what was done": {
        "disclosures": "List who received what, under which basis.",
        "matches": "Show a run's weights, and how each pair was decided.",
        "certificate": "Check certificates of destruction.",
    },
    "Report": {
        "report": "Verify the log, and write a signed report on it.",
        "report-verify": "Check that a report is as the auditor signed it.",
        "key": "Make and show the key with which you sign reports.",
        "page-link": "Print a link that signs you in to the broker's pages.",
    },
    **FEATURES.listed_commands("blindlink-audit"),
}
COMMANDS: Final = flat(SECTIONS)


@click.group(
    cls=LazyGroup,
    name="blindlink-audit",
    sections=SECTIONS,
    package="app.auditor.commands",
    elsewhere={"report-verify": "report", **FEATURES.command_modules("blindlink-audit")},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement."""


if __name__ == "__main__":
    main()
