"""`blindlink-broker`: the operator's commands. Each is imported only when it is called for."""

from __future__ import annotations

import errno
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

from app.errors import BrokerError, place_of
from app.features import FEATURES
from schemas.documents.errors import FormatError
from schemas.shared.command_line import LazyGroup, complain, flat
from schemas.shared.memory import guard_memory

# What `--help` says of each, on one line of 80 columns. Nothing heavy is imported to list them.
SECTIONS: Final = {
    "Set up and run": {
        "init": "Set up a broker in the state folder.",
        "serve": "Serve the HTTPS API and the pages.",
        "work": "Do the runs that wait.",
        "doctor": "Check settings, stores, log and kernel.",
        "migrate": "Bring the database to the newest schema.",
    },
    "Parties and projects": {
        "open": "Enrol parties and invite their people, from a file.",
        "agency": "Enrol and list parties.",
        "person": "Invite, confirm and revoke people.",
        "project": "Open, list and show projects.",
        "page-link": "Print a link that signs you in to the pages.",
    },
    "Keys and backups": {
        "backup": "Back up database and blobs.",
        "backup-keys": "Back up the keys, for a short time.",
        "restore": "Restore a backup of database and blobs.",
        "move-blobs": "Move blobs from files into the object store.",
        "key-ring": "Replace the key that wraps all others.",
        "log-key": "Show and replace the key that signs the match log.",
    },
    "Destruction": {
        "destroy": "Destroy a project or upload, with a certificate.",
        "certificate": "List and show certificates of destruction.",
        "hold": "Set and lift legal holds.",
    },
    "Try it": {"demo": "Rehearse the whole job here, with invented people."},
    **FEATURES.listed_commands("blindlink-broker"),
}
COMMANDS: Final = flat(SECTIONS)
NOT_ALLOWED: Final = "this account may not read or write a file or folder that it needs"
_GUIDE: Final = "docs/operator.md#if-something-is-wrong"
_ELSEWHERE: Final = {
    "destroy": "destruction",
    "certificate": "destruction",
    "hold": "destruction",
    "backup-keys": "backup",
    "restore": "backup",
    "move-blobs": "backup",
    **FEATURES.command_modules("blindlink-broker"),
}


class BrokerGroup(LazyGroup):
    """Turns errors into one line and a hint."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a refusal becomes one line, a hint and an exit code."""
        # Before any command: serve opens encodings and streams link IDs, others open keys or read containers.
        guard_memory()
        try:
            return super().invoke(ctx)
        except BrokerError as exc:
            fail(exc.detail, exc.hint)
        except FormatError as exc:
            fail(str(exc), getattr(exc, "hint", None), code=3)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except PermissionError:
            fail(NOT_ALLOWED, f"type it as the account that runs the broker; {_GUIDE}")
        except ModuleNotFoundError as exc:
            fail(
                f"this command needs the package {exc.name}, which is not installed",
                "install what a broker needs: the extra broker of the package blindlink",
            )
        except Exception as exc:  # noqa: BLE001 - a foreign message may hold values, so none is shown
            from sqlalchemy.exc import DatabaseError, OperationalError

            if _is_of_full_disk(exc):
                fail("a disk is full", "make room; of a backup that broke off, remove the folder")
            if isinstance(exc, OperationalError):
                fail("the broker's database does not answer", "start it, or check database_url")
            # SQLite says so of a file that is none of its own, or not whole; all else has a class of its own.
            if type(exc) is DatabaseError:
                fail("the broker's database is damaged", _GUIDE)
            fail(f"the command failed with {type(exc).__name__} at {place_of(exc)}")


def _is_of_full_disk(exc: Exception) -> bool:
    origin = getattr(exc, "orig", exc)
    is_full_to_sqlite = getattr(origin, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return is_full_to_sqlite or getattr(origin, "errno", None) in {errno.ENOSPC, errno.EDQUOT}


def fail(message: str, hint: str | None = None, *, code: int = 1) -> None:
    """Say what is wrong, and what to do, on standard error, and end.

    Exit codes: 1 refused or failed, 2 usage, 3 input data invalid.
    """
    plain = f"{message[:1].lower()}{message[1:].removesuffix('.')}"
    complain("blindlink-broker", plain, hint)
    sys.exit(code)


@click.group(
    cls=BrokerGroup,
    sections=SECTIONS,
    package="app.cli",
    elsewhere=_ELSEWHERE,
    name="blindlink-broker",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The broker's state folder; BLINDLINK_STATE_DIR, or ./broker-state, if not given.",
)
@click.version_option(version("blindlink"), prog_name="blindlink-broker")
@click.pass_context
def main(ctx: click.Context, state_dir: Path | None) -> None:
    """Run a Blindlink broker: it compares encodings and never sees an identifier or the secret.

    Example: blindlink-broker init --self-signed, then blindlink-broker serve
    """
    ctx.obj = state_dir
