"""The dispatcher between a store and an executor, both of which it knows by their protocols only."""
