"""A hub and its spokes: what the operator and the hub call each spoke's project."""

from __future__ import annotations


def project_of_spoke(hub: str, spoke: str) -> str:
    """Return the name of a spoke's project, where nobody has chosen another."""
    return f"{hub}-{spoke}"
