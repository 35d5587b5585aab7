"""What an operator types to replace the key that wraps all others."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


def test_the_ring_is_replaced_in_two_steps(broker: Any, state: Path) -> None:
    before = json.loads(broker("key-ring", "list", "--json").stdout)
    assert [found["wrapped"] for found in before] == [0]
    assert broker("key-ring", "rotate").exit_code == 0
    both = json.loads(broker("key-ring", "list", "--json").stdout)
    assert [found["key"] for found in both][1:] == [found["key"] for found in before]
    assert "wraps new ones" in broker("key-ring", "list").stdout.splitlines()[0]
    early = broker("key-ring", "retire")
    assert (early.exit_code, "less than a minute" in early.stderr) == (1, True)
    an_hour_ago = time.time() - 3600
    os.utime(state / "keys" / "kek-ring", (an_hour_ago, an_hour_ago))
    assert broker("key-ring", "retire").exit_code == 0
    after = json.loads(broker("key-ring", "list", "--json").stdout)
    assert [found["key"] for found in after] == [found["key"] for found in both][:1]
