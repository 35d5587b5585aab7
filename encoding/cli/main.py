"""`blindlink`: the agency's command line. Commands are loaded when they are called, so that help is quick."""

from __future__ import annotations

from typing import Any, Final

import click

from encoding.cli.terminal.failures import exit_status
from encoding.cli.terminal.options import program_options
from encoding.errors import AgencyError
from encoding.features import FEATURES
from encoding.project.problem_words import as_told
from schemas.shared.command_line import LazyGroup, emit, flat, owes_json
from schemas.shared.memory import guard_memory

# What `--help` says of each, on one line of 80 columns, in the order in which an analyst meets them.
SECTIONS: Final = {
    "Try it and measure": {
        "trial": "Link two of your files on the spot, to see what comes out.",
        "check": "Report on a file's quality before you encode it.",
        "privacy-audit": "Test your encodings against an outsider's attacks.",
        "calibrate": "Recommend passes, and predict what they find.",
        "evaluate": "Measure links against a known truth.",
        "schema": "Show, check and compare encoding profiles.",
        "synth": "Write two agencies' rehearsal files of invented people.",
    },
    "Begin": {
        "start": "Make your keys and settings from an invitation.",
        "init": "Say in blindlink.toml where your file of people is.",
        "agreement": "Draft, read and sign the agreement.",
        "people": "See who takes part, compare keys, and keep your own.",
        "secret": "Make the secret that only the agencies share.",
        "workspace": "Protect, back up and hand over your workspace.",
    },
    "Every week": {
        "refresh": "Do everything that is due, unattended, every night.",
        "status": "Show where the linkage stands and what comes next.",
        "report": "Write a page of your agency, or of the newest round.",
        "encode": "Encode your file; nothing leaves this computer.",
        "upload": "Send the encodings, and keep the receipt.",
        "round": "See where the round stands, wait for it, or correct it.",
        "approve": "Approve runs and releases, as the agreement asks.",
        "links": "Agree on link IDs, and write them beside record IDs.",
        "review": "Decide the pairs that a run has sent to review.",
    },
    "Records and links": {
        "deliver": "Send a partner the listed columns, sealed.",
        "attach": "Write a partner's delivered columns beside your rows.",
        "seal": "Encrypt a file to the people of another party.",
        "open": "Read what was sealed to you.",
        "resolve": "Show which of your records some handles stand for.",
        "known": "Bring in pairs of records that you know already.",
        "unlink": "Retire the link ID of a wrong link, or undo that.",
        "rollback": "Go back, with all others, to an earlier round's link IDs.",
        "withdraw-record": "Stop one of your records from being linked.",
    },
    "Proof and end": {
        "receipts": "Check the proofs that the broker has given you.",
        "pin": "Pin and cosign the broker's match log.",
        "disclosures": "List the disclosures that concern one of your records.",
        "audit-pack": "Write one file of proofs and openings for an auditor.",
        "hold": "Set and lift legal holds.",
        "destroy": "Destroy what the broker or this computer holds.",
        "certificate": "Show and countersign certificates of destruction.",
    },
    **FEATURES.listed_commands("blindlink"),
}
COMMANDS: Final = flat(SECTIONS)


class AgencyGroup(LazyGroup):
    """Turns errors into exit codes, and with --json into a document."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that was typed; two files that shall be linked are a trial."""
        if args[0] in ("link", "match") and len(args) > 1:
            raise click.UsageError(
                f"to link two files, type: blindlink trial {' '.join(args[1:])}", ctx
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its error is a document, too, where one is asked for and none was printed."""
        # Before any command: most read records of people, or open keys.
        guard_memory()
        try:
            return super().invoke(ctx)
        except AgencyError as exc:
            if owes_json():
                told = as_told(exc)
                emit({"error": {"code": told.code, "message": str(told), "hint": told.hint}})
            raise

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command; outside tests, end the process with one of docs/exit-codes.md."""

        def run() -> object:
            return super(AgencyGroup, self).main(*args, standalone_mode=False, **extra)

        return exit_status("blindlink", run) if standalone_mode else run()


@click.group(
    cls=AgencyGroup,
    sections=SECTIONS,
    package="encoding.cli.commands",
    elsewhere=FEATURES.command_modules("blindlink"),
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "BLINDLINK"},
    epilog="Example: blindlink start ann.invitation, then: blindlink status. The guide is docs/analyst.md.",
)
@program_options
@click.version_option(package_name="blindlink")
def main() -> None:
    """Link your agency's records with another's, without showing anyone who your people are.

    Each command takes the options below, before its name or after it, and those that its own help lists.
    """
