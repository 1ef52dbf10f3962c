"""What computes a circuit's outcome: one module per simulator, and the router that picks one.

`targets` knows the names only and is light; the simulators themselves are imported by `router`, in worker
children, when a circuit first needs them.
"""
