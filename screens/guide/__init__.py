"""The screens of the guide: the browser, the paste box and the runbook."""
