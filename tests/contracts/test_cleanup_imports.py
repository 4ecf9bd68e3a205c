"""What a screen imports of the cleanup stays light."""

from __future__ import annotations

import subprocess
import sys


def test_the_types_of_the_cleanup_pull_in_neither_botocore_nor_sh_nor_yaml() -> None:
    code = (
        "import sys; from checks.cleanup.model import CleanupDetail;"
        "print(*{'boto3', 'botocore', 'sh', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
