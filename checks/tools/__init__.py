"""The command-line tools that ecotui asks: one module a tool, all of them on `run`."""
