"""The team's own scripts for rebuild and cleanup: analysis of their text, whether they can run, and their stages."""
