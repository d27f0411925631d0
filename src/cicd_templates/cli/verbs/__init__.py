"""The commands of the command line, one file per command; `local` also has local-stop, and `gate` its subcommands."""
