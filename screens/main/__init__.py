"""The main screen, and its controllers for commands and locks."""
