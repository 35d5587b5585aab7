"""The broker's side of the match log: appended in the caller's transaction, proved, exported."""
