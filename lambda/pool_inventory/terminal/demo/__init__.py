"""A run against a stand-in for AWS on this machine."""
