"""The commands of the command line, one module each.

The module `local` also contains the command `local-stop`. The module `gate` contains the subcommands of `gate`.
"""
