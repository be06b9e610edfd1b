"""What only a terminal needs: the Lambda carries nothing of it."""
