"""A plan, as terraform shows it: typed, compared, drawn as a tree. Pure."""
