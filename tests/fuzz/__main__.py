"""``python -m tests.fuzz [N_CALLS]``: 20,000 calls, the faults among them, status 1 if any."""

import sys
from collections import Counter

from tests.fuzz.running import run

outcomes, faults = run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
print(f"{outcomes['right']} right, {outcomes['refused']} refused, {len(faults)} faults")
for (kind, text), count in Counter((item.kind, item.text) for item in faults).most_common():
    seed = next(item.seed for item in faults if (item.kind, item.text) == (kind, text))
    print(f"{count:5d}  {kind}: {text} [seed {seed}]")
sys.exit(bool(faults))
