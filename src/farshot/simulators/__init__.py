"""The simulators, which compute the outcome of a circuit, and the router that picks one.

`targets` knows their names only and is light; `router` imports the simulators themselves, in worker children, when a
circuit first needs them.
"""
