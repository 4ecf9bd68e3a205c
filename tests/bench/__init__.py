"""`make bench`: what ecotui costs, measured beside what it is compared with. Not part of the test run."""
