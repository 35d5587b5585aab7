"""A hub and its spokes at a broker in the test's own process: everybody types, in folders of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from rigs.agreed import OPERATOR
from rigs.desk import Desk
from rigs.near_broker import SETTINGS, NearBroker, near_broker
from rigs.persons import lay_down_keys
from rigs.rehearsal import read_rows

from app.agreements.negotiation import open_project
from encoding.extras.hub.settings import HubFile, HubSection, render_hub
from encoding.workspace.config import BrokerSection, IdentitySection, parse_sections
from schemas.signing.identity import Duty

HUB = "welfare"
COUNSEL = (
    "--counsel-name", "Dana", "--counsel-title", "Counsel", "--counsel-date", "2026-11-19",
    "--keys-compared", "--yes",
)  # fmt: skip
_WHO: dict[str, tuple[str, tuple[Duty, ...]]] = {
    "sam": (HUB, ("approver", "steward")),
    "ann": (HUB, ("analyst", "recipient")),
    "eve": (OPERATOR, ("operator", "steward")),
}
_CHILDREN = """\
ID,first,last,born
7,Ana,Ortiz,2011-04-09
8,Bo,Nguyen,2012-05-01
9,Dee,Lee,2015-01-15
"""
_PUPILS = """\
ID,first,last,born
p1,Ana,Ortiz,2011-04-09
p2,Zoe,Zinn,2010-10-10
p4,Dee,Lee,2015-01-15
p5,Max,Moor,2014-02-11
"""
_TEMPLATE = f"""\
profile = "children"
zip = false
start = 2026-09-01
end = 2027-08-31
policy = {{ lead = 10, prior_matches = 0.5 }}
parties = [
    {{ name = "{HUB}", kind = "agency", title = "Welfare", capacity = "agency", contact = "555-0101" }},
    {{ name = "{{name}}", kind = "agency", title = "{{title}}", capacity = "agency", contact = "555-0102" }},
    {{ name = "{OPERATOR}", kind = "operator", title = "Data Center", capacity = "broker", contact = "555-0" }},
]
directions = [
    {{ giver = "{HUB}", receiver = "{OPERATOR}", basis = "other", citation = "Example Code 12.3" }},
    {{ giver = "{HUB}", receiver = "{{name}}", basis = "other", citation = "Example Code 12.4" }},
    {{ giver = "{{name}}", receiver = "{HUB}", basis = "ferpa-child-welfare" }},
    {{ giver = "{{name}}", receiver = "{OPERATOR}", basis = "ferpa-audit-evaluation" }},
]
population = {{ code = "in-care", definition = "Children.", as_of = "The day of the upload." }}
recipients = [{{ party = "{HUB}", space = "shared" }}, {{ party = "{{name}}", space = "shared" }}]
schedule = {{ frequency = "weekly", round_days = 3 }}
approvals = {{ runs = "standing", parties = ["{{name}}", "{HUB}"] }}
retention = {{ keep_encodings_days = 30, keep_links_days = 400, destroy_by = 2028-08-31 }}
breach = {{ hours = 24, instruction = "Suspend the linkage." }}

[purpose]
code = "school-stability"
statement = "Know which pupils of {{title}} are in foster care."

[limits]
floor = 1
files = [
    {{ party = "{HUB}", least = 1, most = 1000 }},
    {{ party = "{{name}}", least = 1, most = "{{most}}" }},
]
"""


@dataclass
class NearHub:
    """The broker with its desks, by who sits there, and the spokes' names."""

    near: NearBroker
    spokes: Sequence[str]

    def at(self, who: str) -> Desk:
        return self.near.desks[who]

    def listed(self, who: str = "sam") -> dict[str, dict[str, str]]:
        """Return someone's list of spokes, by their names."""
        return {row["name"]: row for row in read_rows(self.at(who).folder / "spokes.csv")}

    def fingerprint(self, sheet: str) -> str:
        """Return what the steward's newest printed sheet ends with."""
        page = (self.at("sam").folder / f"{sheet}.html").read_text("utf-8")
        return "".join(page.rpartition("Fingerprint of the sheet: ")[2].partition("<")[0].split())

    def take_over(self, who: str, sheet: str) -> Result:
        """Someone takes a sheet of the steward's."""
        folder = self.at(who).folder
        shutil.copyfile(self.at("sam").folder / f"{sheet}.csv", folder / f"{sheet}.csv")
        return self.at(who).ok(
            "hub", "add", f"{folder}/{sheet}.csv", "--fingerprint", self.fingerprint(sheet)
        )

    def sign(self, who: str, sheet: str, *words: str) -> Result:
        return self.at(who).ok(
            "hub", "sign", "--fingerprint", self.fingerprint(sheet), "--keys-compared", *words
        )

    def join(self, spoke: str) -> Result:
        """A spoke signs its first agreement, approves runs in advance, and begins the secret."""
        paper = self.listed()[spoke]["agreement"]
        return self.at(spoke).ok("hub", "join", "--fingerprint", paper, *COUNSEL)

    def night(self, *spokes: str) -> None:
        """The jobs of one night at these spokes and at the hub, each as often as it takes."""
        chosen = [word for spoke in spokes for word in ("--spoke", spoke)]
        for _ in range(2):
            for spoke in spokes:
                self.at(spoke).type("refresh")
            self.near.work()
            self.at("ann").type("hub", "refresh", "--processes", "1", *chosen)
        for spoke in spokes:
            self.at(spoke).ok("refresh")

    def rounds(self) -> dict[str, int]:
        """Return the last round whose links the hub has, by spoke."""
        shown = self.at("ann").json("hub", "status")
        nights = {one["party"]: one["last_night"] for one in shown}
        return {party: night["round"] for party, night in nights.items() if night}

    def links(self, folder: Path) -> dict[str, str]:
        return {row["record_id"]: row["link_id"] for row in read_rows(folder / "links.csv")}

    def hub_links(self, spoke: str) -> dict[str, str]:
        return self.links(self.at("ann").folder / "spokes" / f"{HUB}-{spoke}")


@contextmanager
def near_hub(
    folder: Path, *spokes: str, like: NearHub | None = None, start: str = "2026-09-01"
) -> Iterator[NearHub]:
    """Give a hub whose steward has drafted agreements with its spokes, and who has signed, as has the operator.

    Or a copy of one that has ended.

    Args:
        start: the first day of the agreements.
    """
    if like is not None:
        with near_broker(folder, like=like.near) as near:
            yield NearHub(near, like.spokes)
        return
    with near_broker(folder) as near:
        hub = NearHub(near, spokes)
        _seat(hub)
        sam = hub.at("sam")
        lines = "".join(f"{one},District {one},2000\n" for one in spokes)
        (sam.folder / "districts.csv").write_text(f"name,title,most\n{lines}", "utf-8")
        (sam.folder / "answers.toml").write_text(_TEMPLATE.replace("2026-09-01", start), "utf-8")
        sam.ok(
            "hub", "add", f"{sam.folder}/districts.csv", "--template", f"{sam.folder}/answers.toml"
        )
        for who in ("sam", "eve"):
            if who == "eve":
                hub.take_over(who, "sheet-1")
            hub.sign(who, "sheet-1", *COUNSEL)
        hub.take_over("ann", "sheet-1")
        yield hub


def _seat(hub: NearHub) -> None:
    near, spokes = hub.near, hub.spokes
    for party in (HUB, *spokes):
        near.enrol(party)
    with near.broker.database.write() as session:
        for spoke in spokes:
            open_project(
                session, near.broker.log, project=f"{HUB}-{spoke}", parties=(HUB, spoke, OPERATOR),
                actor=near.operator, now=near.now,
            )  # fmt: skip
    for who, (party, duties) in _WHO.items():
        folder = near.folder / who
        folder.mkdir()
        lay_down_keys(folder, near.person(party, *duties))
        (folder / "people.csv").write_text(_CHILDREN, "utf-8")
        (folder / "hub.toml").write_text(
            render_hub(_settings(party, with_file=who == "ann")), "utf-8"
        )
        near.desks[who] = Desk(folder, near, party, now=near.now)
    for spoke in spokes:
        folder = near.folder / spoke
        folder.mkdir()
        (folder / "people.csv").write_text(_PUPILS, "utf-8")
        near.desk(spoke, folder, folder / "people.csv", project={"name": f"{HUB}-{spoke}"})


def _settings(party: str, *, with_file: bool) -> HubFile:
    raw: dict[str, Any] = {
        **SETTINGS,
        "broker": {"url": "https://broker.test"},
        "project": {"name": "any", "party": party},
        "input": {
            "file": "people.csv",
            "id_column": "ID",
            "population": "in-care",
            "date_format": "YYYY-MM-DD",
            "as_of": "today",
        },
    }
    sections = parse_sections(raw)
    return HubFile(
        broker=BrokerSection(url="https://broker.test"),
        identity=IdentitySection(file="identity.txt", key_file="identity.key"),
        hub=HubSection(party=party),
        input=sections.input if with_file else None,
        columns=sections.columns,
    )
