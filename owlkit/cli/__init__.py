"""The `owlkit` command; each subcommand is a module with `add_arguments(subparsers)` and `run(args)`."""
