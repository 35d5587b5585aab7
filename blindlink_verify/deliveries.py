"""Part of the independent verifier: deliveries, written from schemas/spec/entry.md alone."""

from __future__ import annotations

from typing import Any

from blindlink_verify.agreements import before, days
from blindlink_verify.entries import need
from blindlink_verify.rounds import Signers, Turns, space_of


def ways(t: Any, givers: Any, giver: str, receiver: str) -> list[frozenset[str]]:
    """Return the pairs by whose matches columns go to who gets some of all these."""
    if {giver, receiver} <= set(t["providers"]):
        return [frozenset([giver, receiver])] if space_of(t, [giver, receiver]) else []
    for one in t["recipients"]:
        if [one["party"], one["mode"]] == [receiver, "blind"] and giver in t["providers"]:
            return [frozenset([giver, other]) for other in givers if other != giver]
    return []


def agreed(t: Any, agreement: Any, way: list[str]) -> list[frozenset[str]]:
    """Return the pairs by whose matches columns go this way, which there are."""
    need(agreement is not None and way[0] != way[1], "agreement")
    need(way in [[d["giver"], d["receiver"]] for d in agreement["directions"]], "direction")
    shared = [x["party"] for x in agreement["elements"] if x["use"] == "shared"]
    need(way[0] in shared, "elements")
    givers = {d["giver"] for d in agreement["directions"] if d["receiver"] == way[1]}
    pairs = ways(t, givers & set(shared) & set(t["providers"]), *way)
    need(pairs, "space")
    return pairs


class Deliveries:
    """The deliveries of one project by id: whose, for whom, what, and what has become of each."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}

    def take(self, e: Any, t: Any, agreement: Any, turns: Turns, signers: Signers) -> None:
        kind, body, obj, party = e["kind"], e["body"], e["object"], e["actor"]["party"]
        if kind == "delivery-received":
            self.acts(e, party, signers, {"analyst", "recipient"})
            way = [party, body["recipient"]]
            pairs = agreed(t, agreement, way)
            need(body["round"] == max(turns.linked.get(pair, -1) for pair in pairs), "round")
            need(obj not in self.of, "twice")
            mine = [one for one in self.of.values() if one["way"] == way]
            same = [one for one in mine if one["round"] == body["round"]]
            need(body["number"] == len(same) + 1, "number")
            for one in mine:
                if one["current"]:
                    one["due"] = min(one["due"], before(e["time"][:10], -1))
                one["current"] = False
            due = before(e["time"][:10], -t["keep_links_days"] - 1)
            self.of[obj] = {
                "way": way,
                "round": body["round"],
                "sha256": body["sha256"],
                "current": True,
                "fetched": False,
                "opened": False,
                "there": True,
                "due": due,
            }
            return
        one = self.of[obj]
        need(one["there"] and one["sha256"] == body["sha256"], "digest")
        if kind == "delivery-destroyed":
            need((body["reason"] == "replaced") != one["current"], "reason")
            need(body["reason"] != "expired" or not one["fetched"], "reason")
            one["there"] = False
            return
        need(body["recipient"] == one["way"][1], "recipient")
        self.acts(e, one["way"][1], signers, {"recipient"})
        if kind == "delivery-fetched":
            need(one["current"] and days(e)[1] <= one["due"], "replaced")
            agreed(t, agreement, one["way"])
            one["fetched"] = True
        else:
            need(one["fetched"] and not one["opened"], "opened")
            need((body["fault"] is None) == (e["outcome"] == "done"), "outcome")
            one["opened"] = body["fault"] is None

    def acts(self, e: Any, party: str, signers: Signers, duties: set[str]) -> None:
        need(e["actor"]["party"] == party, "party")
        need(duties & set(signers.of(e)["duties"]), "duty")
