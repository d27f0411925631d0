"""The application of the acceptance run: it answers a health check and accepts orders."""
