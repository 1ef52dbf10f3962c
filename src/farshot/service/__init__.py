"""The HTTP service: the jobs of a group's machine or of a computing centre, for clients with tokens."""
