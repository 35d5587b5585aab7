"""The agreements of a hub are extended by one command: without ink, again and again, past anyone who is
late.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from rigs.agreed import join_roster, sign_roster
from rigs.near_hub import HUB, NearHub, near_hub
from rigs.rehearsal import read_rows

GOOD, LATE, OPEN = "d-1", "d-2", "d-3"
EXTEND = ("hub", "extend", "--until", "2028-08-31")
JOB = ("hub", "refresh", "--processes", "1")
SHEET = "sheet-2"


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> NearHub:
    """A hub that has linked with one spoke; another has only signed, and the agreement of a third waits."""
    with near_hub(tmp_path_factory.mktemp("hub") / "first", GOOD, LATE, OPEN) as hub:
        for spoke in (GOOD, LATE):
            hub.join(spoke)
        hub.sign("sam", "sheet-1", "--standing", "--yes")
        hub.night(GOOD)
    return hub


@pytest.fixture
def hub(tmp_path: Path, linked: NearHub) -> Iterator[NearHub]:
    with near_hub(tmp_path / "first", like=linked) as copied:
        yield copied


def proposed(hub: NearHub) -> list[tuple[str, int]]:
    """Return which versions the match log has, by project."""
    bodies = [
        (e["project"], e["body"])
        for e in hub.near.log_entries()
        if e["kind"] == "agreement-proposed"
    ]
    return sorted((project, body["agreement"]["number"]) for project, body in bodies)


def extended(hub: NearHub, *words: str) -> str:
    result = hub.at("sam").ok(*(words or EXTEND))
    return str(result.stderr)


def test_another_year_takes_one_command_and_no_ink_and_keeps_link_ids(hub: NearHub) -> None:
    before, rounds = hub.hub_links(GOOD), hub.rounds()
    said = extended(hub)
    assert "agreements that are new at the broker: 2; no counsel has to sign" in said
    assert f"{HUB}-{OPEN} is left alone: no agreement binds" in said
    page = (hub.at("sam").folder / f"{SHEET}.html").read_text("utf-8")
    for part in ("no ink is needed", "2028-08-31 (was 2027-08-31)", "2029-09-01 (was 2028-08-31)"):
        assert part in page
    assert {one["name"] for one in read_rows(hub.at("sam").folder / f"{SHEET}.csv")} == {GOOD, LATE}

    shown = hub.sign("sam", SHEET).stderr
    assert "last day: 2028-08-31 (was 2027-08-31), 2 agreements" in shown
    hub.take_over("eve", SHEET)
    assert "2 agreements are signed now" in hub.sign("eve", SHEET).stderr
    signed = hub.at(GOOD).ok("agreement", "sign", "--standing", "--yes")
    assert "and it binds" in signed.stderr
    assert "up to 52 runs are approved in advance until 2028-08-31" in signed.stderr
    hub.sign("sam", SHEET, "--standing", "--yes")

    # The late one stays under its first version, and holds up nobody.
    again = extended(hub)
    assert f"sheet 2: the signature of the spoke is missing at {LATE}" in again
    assert "nothing to change at 1 of 3" in again
    hub.near.move(days=7)
    hub.night(GOOD)
    assert (rounds, hub.rounds()) == ({GOOD: 1}, {GOOD: 2})
    assert hub.hub_links(GOOD) == before
    assert set(hub.links(hub.at(GOOD).folder).values()) == {*before.values()}

    shown = hub.at(LATE).json("agreement", "status")["agreements"]
    assert {one["number"]: one["state"] for one in shown} == {
        1: "signed by all",
        2: f"waits for the signature of {LATE}",
    }
    hub.at(LATE).ok("hub", "join", "--yes")
    assert "nothing to change at 2 of 3" in extended(hub)
    assert not (hub.at("sam").folder / "sheet-3.html").exists()


def test_after_a_crash_the_same_command_does_what_is_missing(hub: NearHub) -> None:
    listed, n_sent = hub.listed(), []

    def crash(request: httpx2.Request) -> None:
        if request.method == "POST" and request.url.path.endswith("/agreements"):
            n_sent.append(request)
            if len(n_sent) == 2:
                raise KeyboardInterrupt

    hub.near.courier.before = crash
    assert hub.at("sam").type(*EXTEND).exit_code != 0
    assert hub.listed() == listed
    hub.near.courier.before = lambda _: None
    extended(hub)
    assert {one for one in proposed(hub) if one[1] > 1} == {
        (f"{HUB}-{GOOD}", 2),
        (f"{HUB}-{LATE}", 2),
    }
    assert len(proposed(hub)) == 5
    assert {name for name, row in hub.listed().items() if row["sheet"] == "2"} == {GOOD, LATE}


def test_whoever_took_over_since_is_kept_and_a_change_meanwhile_is_drafted_anew(
    hub: NearHub,
) -> None:
    near, project = hub.near, f"{HUB}-{GOOD}"
    # The one person of the spoke hands over to another, who does so, too, and nobody of the hub looks between.
    before = near.people[GOOD]
    for _ in range(2):
        after = near.person(GOOD)
        join_roster(near.broker, project, after.public, before)
        leaves = {"leaving": [before.public.person], "holder": after.public.person}
        sign_roster(near.broker, project, after, joining=[], **leaves)
        before = after
    night = hub.at("ann").type("--quiet", *JOB, "--spoke", GOOD, "--json")
    assert night.stderr.count(f"warning: {GOOD}: ") == 4
    assert "halt the linkage: blindlink agreement halt" in night.stderr
    assert json.loads(night.stdout)["states"] == {"late": 1, "new": 2}
    extended(hub)
    assert (project, 6) in proposed(hub)
    join_roster(
        near.broker, f"{HUB}-{LATE}", near.person(LATE, "analyst").public, near.people[LATE]
    )
    signing = ("hub", "sign", "--fingerprint", hub.fingerprint(SHEET), "--keys-compared")
    refused = hub.at("sam").type(*signing)
    assert refused.exit_code == 1
    assert f"{HUB}-{LATE} is left out: the agreement does not follow number 2" in refused.stderr
    assert "new at the broker: 1;" in extended(hub)
    for sheet in (SHEET, "sheet-3", SHEET):
        hub.take_over("eve", sheet)
    # Anyone who takes an older sheet after a newer one stays with the newer one.
    assert {name: row["sheet"] for name, row in hub.listed("eve").items()} == {
        GOOD: "2", LATE: "3", OPEN: "1",
    }  # fmt: skip
    both = [
        one for sheet in (SHEET, "sheet-3") for one in ("--fingerprint", hub.fingerprint(sheet))
    ]
    signed = hub.at("eve").ok("hub", "sign", *both, "--keys-compared").stderr
    assert "2 agreements are signed now" in signed


def test_sizes_from_a_list_change_too_and_what_takes_ink_is_refused(hub: NearHub) -> None:
    folder = hub.at("sam").folder
    least, most = "least = 1, most = 1000", 'least = 1, most = "{most}"'
    files = f'files = [{{ party = "{HUB}", {least} }}, {{ party = "{{name}}", {most} }}]'
    (folder / "sizes.toml").write_text(f"[limits]\n{files}\n", "utf-8")
    (folder / "grown.csv").write_text(
        f"name,title,most\n{GOOD},District,3000\n{LATE},District,900\n", "utf-8"
    )
    said = extended(hub, *EXTEND, "--template", f"{folder}/sizes.toml")
    said = extended(
        hub, "hub", "extend", f"{folder}/grown.csv", "--template", f"{folder}/sizes.toml"
    )
    assert (
        f"{HUB}-{LATE} is left alone: this is more than an extension: another agency has the larger file"
        in said
    )
    page = (folder / "sheet-3.html").read_text("utf-8")
    assert "3000 (was 2000)" in page
    assert LATE not in {one["name"] for one in read_rows(folder / "sheet-3.csv")}


def test_what_a_sheet_changes_of_a_spoke_that_is_known_is_shown_and_confirmed(hub: NearHub) -> None:
    # One that was changed on its way is not taken.
    before = hub.listed("ann")
    place = hub.at("ann").folder / "sheet-1.csv"
    place.write_text(place.read_text("utf-8").replace(f"District {GOOD}", "Somebody"), "utf-8")
    refused = hub.at("ann").type(
        "hub", "add", f"{place}", "--fingerprint", hub.fingerprint("sheet-1")
    )
    assert refused.exit_code == 1
    assert "the fingerprint is different" in refused.stderr
    assert hub.listed("ann") == before
    sam, ann = hub.at("sam").folder, hub.at("ann").folder
    (sam / "moved.csv").write_text(f"name,title,only\n{GOOD},District,017;018\n", "utf-8")
    extended(hub, "hub", "extend", f"{sam}/moved.csv", "--until", "2028-08-31")
    shutil.copyfile(sam / f"{SHEET}.csv", ann / f"{SHEET}.csv")
    before = hub.listed("ann")
    take = ("hub", "add", f"{ann}/{SHEET}.csv", "--fingerprint", hub.fingerprint(SHEET))
    refused = hub.at("ann").type(*take)
    assert refused.exit_code == 2
    assert f"{HUB}-{GOOD}: only: 017;018 (was none)" in refused.stderr
    assert "missing option --yes" in refused.stderr
    assert hub.listed("ann") == before
    hub.at("ann").ok(*take, "--yes")
    assert hub.listed("ann")[GOOD]["only"] == "017;018"
    # Nothing else changes, so nothing is asked.
    assert "(was " not in hub.at("ann").ok(*take).stderr
    # The job of the night says in time which agreements end.
    job = (*JOB, "--spoke", OPEN)
    assert "end soon" not in hub.at("ann").type(*job).stderr
    hub.near.move(days=270)
    said = hub.at("ann").type(*job).stderr
    assert f"agreements that end soon: 1, the first with {GOOD} on 2027-08-31" in said
