"""Put this folder on PYTHONPATH, and Python starts without what Windows does not have.

It stands in for a Windows machine as far as missing modules and functions go, and no further: paths, file
locks, console encodings and process creation stay those of this machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

# It asks sys.platform for Windows' own lock, which is not here; without fcntl it would take a weaker one.
import filelock  # noqa: F401

MODULES = frozenset({"fcntl", "grp", "pwd", "resource", "syslog"})

# Only these: libraries ask sys.platform before they call getuid and the like. What our own code calls is
# checked by mypy with --platform win32.
FUNCTIONS = ("fork", "forkpty")


class MissingModules:
    """Finds nothing, and says so, for the modules that Windows does not have."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise for a module of the list; None leaves any other to the finders after this one."""
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


for _module in MODULES:
    sys.modules.pop(_module, None)
sys.meta_path.insert(0, MissingModules())  # type: ignore[arg-type]
for _function in FUNCTIONS:
    if hasattr(os, _function):
        delattr(os, _function)
