"""The commands of docs/agreement.md, typed by those for whom they stand there, in their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rigs.agreement import COUNSEL, AgreementRig

GUIDE = (Path(__file__).parents[2] / "docs/agreement.md").read_text("utf-8")


def commands(section: str) -> list[list[str]]:
    text = GUIDE.split(f"## {section}\n")[1].split("\n## ")[0]
    found = re.findall(r"^    blindlink (.*)$", text, re.MULTILINE)
    return [re.findall(r'"[^"]*"|\S+', line) for line in found]


def type_in(rig: AgreementRig, name: str, words: list[str], *more: str) -> str:
    folder = rig.desks[name].folder
    said = [word.strip('"') for word in words]
    if ">" in said:
        said = said[: said.index(">")]
    said = [str(folder / w) if w.endswith((".json", ".html", ".toml")) else w for w in said]
    return rig.desks[name].ok(*said, *more).stdout


@pytest.mark.long
def test_the_guide_leads_from_a_draft_to_an_end(
    rig: AgreementRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, kim, bob = rig.desks["ann"].folder, rig.desks["kim"], rig.desks["bob"]
    monkeypatch.chdir(ann)
    fingerprint = rig.draft("foster-k12.agreement-1.json")
    for words in commands("Read it"):
        type_in(rig, "ann", words)
    send, show, sign, status, accept = commands("Sign it")
    assert send[1:3] == ["send", "foster-k12.agreement-1.json"]
    type_in(rig, "ann", send)
    type_in(rig, "kim", show)
    assert (kim.folder / "agreement.html").exists()
    answers = ("--fingerprint", fingerprint, "--keys-compared", *COUNSEL)
    for name in ("ann", "kim", "eve"):
        type_in(rig, name, sign, *answers, *rig.unlocked(name))
    assert "signed by all" in type_in(rig, "kim", status)
    type_in(rig, "bob", [*accept[:-1], *fingerprint.split()])
    amend = next(words for words in commands("Draft it") if "--amends" in words)
    type_in(rig, "ann", [*amend, "-o", "second.json"])

    pending, approve, standing, revoke, _ = commands("Approve runs")
    rig.upload()
    bob.ok("round", "--runs")
    for name in ("ann", "kim"):
        type_in(rig, name, pending)
        type_in(rig, name, approve, "--yes")
        type_in(rig, name, standing, "--yes")
        type_in(rig, name, revoke, "--yes")
    rig.work()
    rig.compare()
    rig.agree_on_links()
    for words in commands("Halt it, or leave"):
        type_in(rig, "kim", words, "--yes")
        rig.pass_time(minutes=1)
    assert "schools has left" in type_in(rig, "ann", status)


def test_every_reason_of_the_guide_is_one_that_the_program_gives() -> None:
    """The table's left column, with its placeholders left out, stands in the sources."""
    folder = Path(__file__).parents[2] / "encoding"
    paths = [*folder.glob("agreement/*.py"), folder / "cli/commands/agreement_signatures.py"]
    paths += [folder / "log/heads.py", *(folder.parent / "schemas/rules").glob("*.py")]
    sources = "".join(path.read_text("utf-8") for path in paths)
    plain = re.sub(r'"\s*f?"|\{[^}]*\}', "", sources)
    table = GUIDE.split("| it says |")[1]
    reasons = re.findall(r"^\| ([a-zX][^|]*) \|", table, re.MULTILINE)
    assert len(reasons) > 8
    for reason in reasons:
        for part in re.split(r"\bX\b|\bN\b|\.\.\.|(?<=rules:)", reason):
            assert " ".join(part.split()) in " ".join(plain.split()), reason
