"""`python -m gradschool` is the command line."""

from gradschool.cli.main import main

main()
