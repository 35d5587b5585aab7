"""Links that an auditor draws of a run, and opens with the agencies."""
