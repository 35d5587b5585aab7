"""What an operator types to replace the key that wraps all others."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

from app.auditor.verify import verify_bundle
from app.broker import open_broker
from app.matchlog.export import export_bundle
from app.security.keyring import KeyRing
from app.settings import read_settings

DAMAGED, WHOLE = (f"upl-{digit * 32}" for digit in "01")


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
    old, new = (digest(found["key"]) for found in (before[0], after[0]))
    assert logged(state) == [("key-ring", old, new), ("key-ring-old", old, None)]


def test_the_ring_is_changed_by_one_command_at_a_time(broker: Any, state: Path) -> None:
    file = state / "keys" / "kek-ring"
    before = file.read_bytes()
    with KeyRing(file).held():
        for name in ("rotate", "retire"):
            refused = broker("key-ring", name)
            assert refused.exit_code == 1
            assert "another command is changing the ring" in refused.stderr
    assert (file.read_bytes(), logged(state)) == (before, [])


def test_a_damaged_key_is_named_and_without_it_the_old_one_is_dropped(
    broker: Any, state: Path
) -> None:
    opened = open_broker(read_settings(state))
    for object_id in (DAMAGED, WHOLE):
        opened.keystore.create(object_id)
    opened.close()
    (state / "keystore" / f"{DAMAGED}.key").write_bytes(b"overwritten")
    ring = state / "keys" / "kek-ring"
    for words in (
        ("doctor",),
        ("key-ring", "list"),
        ("key-ring", "rotate"),
        ("key-ring", "retire"),
    ):
        an_hour_ago = time.time() - 3600
        os.utime(ring, (an_hour_ago, an_hour_ago))
        done = broker(*words)
        assert done.exit_code == 1
        assert f"the key of {DAMAGED} cannot be opened" in done.output
    # As docs/operator.md says.
    (state / "keystore" / f"{DAMAGED}.key").unlink()
    assert broker("key-ring", "retire").exit_code == 0
    (found,) = json.loads(broker("key-ring", "list", "--json").stdout)
    assert found["wrapped"] == 1


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def logged(state: Path) -> list[Any]:
    """What the match log says of replaced keys, once the auditor's verifier has found it in order."""
    opened = open_broker(read_settings(state))
    with opened.database.read() as session:
        bundle = b"".join(export_bundle(session))
    opened.close()
    entries: list[Any] = []
    verify_bundle(io.BytesIO(bundle), on_entry=entries.append)
    bodies = [entry.body for entry in entries if entry.kind == "key-rotated"]
    assert all((body.party, body.person) == ("operator", None) for body in bodies)
    return [(body.use, body.old, body.new) for body in bodies]
