"""Whether what is stored is what it says of itself."""
