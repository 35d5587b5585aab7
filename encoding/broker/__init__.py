"""The way to the broker: a connection, the credential that it shows, and the typed questions of the API."""
