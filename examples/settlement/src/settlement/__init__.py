"""Three services with one image: they accept payments, settle them, and report the number of settled payments."""
