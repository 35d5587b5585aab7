"""Link the records of two files, look at what an encoding holds, and run a project's jobs, from Python.

    import blindlink

    links = blindlink.link(clients, pupils)
    links.pairs

What is listed in `__all__` is documented in docs/library.md and stays as it is from version 1.0 on. Errors are
`blindlink.Error` with a `code`, a sentence without a value of any record, and a `hint` or None.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from blindlink.halves import Check, Encoded, Matches, Rehearsal, check, encode, match
    from blindlink.linkage import Links, Pair, Waterfall, link
    from blindlink.project import Event, Project, Refreshed
    from encoding.errors import AgencyError as Error

__all__ = [
    "Check",
    "Encoded",
    "Error",
    "Event",
    "Links",
    "Matches",
    "Pair",
    "Project",
    "Refreshed",
    "Rehearsal",
    "Waterfall",
    "check",
    "encode",
    "link",
    "match",
]

_PACKAGES: Final = ("app", "encoding", "schemas")
_MODULE_OF: Final = {
    **dict.fromkeys(
        ("Check", "Encoded", "Matches", "Rehearsal", "check", "encode", "match"), "halves"
    ),
    **dict.fromkeys(("Event", "Project", "Refreshed"), "project"),
    **dict.fromkeys(("Links", "Pair", "Waterfall", "link"), "linkage"),
}


def _load_own() -> None:
    """Load the three packages by their place, before a folder `app` on PYTHONPATH is taken for one of them."""
    beside = str(Path(__file__).resolve().parents[1])
    sys.path.insert(0, beside)
    try:
        for name in _PACKAGES:
            importlib.import_module(name)
    finally:
        sys.path.remove(beside)


# At import: processes that a program starts load its module again, and their modules after it.
_load_own()


def __getattr__(name: str) -> Any:
    # On first use: a program that needs its help only does not load numpy.
    if name == "Error":
        return importlib.import_module("encoding.errors").AgencyError
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'blindlink' has no attribute {name!r}")
    return getattr(importlib.import_module(f"blindlink.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
