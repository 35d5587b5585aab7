"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold."""

from __future__ import annotations

from typing import Final

import click

from schemas.shared.command_line import LazyGroup

# In alphabetical order, as click lists commands.
COMMANDS: Final = {
    "certificate": "Check certificates of destruction.",
    "disclosures": "Write the register of disclosures: who received what, and why.",
    "fetch": "Fetch a bundle of the log from the broker, to keep.",
    "key": "Your own key, with which you sign reports.",
    "matches": "Show a run's match record: its weights, and each decision.",
    "page-link": "Print a link that signs you in to the broker's pages.",
    "proof": "Check proofs that entries are in the match log.",
    "report": "Verify the log and write a signed report on it.",
    "report-verify": "Check that a report is as the auditor signed it.",
    "sample": "Draw links of a run, and open them with the agencies.",
    "show": "Print the log as a timeline in plain words.",
    "verify": "Verify a bundle of the log: every entry, pin and rule.",
    "watch": "Hold the broker's newest checkpoint to those seen before.",
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    package="app.auditor.commands",
    elsewhere={"report-verify": "report"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement."""


if __name__ == "__main__":
    main()
