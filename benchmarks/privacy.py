"""What the privacy audit finds on rehearsal students, under the shipped profiles and under weaker ones.

    python -m benchmarks.privacy             4,000 of 20,000 students; about ten minutes a profile
    python -m benchmarks.privacy --quick     1,500 students and the quick attacks

Prints a Markdown table. Keys are drawn anew, so figures move by a few tenths of a point.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.rehearsed import BENCH
from encoding.linkage import NO_HARDENING, load_shipped
from encoding.privacy_audit import Audit, AuditScope, audit_sample
from encoding.privacy_audit.audit import QUICK
from encoding.records import open_table
from encoding.sample import RecordSampler, Sample
from encoding.synth import K12_LAYOUT, write_rehearsal
from schemas.profile import EncodingProfile, Hardening

PROFILES = {
    "`children`, not hardened": load_shipped("children", hardening=NO_HARDENING),
    "`children`, t = 2": load_shipped(
        "children", hardening=Hardening(kind="eld1", taps=2, output_bits=2048)
    ),
    "`children`, t = 3": load_shipped(
        "children", hardening=Hardening(kind="eld1", taps=3, output_bits=2048)
    ),
    "`children`": load_shipped("children"),
    "`children-strict`": load_shipped("children-strict"),
    "`generic-person`": load_shipped("generic-person"),
}
KNOWN = (50, 200, 1_000, 3_000)


def main() -> None:
    """Audit every profile and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    scope = QUICK if parser.parse_args().quick else AuditScope()
    sample = students(scope.n_records)
    print(
        "| encodings | rows found | opened | seconds | rows by near duplicates | 50 known | 200 | 1,000 | 3,000"
        " | by resemblance | V | pairs of bits above 0.3 |"
    )
    print("|---" * 12 + "|")
    for name, profile in PROFILES.items():
        print(f"auditing {name}", file=sys.stderr)
        print(f"| {name} | {_line(audit(sample, profile, scope))} |", flush=True)


def students(n_records: int) -> Sample:
    """Return a sample of 20,000 rehearsal students."""
    files = write_rehearsal(
        BENCH / "rehearsal-privacy",
        seed=1,
        n_children=2_000,
        n_students=20_000,
        overlap=0.6,
        error_level="mid",
    )
    sampler = RecordSampler(n_records, tuple(K12_LAYOUT.inputs.values()), "privacy")
    for chunk in open_table(files.k12, encoding=K12_LAYOUT.text_encoding).chunks():
        sampler.add(chunk.columns[K12_LAYOUT.id_column], chunk.columns)
    return sampler.sample()


def audit(sample: Sample, profile: EncodingProfile, scope: AuditScope) -> Audit:
    """Audit one profile under keys that are thrown away."""
    return audit_sample(
        sample,
        profile,
        columns=K12_LAYOUT.inputs,
        date_format=K12_LAYOUT.date_format,
        scope=scope,
    )


def _line(found: Audit) -> str:
    shares = {result.n_known: f"{result.share:.1%}" for result in found.known_pairs}
    scan, matched = found.structure, found.resemblance
    code, near = found.linear_code, found.near_duplicates
    cells = [
        *(
            ("", "", "")
            if code is None
            else (f"{code.n_found:,}", f"{code.opened_share:.1%}", f"{code.seconds:.0f}")
        ),
        "" if near is None else f"{near.share:.0%}",
        *(shares.get(n_known, "") for n_known in KNOWN),
        "" if matched is None else f"{matched.share:.1%}",
        "" if scan is None else f"{scan.variance:.3f}",
        "" if scan is None else f"{scan.n_linked_bits:,}",
    ]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
