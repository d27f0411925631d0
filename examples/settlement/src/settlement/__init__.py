"""Three services with one image: take payments, settle them, and report what is settled."""
