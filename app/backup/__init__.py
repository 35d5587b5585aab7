"""Backups of database and blobs, without any key; and short-lived ones of the keys alone."""
