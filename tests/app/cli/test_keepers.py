"""What an operator types to have the ring's key in a security module, and reads when something is wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from rigs.terminal import Terminal
from services.migrated import lay_tables
from services.soft_hsm import PIN, SoftHsm

from app.broker import open_broker
from app.cli.serve import _warn_where_unsafe
from app.settings import Settings, read_settings

PAGE = (Path(__file__).parents[3] / "docs" / "operator.md").read_text("utf-8")
SECTION = PAGE.split("## Keys in a security module or in Vault\n")[1].split("\n## ")[0]
SET_UP, MOVE = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
SETTINGS = re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL)[0]


def configure(state: Path, **settings: object) -> None:
    lines = [f'{name} = "{value}"\n' for name, value in settings.items()]
    (state / "broker.toml").write_text("".join(lines))


def key_store_line(broker: Any) -> str:
    return next(line for line in broker("doctor").stdout.splitlines() if "key store" in line)


def test_the_operators_page_leads_into_a_token(
    broker: Any, state: Path, tmp_path: Path, soft_hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, pin = tmp_path / "softhsm", tmp_path / "hsm-pin"
    folder.mkdir()
    here = SET_UP.replace("/srv/softhsm", str(folder))
    terminal = Terminal(tmp_path, answers={r"PIN: $": PIN})
    terminal.type(" && ".join(here.splitlines())).end()
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    pin.write_text(f"{PIN}\n")
    (state / "broker.toml").write_text(SETTINGS.replace("/srv/blindlink/keys/hsm-pin", str(pin)))
    opened = open_broker(read_settings(state))
    key = opened.keystore.create("upl-1")
    opened.close()
    assert "still of the kind file" in key_store_line(broker)
    for line in MOVE.splitlines():
        program, *words = shlex.split(line)
        done = broker(*words)
        assert (program, done.exit_code) == ("blindlink-broker", 0), done.stderr
    assert "1 keys, in the token blindlink, wraps new ones" in done.stdout.splitlines()[0]
    os.utime(state / "keys" / "kek-ring", (time.time() - 3600,) * 2)
    assert broker("key-ring", "retire").exit_code == 0
    (kept,) = json.loads(broker("key-ring", "list", "--json").stdout)
    assert (kept["wrapped"], kept["place"]) == (1, "in the token blindlink")
    assert f"go under key {kept['key']}, in the token blindlink" in key_store_line(broker)
    assert (state / "keys" / "kek-ring").read_text().splitlines()[1:] == [f"pkcs11 {kept['key']}"]
    opened = open_broker(read_settings(state))
    assert opened.keystore.open("upl-1") == key
    opened.close()


def test_a_broker_can_begin_in_a_token_and_says_what_is_wrong_with_it(
    command: Any,
    state: Path,
    tmp_path: Path,
    soft_hsm: SoftHsm,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {
        "key_keeper": "pkcs11",
        **soft_hsm.settings(tmp_path / "secrets"),
        "hsm_label": soft_hsm.new_token(),
    }
    lay_tables(Settings(state_dir=state))
    with monkeypatch.context() as environment:
        for name, value in given.items():
            environment.setenv(f"BLINDLINK_{name.upper()}", str(value))
        done = command("init", "--self-signed")
    assert done.exit_code == 0, done.stderr
    configure(state, **given)
    assert "pkcs11 " in (state / "keys" / "kek-ring").read_text()
    assert key_store_line(command).startswith("ok")
    # The process has logged in; a token to which it has not is asked for the PIN.
    fresh = soft_hsm.new_token()
    (tmp_path / "wrong").write_text("not-the-pin\n")
    for changes, said in (
        ({"hsm_label": fresh, "hsm_pin_file": tmp_path / "wrong"}, "refuses the PIN"),
        ({"hsm_label": fresh}, "does not hold the key"),
        ({"hsm_label": "no-such-token"}, "no token of the name in hsm_label"),
        ({"hsm_module": tmp_path / "none.so"}, "file of hsm_module is not there"),
        ({"hsm_label": fresh, "hsm_pin_file": tmp_path / "none"}, "hsm_pin_file cannot be read"),
    ):
        configure(state, **(given | changes))
        line = key_store_line(command)
        assert line.startswith("WRONG")
        assert said in line
        # Serving goes on: what needs no key is answered.
        opened = open_broker(read_settings(state))
        _warn_where_unsafe(opened)
        opened.close()
        assert said in capsys.readouterr().err
        assert "not-the-pin" not in line
    configure(state, **(given | {"hsm_pin_file": tmp_path / "no-file"}))
    done = command("key-ring", "rotate")
    assert (done.exit_code, "hsm_pin_file cannot be read" in done.stderr) == (1, True)
    configure(state)
    done = command("doctor")
    assert (done.exit_code, "hsm_module is not set" in done.stderr) == (1, True)
    configure(state, **given)
    assert key_store_line(command).startswith("ok")
