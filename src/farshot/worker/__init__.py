"""The child process that scans, parses and simulates a shard, and the parent's end of it.

The child reads assignments from its standard input and writes reports to its standard output, as length-prefixed
MessagePack (`frames`). Before each circuit it announces the position in shared memory (`board`), so that the parent
knows which circuit crashed without a message per circuit.
"""
