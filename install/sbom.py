"""Write a bill of materials for each kind of install, CycloneDX 1.6: `make sbom`.

A bill lists what the locks pin, with the digests of the files that pip accepts, and what is vendored. It
follows from the repository alone, so that it is the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from install.wheelhouse import EXTRAS, ROOT, Pin, pins_of

# The locks that each kind of install takes; an auditor installs what an agency does, without extras.
BILLS: Final = {
    "broker": ("broker", "store", "traces"),
    "agency": ("agency", *EXTRAS),
    "auditor": ("agency",),
}
VENDORED: Final = ROOT / "app" / "web" / "assets"


def main(folder: Path = ROOT / "sbom") -> None:
    """Write the bills, and print their digests as sha256sum does."""
    folder.mkdir(exist_ok=True)
    for name in BILLS:
        bill = json.dumps(bill_of(name), indent=1).encode() + b"\n"
        (folder / f"blindlink-{name}.cdx.json").write_bytes(bill)
        print(f"{hashlib.sha256(bill).hexdigest()}  {folder.name}/blindlink-{name}.cdx.json")


def bill_of(name: str) -> dict[str, Any]:
    """Return one bill of BILLS; Python, the operating system and its packages are in none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    product = {"type": "application", "bom-ref": f"blindlink-{name}", "name": "blindlink"}
    licences = [{"license": {"id": project["license"]}}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product | {"version": project["version"], "licenses": licences}},
        "components": [*_packages(BILLS[name]), _vendored()],
    }


def _packages(locks: Sequence[str]) -> Iterator[dict[str, Any]]:
    required = {_version(pin) for pin in pins_of(locks[0])}
    pins = {_version(pin): pin for lock in locks for pin in pins_of(lock)}
    for (name, version), pin in sorted(pins.items()):
        hashes = [{"alg": "SHA-256", "content": digest[7:]} for digest in sorted(pin.hashes)]
        component = _component(f"pkg:pypi/{name}@{version}", name, version)
        # No file here names an index; the package URL says which package's files these are.
        files = {"type": "distribution", "url": component["purl"], "hashes": hashes}
        marker = {"name": "blindlink:where", "value": str(pin.requirement.marker or "everywhere")}
        # What belongs to an extra is there only where it was asked for.
        component["scope"] = "required" if (name, version) in required else "optional"
        yield component | {"externalReferences": [files], "properties": [marker]}


def _vendored() -> dict[str, Any]:
    name, version = (VENDORED / "htmx-license.txt").read_text("utf-8").split(",")[0].split()
    digest = hashlib.sha256((VENDORED / "htmx.min.js").read_bytes()).hexdigest()
    component = _component(f"pkg:npm/htmx.org@{version}", name, version)
    return component | {"hashes": [{"alg": "SHA-256", "content": digest}]}


def _component(purl: str, name: str, version: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _version(pin: Pin) -> tuple[str, str]:
    (specifier,) = pin.requirement.specifier
    return pin.requirement.name, specifier.version


if __name__ == "__main__":
    main()
