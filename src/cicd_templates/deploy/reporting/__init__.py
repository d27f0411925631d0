"""What deployments and destructions say, as values, and how they are shown."""
