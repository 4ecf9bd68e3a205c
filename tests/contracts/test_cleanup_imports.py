"""The model of the cleanup and the rows of its kinds import nothing heavy."""

from __future__ import annotations

import subprocess
import sys


def test_the_model_and_the_rows_of_kinds_import_neither_botocore_nor_sh_nor_yaml() -> None:
    code = (
        "import sys; import checks.cleanup.kinds, checks.cleanup.model;"
        "print(*{'boto3', 'botocore', 'sh', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
