"""Active probes: measurements on copies of the two networks, from what the watcher remembers.

A probe never touches the user's networks, optimizers or random state. It is given a `Material` and returns
the numbers that `equipoise.history.probe_numbers` lists for it.
"""

from equipoise.watching.probes.base import Probe, Probed, ProbeSkipped, probe_all, run_probes

__all__ = ["Probe", "ProbeSkipped", "Probed", "probe_all", "run_probes"]
