"""The API of anonlink-entity-service 1.15, for files of plain CLKs that are in use already.

An application of its own, with its own database, keys and blobs. There is no agreement, no person and no match
log here, and nothing here is reached from the broker. `docs/anonlink.md` says what it is for.
"""
