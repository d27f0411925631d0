"""Takes rendered files to AWS and back. Reads `out/` alone, never a layer, so that what was reviewed is what runs."""
