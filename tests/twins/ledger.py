"""The slow, obvious twin of chains and grants: schemas/spec/claims.md, sentence by sentence, on plain lists.

A record is (party, link ID or None, since, [(match ID, pair), ...], [retired link IDs that it bore]).
"""

from __future__ import annotations

import hashlib
from typing import Any


def link_ids(
    records: list[Any],
    recipients: set[str],
    project: str,
    space: str,
    turn: tuple[int, int],
    vetoes: set[tuple[bytes, str]],
    granted: dict[bytes, tuple[str, ...]],
) -> tuple[dict[int, bytes], dict[str, list[Any]]]:
    """Return the link ID of each record that gets one, by its place, and the matches that join nothing."""
    groups, left_out = joined(records, recipients, turn[0], vetoes, granted)
    retired = {link for link, _ in vetoes}
    result: dict[int, bytes] = {}
    waiting = []
    for group in groups:
        if group["granted"] is not None:
            result.update(dict.fromkeys(group["records"], group["granted"]))
        else:
            waiting.append(group)
    claims = []
    for group in waiting:
        for link in {records[place][1] for place in group["records"]} - {None}:
            since = [records[place][2] for place in group["records"] if records[place][1] == link]
            claims.append((-len(since), min(since), link, min(group["matches"]), group))
    taken = set(retired) | set(granted)
    done = []
    for _, _, link, _, group in sorted(claims, key=lambda claim: claim[:4]):
        if link not in taken and group not in done:
            taken.add(link)
            done.append(group)
            result.update(dict.fromkeys(group["records"], link))
    for group in waiting:
        if group not in done:
            link = new_id(project, space, turn, min(group["matches"]))
            result.update(dict.fromkeys(group["records"], link))
    return result, left_out


def joined(
    records: list[Any],
    recipients: set[str],
    current: int,
    vetoes: set[tuple[bytes, str]],
    granted: dict[bytes, tuple[str, ...]],
) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    left_out: dict[str, list[Any]] = {"unstated": [], "cut": [], "vetoed": []}
    edges = []
    for match in sorted({match for record in records for match in record[3]}):
        ends = [place for place, record in enumerate(records) if match in record[3]]
        expected = [party for party in match[1] if party in recipients]
        if sorted(records[place][0] for place in ends) != sorted(expected):
            left_out["unstated"].append(match)
            continue
        one, another = records[ends[0]], records[ends[-1]]
        is_old = one[1] is not None and one[1] == another[1]
        since = max(one[2], another[2]) if is_old else current
        edges.append((since, sorted([one[1] or b"", another[1] or b""]), match, ends))
    groups = [
        {"records": {place}, "matches": [], "granted": None, "parties": {record[0]}}
        for place, record in enumerate(records)
    ]
    for link, parties in granted.items():
        together = [
            p for p, record in enumerate(records) if record[1] == link and record[0] in parties
        ]
        if together:
            groups = [group for group in groups if not group["records"] & set(together)]
            groups.append(
                {
                    "records": set(together),
                    "matches": [],
                    "granted": link,
                    "parties": set(parties),
                }
            )
    for _, _, match, ends in sorted(edges, key=lambda edge: edge[:3]):
        left = next(group for group in groups if ends[0] in group["records"])
        right = next(group for group in groups if ends[-1] in group["records"])
        if left is not right:
            if kept_apart(records, left, right, vetoes):
                left_out["vetoed"].append(match)
                continue
            if left["parties"] & right["parties"]:
                left_out["cut"].append(match)
                continue
            groups.remove(right)
            left["records"] |= right["records"]
            left["matches"] += right["matches"]
            left["parties"] |= right["parties"]
            left["granted"] = min({left["granted"], right["granted"]} - {None}, default=None)
        left["matches"].append(match)
    for found in left_out.values():
        found.sort()
    return [group for group in groups if group["matches"]], left_out


def kept_apart(records: list[Any], left: Any, right: Any, vetoes: set[tuple[bytes, str]]) -> bool:
    for here, there in ((left, right), (right, left)):
        for one in here["records"]:
            for another in there["records"]:
                for link, maker in vetoes:
                    is_makers = records[one][0] == maker and records[another][0] != maker
                    if is_makers and bears(records[one], link) and bears(records[another], link):
                        return True
    return False


def bears(record: Any, link: bytes) -> bool:
    return record[1] == link or link in record[4]


def new_id(project: str, space: str, turn: tuple[int, int], match: Any) -> bytes:
    match_id, pair = match
    parts = [project, space, str(turn[0]), str(turn[1]), pair[0], pair[1]]
    message = b"blindlink/v1/link-id\n"
    for part in [*(part.encode() for part in parts), match_id]:
        message += len(part).to_bytes(4, "big") + part
    return hashlib.sha256(message).digest()[:16]
