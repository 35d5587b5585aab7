"""Destruction: certificates of the broker, and what was removed here."""
