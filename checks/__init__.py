"""Looking at the world and fixing it: one module a step, plus the wrappers they stand on."""
