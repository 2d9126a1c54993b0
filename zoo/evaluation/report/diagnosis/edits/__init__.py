"""Edits of a recipe that would mend a run: one file a lever, in the order of leverage."""
