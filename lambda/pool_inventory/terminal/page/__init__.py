"""The page: an inventory as one file of HTML, which needs no server and no network."""
