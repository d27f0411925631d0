"""What stands between an environment and its next deployment, with the command for each stack. Runs nothing."""
