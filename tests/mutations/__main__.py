"""`python -m tests.mutations [control …]`, or `… sample [control …]`, or `… seals [control …]`."""

import sys

from tests.mutations.controls import CONTROLS, main
from tests.mutations.sample import SAMPLE
from tests.mutations.seals import SEALS

LISTS = {"sample": SAMPLE, "seals": SEALS}
names = sys.argv[1:]
if names[:1] and names[0] in LISTS:
    sys.exit(main(LISTS[names[0]], names[1:]))
sys.exit(main([*CONTROLS, *SEALS], names))
