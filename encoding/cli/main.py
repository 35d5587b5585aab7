"""`blindlink`: the agency's command line. Commands are loaded when they are called, so that help is quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from encoding.cli.parts.failures import exit_status
from encoding.cli.parts.options import agency_options
from encoding.errors import AgencyError
from schemas.shared.command_line import LazyGroup, emit, owes_json

# In the order in which an analyst meets them.
COMMANDS: Final = {
    "trial": "Link two files of yours on the spot, to see what comes out.",
    "start": "Make your keys and settings from the operator's invitation.",
    "init": "Say in blindlink.toml where your file of people is.",
    "identity": "Make your own keys and show their fingerprint.",
    "agreement": "Draft, read and sign what is agreed.",
    "roster": "Say and change who acts for your party.",
    "approve": "Approve runs and releases, as the agreement asks.",
    "workspace": "Protect, back up and hand over what only this computer knows.",
    "secret": "Make the secret that only the agencies share.",
    "check": "Report on the quality of a file before it is encoded.",
    "encode": "Encode the file of people; nothing leaves this computer.",
    "upload": "Send the encodings and keep the receipt.",
    "round": "See where the round stands, or correct it.",
    "run": "Say how the runs of the round stand, and wait for them.",
    "links": "Agree on link IDs and put the record IDs beside them.",
    "unlink": "Retire the link ID of a record that was linked wrongly.",
    "relink": "Undo your own agency's unlink.",
    "rollback": "Go back to the link IDs of an earlier round, together with all others.",
    "review": "Decide pairs that a run has held back.",
    "deliver": "Send a partner listed columns by the broker, sealed.",
    "attach": "Write the columns that a partner has delivered beside the own rows.",
    "extract": "Write link IDs and listed columns, to hand over.",
    "join": "Attach received columns to the own rows by link ID.",
    "seal": "Encrypt a file to the persons of another party.",
    "open": "Read what was sealed to you.",
    "resolve": "Say which of your records some handles stand for.",
    "status": "Say where the linkage stands and what comes next.",
    "report": "Write one page of where your agency stands.",
    "refresh": "Do what is due, unattended, every night.",
    "receipt": "Check the proofs that the broker has given.",
    "log": "Pin and cosign the broker's match log.",
    "disclosures": "Say which disclosures concern one of your records.",
    "known": "Bring in pairs of records that are known from before.",
    "withdraw-record": "Have one of your records linked no more.",
    "destroy": "Destroy what the broker or this computer holds, with proof.",
    "certificate": "Show and counter-sign certificates of destruction.",
    "hold": "Set and lift legal holds.",
    "audit-pack": "Write one file for an auditor: proofs, and openings of a sample.",
    "calibrate": "Recommend passes, and predict what they find.",
    "privacy-audit": "Attack your own encodings before they are sent.",
    "schema": "Show, check and compare encoding profiles.",
    "clk": "Make plain CLKs, to exchange with users of clkhash and anonlink.",
    "synth": "Write two agencies' rehearsal files of invented people.",
    "evaluate": "Measure links against a known truth.",
}


class AgencyGroup(LazyGroup):
    """Turns errors into exit codes, and with --json into a document."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its error is a document, too, where one is asked for and none was printed."""
        try:
            return super().invoke(ctx)
        except AgencyError as exc:
            if owes_json():
                emit({"error": {"code": exc.code, "message": str(exc), "hint": exc.hint}})
            raise

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; outside tests, end the process with one of docs/exit-codes.md."""

        def run() -> object:
            return super(AgencyGroup, self).main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )

        return exit_status("blindlink", run) if standalone_mode else run()


@click.group(
    cls=AgencyGroup,
    table=COMMANDS,
    package="encoding.cli.commands",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "BLINDLINK"},
    epilog="Example: blindlink start ann.invitation, then: blindlink status. The guide is docs/analyst.md.",
)
@agency_options
@click.version_option(package_name="blindlink")
def main() -> None:
    """Link your agency's records with another's, without showing anyone who your people are."""
