"""Hardening `bsf1`: records in, block-salted rows out, each hashed under the key of its own cell."""
