"""What the programs of agency, broker and auditor share that is no format."""
