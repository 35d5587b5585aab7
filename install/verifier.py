"""Write the independent verifier as one file, for any Python from 3.11 that has cryptography: `make verifier`.

The same source gives the same bytes, so that who was sent the file can compare its digest with their own.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "blindlink_verify"
MAIN = SOURCE / "__main__.py"


def write(target: Path) -> str:
    """Write the file; returns its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w") as opened:
            members = [(f"{SOURCE.name}/{path.name}", path) for path in sorted(SOURCE.glob("*.py"))]
            for name, path in [("__main__.py", MAIN), *members]:
                opened.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), path.read_bytes())
    target.chmod(0o755)
    return hashlib.sha256(target.read_bytes()).hexdigest()


if __name__ == "__main__":
    made = Path(sys.argv[1] if len(sys.argv) > 1 else "dist/blindlink-verify.pyz")
    print(f"{write(made)}  {made}")
