"""The verbs of the command line, one subject a file."""
