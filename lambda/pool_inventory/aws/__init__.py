"""What is asked of AWS, and how: clients, calls, pages, and what a failure means."""
