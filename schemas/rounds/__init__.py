"""A round and what it leaves: uploads, releases, ledger messages, review, deliveries, destruction."""
