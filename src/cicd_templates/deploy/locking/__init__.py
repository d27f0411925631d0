"""Locks an environment, so that no second command changes its stacks, on this machine or on another one."""
