"""Batches of quantum circuits as asynchronous jobs."""
