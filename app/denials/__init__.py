"""Requests that the terms refused: counted by party, reason and hour, and summed up in the match log."""
