"""Plans: proposed, written down, shown, verified, discarded. Executes none."""
