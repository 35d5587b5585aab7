"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold.

Commands are loaded when they are called, so that help is quick.
"""

from __future__ import annotations

import importlib
from typing import Final

import click

# In alphabetical order, as click lists commands.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "certificate": ("certificate:certificate", "Check certificates of destruction."),
    "disclosures": (
        "disclosures:disclosures",
        "Write the register of disclosures: who received what, and why.",
    ),
    "fetch": ("fetch:fetch", "Fetch a bundle of the log from the broker, to keep."),
    "key": ("key:key", "Your own key, with which you sign reports."),
    "matches": ("matches:matches", "Show a run's match record: its weights, and each decision."),
    "page-link": ("page_link:page_link", "Print a link that signs you in to the broker's pages."),
    "proof": ("proof:proof", "Check proofs that entries are in the match log."),
    "report": ("report:report", "Verify the log and write a signed report on it."),
    "report-verify": ("report:report_verify", "Check that a report is as the auditor signed it."),
    "sample": ("sample:sample", "Draw links of a run, and open them with the agencies."),
    "show": ("show:show", "Print the log as a timeline in plain words."),
    "verify": ("verify:verify", "Verify a bundle of the log: every entry, pin and rule."),
    "watch": ("watch:watch", "Hold the broker's newest checkpoint to those seen before."),
}


class AuditorGroup(click.Group):
    """Loads a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"app.auditor.commands.{module}"), attribute)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, without loading any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=AuditorGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement."""


if __name__ == "__main__":
    main()
