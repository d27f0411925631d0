"""Read `templates/environments.toml`, check it, and spell every name that follows from it. Knows no AWS SDK."""
