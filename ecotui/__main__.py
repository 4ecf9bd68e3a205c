"""`python -m ecotui`."""

import sys

try:
    from ecotui.cli import main
except KeyboardInterrupt:
    sys.exit(130)  # `ecotui.exit_codes.INTERRUPTED`, which may not have been imported yet

sys.exit(main())
