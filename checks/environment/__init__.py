"""Step 1: tools, AWS identity, project, files and variables."""
