"""Agreements on the agency's side: drafted, read by people, signed, and held against what the broker does."""
