"""The client side of the HTTP API: requests that outlive a restart of the service, uploads, the feed, results."""
