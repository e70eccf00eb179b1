"""`python -m tests.mutations [control …]`, or `… sample [control …]`."""

import sys

from tests.mutations.controls import CONTROLS, main
from tests.mutations.sample import SAMPLE

names = sys.argv[1:]
sys.exit(main(SAMPLE, names[1:]) if names[:1] == ["sample"] else main(CONTROLS, names))
