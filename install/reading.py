"""Write what a reviewer reads as one archive: `make reading`. docs/security/reading.md says in which order.

It holds the specification, reading copies, vectors, attacks, and the files that each claim rests on, with a
list of them by claim and the digest of each file. The same commit gives the same bytes.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from benchmarks.house import closures

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/security/reading.md"
# Beside the closures: folders, whole.
FOLDERS = (
    *("schemas/spec", "schemas/vectors", "docs/security", "tests/twins", "tests/blindlink_verify"),
    *("tests/breaks", "tests/adversarial", "encoding/privacy_audit"),
)
KINDS = {".md", ".json", ".py", ".svg"}


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """Return the archive's files by name."""
    claims = closures(root)
    names = {name for files in claims.values() for name in files}
    for folder in FOLDERS:
        found = (root / folder).rglob("*")
        names |= {path.relative_to(root).as_posix() for path in found if path.suffix in KINDS}
    listed = [
        f"# {claim}: {len(files)} files, {sum(files.values()):,} lines\n"
        + "".join(f"{n:6} {name}\n" for name, n in files.items())
        for claim, files in claims.items()
    ]
    made = {name: (root / name).read_bytes() for name in sorted(names)}
    made["CLOSURES"] = "\n".join(listed).encode()
    digests = (f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in made.items())
    return made | {"SHA256SUMS": "".join(digests).encode()}


def write(target: Path) -> str:
    """Write the archive; returns its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, raw in contents().items():
            member = zipfile.ZipInfo(f"blindlink-reading/{name}", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(member, raw)
    return hashlib.sha256(target.read_bytes()).hexdigest()


if __name__ == "__main__":
    made = Path(sys.argv[1] if len(sys.argv) > 1 else "dist/blindlink-reading.zip")
    print(f"{write(made)}  {made}")
