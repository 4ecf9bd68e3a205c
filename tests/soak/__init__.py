"""Kill, cut and fill at random moments, and see whether the log still tells the truth."""
