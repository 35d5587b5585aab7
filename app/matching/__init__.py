"""Matching. `blocks`: rows that share a token, by probability. `exhaustive`: every pair of plain CLKs."""
