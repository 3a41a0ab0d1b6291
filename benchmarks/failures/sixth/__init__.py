"""A sixth half, written after the misses of the fifth one had been looked at, and as blindly.

It asks one thing only: are the known kinds of faults named rightly in loops *as they are published*? Each of
its ten loops is the loop of a well-known public training script, typed anew for small networks; the line of
the script that an operator spoils is where the script has it. It has no new kind of fault, and its rule of
selection leaves no room for choosing what is easy: every operator of the first corpus is replanted in one
loop, those of the ten most usual faults in two loops and on two data sets, every operator that a later half
introduced in one; `planted.NOT_PLANTED` tells what was left out, and why.

Written without looking at the checks, their thresholds, their tests or any verdict: only trainings without
equipoise were run, to see that the loops work and that the labels hold. Expected names and equivalents are
those of the operators.

- `sources.py`, `networks.py`, `restorers.py`, `styles/`: what the earlier halves have not;
- `parts.py`: the healthy ingredients of a case;
- `usual.py`, `replanted.py`, `later.py`, `beside.py`: the operators, first the ten most usual faults, then
  the others of the first corpus, those of the later halves, and those that stand beside a distance;
- `healthy.py`: trainings that are fine, the false-alarm traps among them;
- `registry.py`: where all of them are filed.
"""
