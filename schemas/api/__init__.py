"""The bodies of the HTTP API, and what broker and agency both read of them."""
