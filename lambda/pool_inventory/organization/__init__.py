"""The door of an organization: what its state machine calls, one after the other."""
