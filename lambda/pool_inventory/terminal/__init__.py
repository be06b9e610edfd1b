"""What only the terminal needs: the function's bundle leaves it out."""
