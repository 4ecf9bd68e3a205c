"""`python -m ecotui`."""

import sys

try:
    from ecotui.cli import main
except KeyboardInterrupt:
    sys.exit(130)  # `ecotui.exits.INTERRUPTED`, which may not have been imported yet

sys.exit(main())
