"""A signed linkage at work: one run done, an upload begun, a run waiting, a share on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rigs.holders import Holders
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.signed import USUAL, Accord
from samples.round_files import Container, build_container, random_people

from encoding.blocks.keys import RoundName
from encoding.secret.agreement import Contribution
from schemas.rounds.upload import Manifest

NOTHING = "0" * 32


@dataclass
class Scene:
    """What there is; `made` is the container of the upload that was begun, `sent` are those that were linked.

    Each id names nothing where `idle_scene` made the scene. `run` is that of round 1, which is closed; round 2
    is open and waits for the upload, of which the last part is missing.
    """

    accord: Accord
    holders: Holders
    made: Container
    upload: str = f"upl-{NOTHING}"
    run: dict[str, Any] = field(
        default_factory=lambda: {"run": f"run-{NOTHING}", "specification_sha256": "0" * 64}
    )
    release: str = f"rel-{NOTHING}"
    share: str = f"shr-{NOTHING}"
    next_nonce: int = 1
    sent: tuple[Container, ...] = ()

    def manifest(self) -> Manifest:
        """The manifest of the upload that was begun."""
        root = self.sent[-1].header.root if self.sent else None
        return self.accord.manifest(self.made, CHILD_WELFARE, partner_root=root)

    def newest_run(self) -> dict[str, Any]:
        """The run of the newest round that has one: once the upload is committed, one that waits."""
        rounds = self.accord.get(self.accord.about("rounds")).json().get("rounds") or []
        run = rounds[0]["progress"][0]["run"] if rounds else None
        return self.run if run is None else dict(self.accord.get(f"/v1/runs/{run}").json())

    def ids(self) -> dict[str, str]:
        """The ids by their names in the paths of routes."""
        return {
            "project": PROJECT,
            "agreement": self.accord.agreement.digest(),
            "upload": self.upload,
            "run": self.run["run"],
            "release": self.release,
            "share": self.share,
            "round": "1",
            "partner": SCHOOL,
            "space": "shared",
        }


def idle_scene(accord: Accord) -> Scene:
    """A scene in which nothing has happened yet."""
    people = {party: accord.persons[USUAL[party]].identity for party in (CHILD_WELFARE, SCHOOL)}
    holders = Holders(PROJECT, 1, people, {party: Contribution.draw() for party in people})
    name = RoundName(
        PROJECT, 1, SCHOOL, CHILD_WELFARE, accord.profile.digest(), 1, bytes(32), bytes(32)
    )
    made = build_container(random_people(accord.rng, 5), accord.profile, name, "smaller", {})
    return Scene(accord, holders, made)


def busy_scene(accord: Accord, **changes: Any) -> Scene:
    """Agree, with these changes, link once, and begin the next round: one file is there, one on its way."""
    accord.agree(accord.first(**changes))
    scene = idle_scene(accord)
    sent = accord.post(accord.about("shares"), "kim", scene.holders.share(SCHOOL, CHILD_WELFARE))
    scene.share = sent.json()["share"]
    linked = accord.upload_both()
    scene.run = accord.run()
    for name in ("ann", "lee"):
        accord.approve(name, scene.run)
    accord.work()
    (release,) = accord.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    scene.release = release["release"]
    accord.exchange_claims()
    accord.open_round()
    people = random_people(accord.rng, 5)
    _, theirs = accord.upload(people, SCHOOL)
    scene.sent = (*linked, theirs)
    scene.made = accord.container(people, CHILD_WELFARE)
    scene.upload = accord.open(scene.made, CHILD_WELFARE).json()["upload"]
    for number in (0, 1):
        accord.put(scene.upload, number, scene.made.parts[number], CHILD_WELFARE)
    scene.next_nonce = accord.get(accord.about("nonces")).json()["next"]
    return scene
