"""The folder of code that the function runs, and what it is built with."""
