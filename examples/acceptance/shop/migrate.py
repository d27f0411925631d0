"""Runs the migration. It only prints that it ran, because the application has no data."""

from __future__ import annotations

if __name__ == "__main__":
    print("migrated: there is nothing to change")
