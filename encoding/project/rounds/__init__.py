"""Rounds: nonces offered, a round opened or corrected, its runs awaited."""
