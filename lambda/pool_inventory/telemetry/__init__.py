"""What a run says of itself: logs, metrics and events."""
