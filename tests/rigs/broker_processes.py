"""Broker and worker as real processes, to be killed at any moment, and a client that does not give up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from rigs.enrolled import sign_requests

from app.settings import Settings

START_TIMEOUT_S = 240.0


class Process:
    """One command of the broker; its log lines are kept, and waited for by the event they tell."""

    def __init__(
        self, settings: Settings, *arguments: str, program: Sequence[str] | None = None
    ) -> None:
        program = program or [command_path("blindlink-broker")]
        self._started = subprocess.Popen(
            [*program, "--state", str(settings.state_dir), *arguments],
            env={**os.environ, **environment(settings)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        for stream in (self._started.stdout, self._started.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._started.pid

    def _read(self, stream) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, text: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Return the first line that holds this text; empty if the process ended, or time is over."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or self._started.poll() is not None:
                    return ""
                self._news.wait(min(left, 0.2))

    def wait_for_more(self, *texts: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until one more line holds one of these texts; fails if none comes."""

        def count() -> int:
            return sum(any(text in line for text in texts) for line in self.lines)

        with self._news:
            before = count()
            assert self._news.wait_for(lambda: count() > before, timeout_s), self.lines

    def has_said(self, text: str) -> bool:
        """Tell whether a line so far holds this text."""
        with self._news:
            return any(text in line for line in self.lines)

    def signal(self, number: int) -> None:
        self._started.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self._started.kill()
        self._started.wait()

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        return self._started.wait(timeout_s)


def command_path(name: str) -> str:
    """Return where the command of the running environment is installed."""
    found = shutil.which(name, path=Path(sys.executable).parent)
    assert found is not None
    return found


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults, as the processes read them."""
    changed = settings.model_dump(exclude_defaults=True, exclude={"state_dir"})
    return {f"BLINDLINK_{name.upper()}": str(value) for name, value in changed.items()}


class ServedBroker:
    """The serving process and its client: killed and started again, always under one port."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended: list[Process] = []
        self._serving = threading.Event()
        self._start(port=0)
        self.client = httpx2.Client(base_url=self.url, timeout=60)
        sign_requests(self.client)

    def _start(self, port: int) -> None:
        self.process = Process(
            self._settings, "serve", "--port", str(port), "--insecure-plain-http"
        )
        self.url = self.process.wait_for("http://")
        assert self.url, self.process.lines
        self._serving.set()

    def kill_and_restart(self) -> None:
        self.stop()
        self.restart()

    def stop(self) -> None:
        """Kill it and leave it so."""
        self._serving.clear()
        self.process.kill()
        self._ended.append(self.process)

    @property
    def lines(self) -> list[str]:
        """All that the process, and those before it, said."""
        return [line for process in (*self._ended, self.process) for line in process.lines]

    def restart(self) -> None:
        """Start it again under the same port."""
        self._start(port=int(self.url.rsplit(":", 1)[1]))

    def wait_until_served(self) -> None:
        """Wait until a request can be answered again."""
        assert self._serving.wait(START_TIMEOUT_S)

    def insist(
        self, call: Callable[[httpx2.Client], httpx2.Response], *, outlast: Collection[int] = ()
    ) -> httpx2.Response:
        """Return the answer of `call`, repeating it as long as the broker dies, or answers so, under it."""
        while True:
            try:
                answer = call(self.client)
            except httpx2.TransportError:
                self.wait_until_served()
            else:
                if answer.status_code not in outlast:
                    return answer
                threading.Event().wait(0.1)

    def close(self) -> None:
        self.client.close()
        self.process.kill()


@contextmanager
def repeating(
    act: Callable[[], object], n_times: int, delay_s: Callable[[], float]
) -> Iterator[threading.Event]:
    """Do something this often, each time after a delay; yields what is set when it is over."""
    over = threading.Event()

    def repeat() -> None:
        try:
            pause = threading.Event()
            for _ in range(n_times):
                pause.wait(delay_s())
                act()
        finally:
            over.set()

    with ThreadPoolExecutor(1) as pool:
        repeater = pool.submit(repeat)
        yield over
        repeater.result()


def killing(
    broker: ServedBroker, n_kills: int, delay_s: Callable[[], float]
) -> AbstractContextManager[threading.Event]:
    """Kill and restart the broker this often, each time after a delay; gives what is set when it is over."""
    return repeating(broker.kill_and_restart, n_kills, delay_s)


class InsistentClient:
    """A client that asks again, with the same request, until an answer arrives.

    `outlast` are statuses that are no answer, as where the database dies that the broker stands on.
    """

    def __init__(self, broker: ServedBroker, outlast: Collection[int] = ()) -> None:
        self._broker = broker
        self._outlast = outlast

    def get(self, path: str, **request: Any) -> httpx2.Response:
        return self._ask("GET", path, **request)

    def put(self, path: str, **request: Any) -> httpx2.Response:
        return self._ask("PUT", path, **request)

    def post(self, path: str, **request: Any) -> httpx2.Response:
        return self._ask("POST", path, **request)

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        return self._broker.insist(
            lambda client: client.request(method, path, **request), outlast=self._outlast
        )
