"""From what was read to a finished snapshot."""
