"""Calls to AWS: clients of the right account, retries, polling, and look-ups of what exists. Decides nothing."""
