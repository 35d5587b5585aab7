"""The match record of each run: every decision, for auditors, and the openings of their commitments."""
