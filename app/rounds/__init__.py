"""Rounds: nonces that agencies keep, rounds that use them, and sealed messages between recipients."""
