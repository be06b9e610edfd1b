"""Which targets to read, and the reading of each."""
