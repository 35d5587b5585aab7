"""The command that replaces the log's key dies at each of its steps, while a broker serves: nothing is lost."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest
from campaign.reports import Tally
from rigs.broker_processes import Process, environment
from rigs.kill_scene import Scene

from app.auditor.verify import verify_bundle

# What the process does before it kills itself, as a power cut would.
STEPS = {
    "the new key is drawn": "die_after(m, 'prepare_next_key')",
    "the hand-over is appended, not committed": "die_after(MatchLog, 'rotate_key')",
    "the hand-over is committed": "die_before(m, 'move_next_key_into_place')",
    "the new key is in its place": "die_after(m, 'move_next_key_into_place')",
}
SCRIPT = """
import os, signal, sys
import app.cli.log_key as m
from app.cli.opening import local_operator
from app.broker import open_broker
from app.matchlog.service import MatchLog
from app.settings import read_settings

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(owner, name):
    whole = getattr(owner, name)
    def dying(*given):
        whole(*given)
        die()
    setattr(owner, name, dying)

def die_before(owner, name):
    setattr(owner, name, lambda *_: die())

{step}
broker = open_broker(read_settings())
m.hand_over(broker, local_operator(broker))
"""


def bundle(scene: Scene) -> bytes:
    """Have the serving process log an export, and hand out the log."""
    answer = scene.linkage.get("/v1/log/bundle", "operator", "operator")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def rotate(scene: Scene) -> None:
    process = Process(scene.settings, "log-key", "rotate")
    assert process.wait() == 0, process.lines


@pytest.mark.timeout(900)
@pytest.mark.campaign("kills-log-key")
def test_a_log_key_is_replaced_however_often_the_command_dies(scene: Scene, tally: Tally) -> None:
    n_keys = len(verify_bundle(io.BytesIO(bundle(scene))).log_keys)
    for step in STEPS.values():
        died = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(step=step)],
            env={
                **os.environ,
                **environment(scene.settings),
                "BLINDLINK_STATE_DIR": str(scene.settings.state_dir),
            },
            check=False,
            capture_output=True,
            timeout=400,
        )
        assert died.returncode == -signal.SIGKILL, died.stderr
        bundle(scene)
        scene.served.kill_and_restart()
        bundle(scene)
        rotate(scene)
        # Where the whole hand-over was done before it died, the next command makes another.
        n_keys += 2 if step == STEPS["the new key is in its place"] else 1
        verdict = verify_bundle(io.BytesIO(bundle(scene)))
        assert len(verdict.log_keys) == n_keys
    scene.check_log()
    tally.tried(len(STEPS))
