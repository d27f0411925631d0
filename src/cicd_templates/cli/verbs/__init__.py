"""The commands of the command line, one module each. `local` also has `local-stop`; `gate` has its subcommands."""
