"""Numbers, sizes and durations as people read them."""

from __future__ import annotations

from typing import Final

NOT_SHOWN: Final = "not shown"
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def counted(number: int, one: str) -> str:
    """Return a number with its word, such as "1 run" or "1,650 runs"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def shown(count: int | None, otherwise: str = NOT_SHOWN) -> str:
    """Return a count with its thousands apart; None is one that is small, or would reveal a small one."""
    return otherwise if count is None else f"{count:,}"


def plain_time(text: str) -> str:
    """Return a time as people read it, without T and Z; a bare date stays."""
    return text.replace("T", " ").removesuffix("Z")


def utc(text: str) -> str:
    """Return a time as people read it, with its zone; a bare date stays."""
    return f"{plain_time(text)} UTC" if text.endswith("Z") else text


def byte_size(size: int) -> str:
    """Return a size in the largest unit of which there is at least one."""
    power = min(max(size.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    if power == 0:
        return f"{size:,} bytes"
    return f"{size / 1024**power:,.1f} {_UNITS[power]}"


def duration(seconds: float) -> str:
    """Return a time as people say it, to the second below an hour and to the minute above."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")
