"""Step 3: the GitHub login, and the secrets of the repository."""
