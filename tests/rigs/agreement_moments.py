"""Moments of an agreement from which tests go on, and what they often ask of desks, commands and the log."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import Result
from rigs.agreement import AgreementRig
from rigs.moments import Moments
from rigs.near_broker import near_broker

from app.auditor.verdict import Verdict
from app.auditor.verify import verify_bundle
from app.matchlog.export import export_bundle
from encoding.workspace.config import read_config, render_config

Reach = Callable[[AgreementRig], object]


@contextmanager
def rig_at(
    folder: Path, moments: Moments, *moments_of: tuple[str, Reach]
) -> Iterator[AgreementRig]:
    """Give everyone at their desks at the last of these moments, each with what leads to it."""
    with near_broker(folder / "broker") as near:
        rig = AgreementRig(near)
        for name, steps in (("set up", AgreementRig.set_up), *moments_of):
            moments.reach(near, name, lambda act=steps: act(rig) and None, __name__)
        yield rig


def agree(rig: AgreementRig) -> None:
    """Let everyone sign, and bob take the agreement from the sheet."""
    fingerprint = rig.agree()
    rig.desks["bob"].ok("agreement", "accept", *fingerprint.split())


def refused(result: Result, code: int = 1) -> str:
    """Return what a command says that ends with this exit code."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return str(result.stderr)


def verified(rig: AgreementRig) -> Verdict:
    """Verify the broker's whole log, as an auditor does."""
    bundle = io.BytesIO()
    with rig.broker.database.read() as session:
        bundle.writelines(export_bundle(session))
    bundle.seek(0)
    return verify_bundle(bundle)


def share_columns(folder: Path, *columns: str) -> None:
    """Have the settings in a folder share these columns."""
    path = folder / "blindlink.toml"
    sections = read_config(path).sections
    shared = sections.share.model_copy(update={"columns": columns})
    path.write_text(render_config(sections.model_copy(update={"share": shared})), "utf-8")
