"""The auditor's offline tool: imports the shared formats only."""
