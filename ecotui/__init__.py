"""The application: the command line, the Textual app, and the engine under both."""
