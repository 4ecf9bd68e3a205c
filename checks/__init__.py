"""Read-only checks of the account, the tools and the project, and their fixes: one package a step, over tools and aws."""
