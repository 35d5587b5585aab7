"""Time and memory of matching block-salted rows: made-up stored rows that meet, then one pair resolved.

python -m benchmarks.block_matching --meetings 3000000 --profile children.json
python -m benchmarks.block_matching --parts 95      # 60 thousand by 6 million: rows made as they are read
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from app.matching.blocks.decisions import Band, BandRule
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.ranges import Sizes, meet_range, plan_ranges
from app.matching.blocks.resolution import LinkPolicy, resolve_pair
from app.security.at_rest import Scratch
from app.worker.estimate import MadeRows, made_meetings
from schemas.linkage.counts import published_counts
from schemas.linkage.profile import EncodingProfile
from tests.samples.matching_profiles import block_profile

PART_ROWS = 1 << 16
LARGER_PARTS_EACH = 11
SIZES = Sizes(60_000, 6_000_000)
POLICY = LinkPolicy(
    Fraction(2, 5),
    BandRule.of_probabilities(auto="0.9", review="0.05", lead=1_000, twin_limit=None),
)


def time_ranges(n_parts: int, profile: EncodingProfile) -> None:
    n_larger = n_parts * LARGER_PARTS_EACH
    gap = 2**63 // (n_larger * PART_ROWS)
    smaller = MadeRows(n_parts, PART_ROWS, gap * LARGER_PARTS_EACH, SIZES.smaller)
    larger = MadeRows(n_larger, PART_ROWS, gap, SIZES.larger)
    rules, started = LevelRules(profile), time.process_time()
    ranges = plan_ranges(smaller, larger, rows_each=2_000_000)
    n_met = sum(len(meet_range(within, smaller, larger, rules)) for within in ranges)
    rows = (n_parts + n_larger) * PART_ROWS
    _report(f"{rows:,} rows in {len(ranges)} ranges, {n_met:,} meetings", started)


def time_resolution(n_meetings: int, profile: EncodingProfile) -> None:
    met = made_meetings(n_meetings, profile, SIZES)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder, Scratch(Path(folder)) as shelf:
        run = resolve_pair(
            met,
            profile=profile,
            counts=published_counts(profile, SIZES.larger),
            sizes=SIZES,
            policy=POLICY,
            likely_alone=True,
            shelf=shelf,
        )
    n_linked = run.n_in_band(Band.AUTO)
    found = (
        f"{run.n_candidates:,} pairs, {run.decided.n_of_band.total():,} likely, {n_linked:,} linked"
    )
    _report(f"{n_meetings:,} meetings: {found}", started)


def _report(what: str, started: float) -> None:
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {time.process_time() - started:.1f} CPU s, peak {peak_mib:,.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=4, help="parts of the smaller file")
    parser.add_argument("--meetings", type=int, default=300_000)
    parser.add_argument("--profile", type=Path, help="an encoding profile; else that of the tests")
    chosen = parser.parse_args()
    profile = block_profile()
    if chosen.profile:
        profile = EncodingProfile.from_json(json.loads(chosen.profile.read_bytes()))
    time_ranges(chosen.parts, profile)
    time_resolution(chosen.meetings, profile)


if __name__ == "__main__":
    main()
