"""The commands of docs/destruction.md, typed by those for whom they stand there, in their order."""

from __future__ import annotations

import re
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rigs.agreement import AgreementRig

from app.auditor.cli import main as audit_main
from app.broker import open_broker
from app.cli.main import main as broker_main
from app.evidence.service import write_bundle
from encoding.destruction.local_copies import IN_WORDS

GUIDE = (Path(__file__).parents[2] / "docs/destruction.md").read_text("utf-8")
BLOCK = re.compile(r"<!-- (\w+) -->\n```sh\n(.*?)```", re.DOTALL)
# The page's record, as the rig's file calls one.
KNOWN = {"4711": "9"}
# What is answered where a person would be asked.
ASKED = ("destroy", "hold --set", "hold --lift", "withdraw-record")


def typed(section: str) -> list[tuple[str, list[str]]]:
    """Return who types which words in a section, in order."""
    text = GUIDE.split(f"## {section}\n")[1].split("\n## ")[0]
    return [
        (who, shlex.split(line))
        for who, block in BLOCK.findall(text)
        for line in block.splitlines()
    ]


def type_all(rig: AgreementRig, section: str) -> list[str]:
    """Type all commands of a section; returns what each said on both outputs."""
    said = []
    for who, (program, *words) in typed(section):
        if program == "blindlink":
            is_asked = " ".join(words).startswith(ASKED)
            known = [KNOWN.get(word, word) for word in words]
            done = rig.desks[who].ok(*known, *(("--yes",) if is_asked else ()))
        elif program == "blindlink-broker":
            state = str(rig.broker.settings.state_dir)
            done = passed(CliRunner().invoke(broker_main, ["--state", state, *words]))
        else:
            done = passed(CliRunner().invoke(audit_main, words))
        said.append(done.stdout + done.stderr)
    return said


def passed(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def test_the_guide_leads_from_a_record_to_the_last_certificate(
    rig: AgreementRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # The operator's commands go by the test's clock, too.
    monkeypatch.setattr(
        "app.broker.open_broker", partial(open_broker, clock=rig.broker.machine_clock)
    )
    rig.agree()
    rig.upload()
    rig.desks["bob"].ok("round", "--runs")
    said = type_all(rig, "One record")
    assert "the record is withdrawn; the match log records it" in said[0]
    assert "awaiting" in said[1]
    held = type_all(rig, "A legal hold")
    assert "Order of the court" in held[1]
    destroyed = type_all(rig, "Ask for it earlier")
    assert "counter-signed by: welfare" in destroyed[0]
    signed = type_all(rig, "Read the certificate, and sign it")
    assert "counter-signed by: schools, welfare" in signed[-1]
    (local,) = type_all(rig, "What lies with you")
    assert "the statement is signed and sent" in local
    operator = type_all(rig, "The operator")
    assert "Case 26-17" in operator[1]
    assert list(rig.broker.keystore.object_ids()) == []
    with (
        write_bundle(rig.broker, rig.near.operator, None) as bundle,
        open("log.bundle", "wb") as file,
    ):
        shutil.copyfileobj(bundle, file)
    (verified,) = type_all(rig, "The auditor")
    assert "certificate  crt-" in verified


def test_the_guide_names_what_the_command_removes() -> None:
    table = GUIDE.split("It removes, of this project:")[1].split("\n\n")[1]
    kinds = re.findall(r"^\| ([a-z][^|]*) \|", table, re.MULTILINE)[1:]
    assert len(kinds) == len(IN_WORDS)
    spoken = " ".join(IN_WORDS.values())
    for kind in kinds:
        assert kind.split(",")[0] in spoken or kind.startswith("encodings"), kind
