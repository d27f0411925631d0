"""Locks an environment, so that only one command at a time changes its stacks, whichever machine it runs on."""
