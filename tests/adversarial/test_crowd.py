"""A crowd for ten minutes: 64 clients work on while two machines hold thousands of lines, and dawdle on others.

The real program over TLS, without a proxy. Times are told in the campaign's table; what is required is that
every client is answered, and that the memory comes back.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from campaign.reports import Tally
from rigs.enrolled import form
from rigs.live import PROJECT, LiveBroker, live_broker
from services.memory import resident_kib

from encoding.broker.credential import sign_claim
from encoding.profiles.catalog import shipped_profile

N_CLIENTS = 64
# Each person has a rate, wherever they ask from.
PERSONS = ("schools", "welfare", "steward of schools", "steward of welfare")
PACE_S = 2.0
QUIET_S, CROWDED_S = 120.0, 600.0
# Tokens are good for ten minutes.
SIGNED_IN_S = 300.0
# Of a server whose working set has been in use for twelve minutes.
MEMORY_KIB = 64 * 1024
PATHS = (
    f"/v1/projects/{PROJECT}",
    f"/v1/projects/{PROJECT}/rounds",
    f"/v1/projects/{PROJECT}/overdue",
    "/v1/log/checkpoint",
)


class Client:
    """An agency's program at an address of its own, which asks at its pace on a line that it keeps."""

    def __init__(self, broker: LiveBroker, number: int) -> None:
        self._broker, self._number = broker, number
        trusting = ssl.create_default_context(cafile=str(broker.ca_file))
        transport = httpx2.HTTPTransport(verify=trusting, local_address=f"127.0.1.{number + 1}")
        self._client = httpx2.Client(base_url=broker.url, transport=transport, timeout=30)
        self._headers: dict[str, str] = {}
        self._since_s = float("-inf")
        self.took_s: list[float] = []

    def work(self, until_s: float) -> None:
        """Ask until a time of the monotonic clock; every answer must be a good one."""
        time.sleep(PACE_S * self._number / N_CLIENTS)
        with self._client:
            while time.monotonic() < until_s:
                if time.monotonic() - self._since_s > SIGNED_IN_S:
                    self._sign_in()
                started_s = time.monotonic()
                path = PATHS[len(self.took_s) % len(PATHS)]
                answer = self._client.get(path, headers=self._headers)
                self.took_s.append(time.monotonic() - started_s)
                assert answer.status_code == 200, (path, answer.status_code)
                time.sleep(max(0.0, started_s + PACE_S - time.monotonic()))

    def _sign_in(self) -> None:
        identity = self._broker.people[PERSONS[self._number % len(PERSONS)]]
        claim = sign_claim(identity, f"{self._broker.url}/v1/token", datetime.now(UTC))
        answer = self._client.post("/v1/token", data=form(claim))
        assert answer.status_code == 200, answer.text
        self._headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        self._since_s = time.monotonic()


def working(broker: LiveBroker, for_s: float) -> list[float]:
    """Let all clients work so long; returns how long each answer took, in seconds, in increasing order."""
    until_s = time.monotonic() + for_s
    clients = [Client(broker, number) for number in range(N_CLIENTS)]
    with ThreadPoolExecutor(N_CLIENTS) as pool:
        for done in [pool.submit(client.work, until_s) for client in clients]:
            done.result()
    return sorted(took_s for client in clients for took_s in client.took_s)


@contextmanager
def crowded(broker: LiveBroker) -> Iterator[None]:
    crowd = subprocess.Popen(
        [sys.executable, "-m", "rigs.crowd", str(urlsplit(broker.url).port)],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert crowd.stdout is not None
        assert crowd.stdout.readline() == "ready\n"
        yield
        assert crowd.poll() is None
    finally:
        crowd.kill()
        crowd.communicate()


def ms_at_99(took_s: list[float]) -> int:
    return round(1000 * took_s[len(took_s) * 99 // 100])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and addresses")
@pytest.mark.campaign("crowd")
def test_who_works_is_answered_while_a_crowd_holds_lines_and_dawdles(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    monkeypatch.setenv("BLINDLINK_DATABASE_URL", database_url)
    # The server of the tests syncs nothing.
    monkeypatch.setenv("BLINDLINK_INSECURE_VOLATILE_DATABASE", "true")
    with live_broker(tmp_path / "broker", shipped_profile("children")) as broker:
        served = broker.services["serve"].pid
        quiet_s = working(broker, QUIET_S)
        before_kib = resident_kib(served)
        with crowded(broker):
            crowded_s = working(broker, CROWDED_S)
        threading.Event().wait(15)
        assert resident_kib(served) - before_kib < MEMORY_KIB
    tally.tried(len(crowded_s))
    database = "PostgreSQL" if database_url.startswith("postgresql") else "SQLite"
    tally.saw(f"ms at the 99th percentile when it is quiet, on {database}", ms_at_99(quiet_s))
    tally.saw(f"ms in the crowd, on {database}", ms_at_99(crowded_s))
