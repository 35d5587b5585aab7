"""Matching. `blocks`: rows that share a token, decided by probability. `exhaustive`: every pair of plain CLKs."""
