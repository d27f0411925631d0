"""What a reviewer must judge, read off finished templates: pure, offline, on plain dicts, and blind to layers."""
