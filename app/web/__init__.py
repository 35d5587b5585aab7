"""The pages of auditors and operators: server-rendered, each with a JSON and a CSV twin."""
