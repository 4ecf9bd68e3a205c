"""Fixtures that the whole suite shares; each subject has its own module."""

pytest_plugins = ["fixtures_aws", "fixtures_tui"]
