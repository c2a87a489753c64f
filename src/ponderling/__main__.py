"""`python -m ponderling` is the command `ponderling`."""

import sys

from ponderling.cli import main

sys.exit(main())
