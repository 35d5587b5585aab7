"""The rehearsal of the whole job on one machine: real commands, each in its own process."""
