"""Encoding profiles: those that are shipped, and those in files."""
