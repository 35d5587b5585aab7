"""The steps of an agency's part in a project: what nightly jobs, commands, and programs of its own call."""
