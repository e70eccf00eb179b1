"""`python -m tests.mutations [control …]`."""

import sys

from tests.mutations.controls import main

sys.exit(main(sys.argv[1:]))
