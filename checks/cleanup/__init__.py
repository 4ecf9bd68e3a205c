"""The cleanup step: what an earlier deployment left in the account, who owns it, and its deletion."""
