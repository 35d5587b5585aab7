"""The rehearsal of the whole job on one machine: a list of real commands, each in its own process."""
