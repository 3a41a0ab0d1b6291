"""The proof behind the verdicts: faulty and healthy trainings in plain loops, and how they are judged.

- `styles/`: eight training loops, written as people write them; equipoise is one line in each.
- `faults/`: operators that plant one known failure each; `healthy.py`: variants that look wrong and are not.
- `outcome.py`: how good a run really became, measured without equipoise; it backs every label.
- `run.py` runs everything, `split.py` says which half thresholds may look at, `score.py` counts.
"""
