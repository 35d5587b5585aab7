"""Formats that all sides share: no I/O, no clock, no settings, no randomness."""
