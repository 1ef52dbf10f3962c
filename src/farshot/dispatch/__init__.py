"""From the store to the executor and back. Knows protocols only."""
