"""What people get: reports of rounds and audits, and certificates of destruction."""
