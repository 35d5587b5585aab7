"""Uploads: an agency sends its container in parts and commits it with a manifest."""
