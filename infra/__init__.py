"""The deploy side: from a deploy's settings to one stack."""
