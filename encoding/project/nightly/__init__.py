"""The nightly job: every step that is due."""
