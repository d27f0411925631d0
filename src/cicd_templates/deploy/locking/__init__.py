"""Locks an environment against a second command that changes its stacks, on this machine or on another one."""
