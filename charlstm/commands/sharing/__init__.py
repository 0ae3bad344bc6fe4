"""Commands that hand a run to others: a file a command, of the same name as its task."""
