"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold."""

from __future__ import annotations

from typing import Any, Final

import click

from app.features import FEATURES
from schemas.shared.command_line import INPUT_FILE, LazyGroup, SharedOption, flat, shared_json

# What `--help` says of each, on one line of 80 columns.
SECTIONS: Final = {
    "Check the log": {
        "verify": "Verify a log, fetch it, or compare those of several readers.",
        "show": "Print the log as a timeline in plain words.",
        "check": "Check proofs, a certificate of destruction, or a report.",
    },
    "Check what was done": {
        "disclosures": "List who received what, under which basis.",
        "matches": "Show a run's weights, and how each pair was decided.",
    },
    "Report": {
        "report": "Verify the log, and write a signed report on it.",
        "key": "Make and show the key with which you sign reports.",
        "page-link": "Print a link that signs you in to the broker's pages.",
    },
    **FEATURES.listed_commands("blindlink-audit"),
}
COMMANDS: Final = flat(SECTIONS)


def _shared(name: str, field: str, said: str, **attrs: Any) -> SharedOption:
    def note(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value and not ctx.resilient_parsing:
            # Here, so that the list of commands needs neither the formats nor the network.
            from app.auditor.options import with_option  # noqa: PLC0415 - see above

            ctx.obj = with_option(ctx, field, value)

    return SharedOption([name], callback=note, expose_value=False, help=said, **attrs)


SHARED: Final = (
    _shared(
        "--log-key",
        "log_keys",
        "The log's first key, as you got it from its operator; for what is checked without a log also those "
        "that replaced it.",
        metavar="KEY|FILE",
        multiple=True,
    ),
    _shared(
        "--pin",
        "pins",
        "Pin that you or an agency kept, as a file or the line that `blindlink pin` shows; repeatable.",
        metavar="FILE|LINE",
        multiple=True,
        # Not its type: a line is no path, and would not come through as one whole.
        shell_complete=INPUT_FILE.shell_complete,
    ),
    _shared("--token-file", "token_file", "File with your token for the broker.", type=INPUT_FILE),
    _shared("--ca-file", "ca_file", "Certificates to trust, and no others.", type=INPUT_FILE),
    _shared(
        "--project", "project", "Only this project; with a URL, its view of the log and no more."
    ),
    _shared(
        "--force", "force", "Overwrite files that are there, but none that is read.", is_flag=True
    ),
)


@click.group(
    cls=LazyGroup,
    name="blindlink-audit",
    sections=SECTIONS,
    package="app.auditor.commands",
    elsewhere=FEATURES.command_modules("blindlink-audit"),
    context_settings={"help_option_names": ["-h", "--help"]},
    params=list(SHARED),
)
@shared_json
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement.

    Each command takes the options below, before its name or after it, and those that its own help lists.
    """


if __name__ == "__main__":
    main()
