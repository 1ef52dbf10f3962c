"""What is checked before work is done: the limits of a batch, and the scan of one circuit's text.

Pure functions. `batch` runs in the caller's process and looks at types, labels, sizes and options;
`scan` runs in a worker child and looks at one circuit's text.
"""
