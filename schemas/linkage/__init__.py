"""What is encoded and how it is compared: fields, passes, rows, policy, and how sure a run is of its links."""
