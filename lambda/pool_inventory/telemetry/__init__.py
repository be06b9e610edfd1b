"""Logs, metrics and events of a run."""
