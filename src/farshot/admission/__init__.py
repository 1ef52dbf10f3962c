"""The checks of one submission: types, labels, sizes and options. They run in the caller's process."""
