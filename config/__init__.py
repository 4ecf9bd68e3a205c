"""The settings model and the data: defaults, guide documents, the demo project. The lowest layer."""
