"""Where shards run. One module an executor; they do not know each other."""
