"""An audit from end to end: a real broker, two agencies, and an auditor who is given nothing on trust."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from rigs.live import PROJECT, LiveAgency, LiveBroker, command, compare, link, live_broker
from rigs.rehearsal import PROFILE, Rehearsal, links_of, rehearsing_agency, write_rehearsal

from app.auditor.cli import COMMANDS

pytestmark = pytest.mark.long
AUDITOR = "state-auditor"
GUIDE = (Path(__file__).parents[2] / "docs/auditor.md").read_text("utf-8")


class Audited:
    """A linkage that has been made, and the auditor's folder with a token and the log's key."""

    def __init__(
        self, broker: LiveBroker, folder: Path, agencies: dict[str, LiveAgency], people: Rehearsal
    ) -> None:
        self.broker, self.folder, self.agencies, self.people = broker, folder, agencies, people
        folder.mkdir()
        (folder / "log.key").write_text(broker.log_key + "\n")

    def type(self, *words: str | Path, status: int = 0) -> str:
        return command(self.folder, "blindlink-audit", *words, status=status)

    def at_broker(self, what: str, *words: str | Path, status: int = 0) -> str:
        token = self.broker.token_file(AUDITOR)
        where = ("--token-file", token, "--ca-file", self.broker.ca_file)
        return self.type(what, self.broker.url, *where, *words, status=status)

    def json(self, *words: str | Path) -> Any:
        return json.loads(self.type(*words, "--json"))


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("audit")
    people = write_rehearsal(folder, children=150, students=600)
    with live_broker(folder / "broker", PROFILE, auditors=(AUDITOR,)) as broker:
        agencies = {
            party: rehearsing_agency(broker, folder / party, party, people.files[party])
            for party in ("welfare", "schools")
        }
        compare(*agencies.values())
        link(*agencies.values())
        yield Audited(broker, folder / "auditor", agencies, people)


def the_run(agency: LiveAgency) -> str:
    """Return the only run of the newest round."""
    (run,) = agency.json("round", "--runs")["runs"]
    return str(run["run"])


def test_an_auditor_watches_verifies_and_writes_the_register(audited: Audited) -> None:
    audited.at_broker("watch", "--state", "watch", "--log-key", "log.key")
    for party, agency in audited.agencies.items():
        agency.type("pin", "-o", audited.folder / f"{party}.pin")
    pins = ("--pin", "welfare.pin", "--pin", "schools.pin")
    audited.at_broker("watch", "--state", "watch", *pins)
    audited.at_broker("watch", "--state", "watch", "--full", "--project", PROJECT, *pins)
    verdict = audited.json("verify", "watch/log.bundle", "--log-key", "log.key", *pins)
    assert verdict["pins"] == 2
    register = audited.json("disclosures", "watch/log.bundle", "--project", PROJECT)
    whats = [line["what"] for line in register["disclosures"]]
    # Anyone who waited for the other's claims has fetched its matches twice.
    assert (whats.count("encodings"), whats.count("match-ids")) == (2, 3)


def test_links_are_taken_from_the_log_to_the_agencies_own_records(audited: Audited) -> None:
    welfare = audited.agencies["welfare"]
    run = the_run(welfare)
    audited.at_broker("verify", "--project", PROJECT, "-o", "log.tar")
    audited.at_broker("matches", "--run", run, "--save", "run.record")
    held = audited.json("matches", "run.record", "--log", "log.tar", "--log-key", "log.key")
    n_auto = sum(c["decisions"] for c in held["counts"] if c["band"] == "auto")
    assert n_auto > 50
    drawing = ("sample", "8", "run.record", "--seed", "spring")
    audited.type(*drawing, "--log", "log.tar", "-o", "sample.json")
    packs: list[str | Path] = []
    for party, agency in audited.agencies.items():
        pack = audited.folder / f"{party}.pack"
        sample = ("--sample", audited.folder / "sample.json")
        assert agency.json("audit-pack", *sample, "-o", pack)["receipts"] == 2
        packs += ["--pack", pack]
    found = audited.json(*drawing, *packs, "--worksheets", "visit", "--html", "sample.html")
    assert len(found["links"]) == 8
    assert all(set(link["handles"]) == {"schools", "welfare"} for link in found["links"])
    assert found["log"]["receipts"] == {"schools": 2, "welfare": 2}
    seen = {party: at_the_visit(audited, party) for party in audited.agencies}
    students = [audited.people.student_of.get(client) for client in seen["welfare"]]
    assert students == seen["schools"]


def at_the_visit(audited: Audited, party: str) -> list[str]:
    """The record IDs that an agency puts in place of the handles on its worksheet, link by link."""
    sheet = audited.folder / "visit" / f"worksheet-{party}.csv"
    out = audited.agencies[party].folder / "visit.csv"
    audited.agencies[party].type("resolve", sheet, "-o", out)
    with out.open(encoding="utf-8", newline="") as file:
        return [row["record_id"] for row in sorted(csv.DictReader(file), key=lambda r: r["link"])]


def test_an_agency_says_which_disclosures_concern_a_child(audited: Audited) -> None:
    welfare = audited.agencies["welfare"]
    linked = list(links_of(welfare))
    proofs = audited.folder / "proofs"
    found = welfare.json("disclosures", "--record", linked[0], "--proofs", proofs)
    lines = found["disclosures"]
    assert {line["certainty"] for line in lines} == {"yes"}
    assert {(line["what"], line["giver"]) for line in lines} >= {
        ("encodings", "welfare"),
        ("link-ids", "welfare"),
        ("link-ids", "schools"),
    }
    assert len(list(proofs.iterdir())) == len({line["entry"] for line in lines})
    alone = next(name for name in clients(audited) if name not in linked)
    only = welfare.json("disclosures", "--record", alone)["disclosures"]
    assert [line["what"] for line in only] == ["encodings"]
    assert welfare.json("disclosures", "--record", "nobody") == {"known": False, "disclosures": []}


def clients(audited: Audited) -> list[str]:
    """Return the record IDs of child welfare's file."""
    return [row["client_id"] for row in audited.people.rows("welfare")]


def test_a_pack_names_nobody(audited: Audited) -> None:
    welfare = audited.agencies["welfare"]
    welfare.type("audit-pack", "-o", audited.folder / "plain.pack")
    raw = (audited.folder / "plain.pack").read_bytes()
    assert not [client for client in clients(audited) if client.encode() in raw]
    assert b"openings/" not in raw
    secret = (welfare.folder / "secret.txt").read_text().split()[-1]
    assert secret.encode() not in raw
    assert "verified" in audited.type("verify", "plain.pack", "--log-key", "log.key")


def guide_commands() -> list[list[str]]:
    """What docs/auditor.md shows to be typed, in its order, but signing in, which comes first."""
    blocks = re.findall(r"^```\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    typed = [shlex.split(line) for block in blocks for line in block.splitlines()]
    return [words for words in typed if words[:2] != ["blindlink", "people"]]


def test_the_guide_shows_every_command_of_the_program() -> None:
    shown = {words[1] for words in guide_commands() if words[0] == "blindlink-audit"}
    assert shown == set(COMMANDS)


def test_everything_in_the_guide_can_be_typed(audited: Audited) -> None:
    """In the auditor's folder, and where an agency types, in its own, from which files are handed over."""
    desk, welfare = audited.folder.parent / "guide", audited.agencies["welfare"]
    desk.mkdir()
    (desk / "words.txt").write_text("several words that nobody guesses", encoding="utf-8")
    (desk / "log.key").write_text(audited.broker.log_key, encoding="utf-8")
    for party, agency in (("county", welfare), ("schools", audited.agencies["schools"])):
        agency.type("pin", "-o", desk / f"{party}.pin")
    (desk / "auditor.token").write_bytes(audited.broker.token_file(AUDITOR).read_bytes())
    run = the_run(welfare)
    log = audited.folder / "log.tar"
    audited.at_broker("verify", "--project", PROJECT, "-o", log, "--force")
    told = audited.type("show", log, "--kind", "upload-received", "--json").splitlines()
    meant = {
        "https://broker.example.gov": audited.broker.url,
        "run-0123": run,
        "upl-0123": json.loads(told[0])["object"],
        "2026-07-01": "2020-01-01",
        "visit/worksheet-county.csv": "visit/worksheet-welfare.csv",
    }
    in_force = audited.type("show", log, "--kind", "agreement-in-force", "--json").splitlines()
    meant["3f5a09c1 ..."] = json.loads(in_force[-1])["agreement"]
    child = clients(audited)[0]
    welfare.type("disclosures", "--record", child, "--proofs", desk / "proofs")
    meant["proofs/entry-12.tlog-proof"] = str(next((desk / "proofs").iterdir()))
    for program, *words in guide_commands():
        said = [meant.get(word, word) for word in words]
        if audited.broker.url in said:
            said += ["--ca-file", str(audited.broker.ca_file)]
        if program == "blindlink":
            whose = audited.agencies["schools" if "schools.pack" in said else "welfare"]
            said = [str(desk / word) if "." in word else word for word in said]
            whose.type(*said)
        else:
            command(desk, program, *said)
    written = {path.name for path in desk.iterdir()}
    assert written >= {
        *("log.tar", "register.csv", "register.html", "run.record", "run.html", "run.csv"),
        *("county.pack", "schools.pack", "sample.json", "sample.html", "visit-county.csv"),
        *("auditor.key", "report.json", "report.html", "incident.html"),
    }


def test_a_replaced_log_key_is_followed_and_the_report_names_both(audited: Audited) -> None:
    """Comes last: the broker's log has another key from here on."""
    first = audited.broker.log_key
    audited.at_broker("watch", "--state", "keys", "--log-key", "log.key")
    new = audited.broker.admin("log-key", "rotate").strip()
    # The next entry is the first that the new key signs.
    audited.at_broker("verify", "--project", PROJECT, "-o", "log.tar", "--force")
    welfare = audited.agencies["welfare"]
    welfare.type("pin", "-o", audited.folder / "late.pin")
    said = audited.at_broker(
        "watch", "--state", "keys", "--log-key", "log.key", "--pin", "late.pin"
    )
    assert f"log key      {new}, handed over to" in said
    audited.at_broker("watch", "--state", "keys", "--full", "--project", PROJECT)
    audited.at_broker("verify", "--project", PROJECT, "-o", "both.tar")
    pins = ("--pin", "late.pin", "--pin", "keys/checkpoints")
    verdict = audited.json("verify", "both.tar", "--log-key", "log.key", *pins)
    assert verdict["log_keys"] == [first, new]
    (audited.folder / "words").write_text("several words that nobody guesses", encoding="utf-8")
    signing = ("--key-file", "auditor.key", "--passphrase-file", "words")
    public = audited.type("key", "auditor.key", "--new", *signing[2:])
    (audited.folder / "auditor.pub").write_text(public, encoding="utf-8")
    leak = ("--incident", first, "-o", "report.json", "--html", "report.html")
    audited.type("report", "both.tar", "--log-key", "log.key", *pins, *signing, *leak)
    report = json.loads((audited.folder / "report.json").read_text(encoding="utf-8"))["report"]
    assert report["log"]["log_keys"] == [first, new]
    assert (report["incident"]["subject"], report["incident"]["first"]) == ("log-key", 0)
    assert report["incident"]["until"] is not None
    for file in ("report.json", "report.html"):
        assert "as signed" in audited.type("check", file, "--key", "auditor.pub")
