"""`python -m pool_inventory`: the command pool-inventory."""

from pool_inventory.cli import main

main()
