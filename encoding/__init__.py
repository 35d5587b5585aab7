"""The agency's side: everything here runs where the identifiers are."""
