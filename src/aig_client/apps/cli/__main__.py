"""`python -m aig_client.apps.cli`: the command `aig`."""

import sys

from . import main

sys.exit(main())
