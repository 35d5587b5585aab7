"""Whom a thief names who has a workspace of today, and encodings of all rounds that a broker kept.

    python -m benchmarks.stolen_secret            4,000 x 22,000, five rounds, stolen after the fourth

The thief has a register, the larger file, and guesses: it encodes the register under each key of a round that
follows from what it stole, and compares as a broker does. Once with a secret that stays, as it was before
docs/adr/0103, and once with a workspace whose secret moves on. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.matching.blocks.decisions import Band
from app.matching.blocks.errors import RowMatchingError
from benchmarks.rehearsed import Rehearsal, clean, encoded_file, rehearsal_files
from encoding.blocks.keys import NONCE_BYTES, RoundName, round_key
from encoding.profiles.catalog import shipped_profile
from encoding.secret.kept_secret import (
    KeptSecret,
    end_rounds,
    kept_of,
    secret_for_round,
    without_past,
    write_kept,
)
from encoding.secret.secret import Secret, new_secret
from encoding.trial.linkage import Encoded, link
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.linkage.profile import EncodingProfile
from schemas.signing.secret_share import Holder, SecretHolders

PROJECT, EPOCH = "stolen", 1
HOLDERS = SecretHolders(
    project=PROJECT,
    epoch=EPOCH,
    holders=tuple(
        Holder(party=party, person=f"per-{digit * 32}", fingerprint=" ".join([digit * 5] * 12))
        for party, digit in (("schools", "1"), ("welfare", "2"))
    ),
)
STOLEN_AFTER, LAST = 4, 5


def main() -> None:
    """Rob both kinds of workspace, and print whom the thief names in each round."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--children", type=int, default=4_000)
    parser.add_argument("--students", type=int, default=22_000)
    parser.add_argument("--seed", type=int, default=41)
    given = parser.parse_args()
    profile = shipped_profile("children")
    files = clean(rehearsal_files(given.seed, given.children, given.students, "mid"), profile)
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        first = new_secret()
        write(workspace, KeptSecret(holders=HOLDERS).with_secret(first))
        moved = {}
        for number in range(1, STOLEN_AFTER + 1):
            # The nightly job encodes, and later forgets the rounds before the newest one.
            moved[number] = secret_for_round(workspace, kept(workspace), number).secret
            end_rounds(workspace, without_past(workspace, PROJECT, number, number.__gt__))
        loot = kept(workspace)
        moved[LAST] = secret_for_round(workspace, loot, LAST).secret
    print(
        f"| round, stolen after {STOLEN_AFTER} | children named, the secret stays | it moves on |"
    )
    print("|---|--:|--:|")
    for number in range(1, LAST + 1):
        stays = named(files, profile, number, first, iter([first]))
        moves = named(files, profile, number, moved[number], following(loot, number))
        print(f"| {number} | {stays} | {moves} |", flush=True)


def write(workspace: Workspace, secret: KeptSecret) -> None:
    """Keep a secret, as the exchange does when it is made."""
    write_kept(workspace.kept_secret(PROJECT, EPOCH), secret, workspace.key())


def kept(workspace: Workspace) -> KeptSecret:
    """Return what the workspace keeps, which is what its thief has."""
    found = kept_of(workspace, PROJECT, EPOCH)
    assert found is not None
    return found


def following(loot: KeptSecret, number: int) -> Iterator[Secret]:
    """Yield the round's secret where it follows from the loot, else all that was stolen: one might be it."""
    if number >= loot.next or loot.of_round(number) is not None:
        found = loot.moved_to(number).of_round(number)
        assert found is not None
        yield found.secret
        return
    present, marks = loot.present(), loot.marks()
    assert present is not None
    assert marks is not None
    yield from (present, Secret(marks.confirm), Secret(marks.canary))
    for one in loot.rounds:
        held = loot.of_round(one.number)
        assert held is not None
        yield held.secret


def named(
    files: Rehearsal, profile: EncodingProfile, number: int, true: Secret, guesses: Iterator[Secret]
) -> str:
    """Return how many children of a round's container the thief names rightly, of how many that it names."""
    name = RoundName(
        PROJECT, EPOCH, "schools", "welfare", profile.digest(), number, *[bytes(NONCE_BYTES)] * 2
    )
    container = encoded_file(files.left, profile, "smaller", key=round_key(true, name))
    register = partial(encoded_file, files.right, profile, "larger")
    best = max(
        (claims(files, profile, container, register(key=round_key(one, name))) for one in guesses),
    )
    return "{:,} of {:,} claims right".format(*best)


def claims(
    files: Rehearsal, profile: EncodingProfile, container: Encoded, register: Encoded
) -> tuple[int, int]:
    """Return how many of the thief's claims are right, and how many there are."""
    try:
        pairs = link(profile, container, register).rows(Band.AUTO)
    except RowMatchingError:
        return 0, 0
    found = zip(pairs["smaller"].tolist(), pairs["larger"].tolist(), strict=True)
    return sum(one in files.truth.person for one in found), len(pairs)


if __name__ == "__main__":
    main()
