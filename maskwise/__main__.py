"""`python -m maskwise` is `maskwise`."""

from maskwise.cli import main

main()
