"""Executors, which run shards. Each is one module and knows no other."""
