"""A crowd that wants nothing but a server's time: lines on which nothing is said, and senders that dawdle.

`python -m rigs.crowd PORT --idle 4000 --slow 700` keeps so many connections to 127.0.0.1 open until it is
ended, each opened anew when it is dropped. All that say nothing come from one address, all that dawdle from
another. It prints `ready` once all have come.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache

from app.http.listener import raise_file_limit

IDLE, SLOW = "127.0.2.1", "127.0.3.1"
# Who was dropped comes back after so many seconds, or a little less.
PAUSE_S = 10.0
HEAD = b"POST /v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n"


async def say_nothing(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(IDLE, 0))
    try:
        await reader.read(1)
    finally:
        writer.close()


async def dawdle(port: int) -> None:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(SLOW, 0), ssl=_trusting()
    )
    try:
        writer.write(HEAD)
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.close()


@cache
def _trusting() -> ssl.SSLContext:
    """Made once: each reads all authorities of the system, which would take what the server needs."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting


async def again(act: Callable[[int], Awaitable[None]], port: int) -> None:
    """Do it for ever; the first times are spread over a pause, too."""
    while True:
        await asyncio.sleep(random.uniform(0, PAUSE_S))
        with suppress(OSError):
            await act(port)


async def crowd(port: int, n_idle: int, n_slow: int) -> None:
    acts = [say_nothing] * n_idle + [dawdle] * n_slow
    tasks = [asyncio.create_task(again(act, port)) for act in acts]
    await asyncio.sleep(PAUSE_S)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--idle", type=int, default=4_000)
    parser.add_argument("--slow", type=int, default=700)
    given = parser.parse_args()
    raise_file_limit(given.idle + given.slow + 100)
    asyncio.run(crowd(given.port, given.idle, given.slow))


if __name__ == "__main__":
    main()
