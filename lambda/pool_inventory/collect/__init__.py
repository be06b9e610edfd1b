"""Which targets to ask, and what each gave."""
