"""A signed linkage at work: one run done, an upload begun, a run waiting, a share on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oracles.containers import Row
from oracles.holders import Holders
from oracles.linkage_rig import CHILD_WELFARE, PROJECT, SCHOOL, two_files
from oracles.signed_rig import USUAL, Accord

from encoding.secret_agreement import Contribution

NOTHING = "0" * 32


@dataclass
class Scene:
    """What there is; `rows` and `content` are of the upload that was begun, `sent` of those that were linked.

    Each id names nothing where `idle_scene` made the scene.
    """

    accord: Accord
    holders: Holders
    rows: list[Row]
    content: bytes
    upload: str = f"upl-{NOTHING}"
    run: dict[str, Any] = field(
        default_factory=lambda: {"run": f"run-{NOTHING}", "specification_sha256": "0" * 64}
    )
    release: str = f"rel-{NOTHING}"
    share: str = f"shr-{NOTHING}"
    sent: list[Row] = field(default_factory=list)

    def ids(self) -> dict[str, str]:
        """The ids by their names in the paths of routes."""
        return {
            "project": PROJECT,
            "agreement": self.accord.agreement.digest(),
            "upload": self.upload,
            "run": self.run["run"],
            "release": self.release,
            "share": self.share,
        }


def idle_scene(accord: Accord) -> Scene:
    """A scene in which nothing has happened yet."""
    people = {party: accord.persons[USUAL[party]].identity for party in (CHILD_WELFARE, SCHOOL)}
    holders = Holders(PROJECT, 1, people, {party: Contribution.draw() for party in people})
    rows, _ = two_files(accord.rng, 20, 12)
    return Scene(accord, holders, rows, accord.container(rows, CHILD_WELFARE))


def busy_scene(accord: Accord, **changes: Any) -> Scene:
    """Agree, with these changes, link once, and begin everything anew."""
    accord.agree(accord.first(**changes))
    scene = idle_scene(accord)
    sent = accord.post(accord.about("shares"), "kim", scene.holders.share(SCHOOL, CHILD_WELFARE))
    scene.share = sent.json()["share"]
    left, right = accord.upload_both()
    scene.sent = [*left, *right]
    run = accord.ask().json()
    for name in ("ann", "lee"):
        accord.approve(name, run)
    accord.work()
    (release,) = accord.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    scene.release = release["release"]
    scene.upload = accord.open(scene.content, CHILD_WELFARE).json()["upload"]
    scene.run = accord.ask(again=True).json()
    return scene
