"""Sealed objects: uploads, runs, releases, match records and messages at rest, each under a key of its own."""
