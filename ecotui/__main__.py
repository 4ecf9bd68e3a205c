"""`python -m ecotui`."""

import sys

from ecotui.cli import main

sys.exit(main())
