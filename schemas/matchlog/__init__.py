"""The match log's formats: one writer (the broker), two checkers (agency and auditor)."""
