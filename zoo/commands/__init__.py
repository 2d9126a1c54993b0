"""One file a command: what each runs, from data to result."""
