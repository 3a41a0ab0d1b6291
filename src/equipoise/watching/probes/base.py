"""What a probe is, the registry of all probes, and how they are run without a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from equipoise.history.observations import ProbeResult
from equipoise.registry import Registry
from equipoise.watching.isolation import module_device, plain_numbers, preserved_randomness, unheard
from equipoise.watching.probes.material import Material, ProbeSkipped

if TYPE_CHECKING:
    from equipoise.watching.watcher import Watcher

__all__ = ["PROBES", "Probe", "ProbeSkipped", "Probed", "probe_all", "run_probes"]

_SEED = 20_011


class Probe:
    """One active measurement.

    A subclass is registered with `@PROBES.register("its-name")`, in a file of its own, under the name that
    the catalogue of probe numbers has for it. It works on the copies that the material gives and on nothing
    else.
    """

    name: ClassVar[str]

    def measure(self, material: Material) -> dict[str, float]:
        """The probe's numbers; those that cannot be measured are left out or nan.

        Raises:
            ProbeSkipped: what the probe needs has not been seen; the message says what.
        """
        raise NotImplementedError


PROBES: Registry[type[Probe]] = Registry("probe", "equipoise.watching.probes")


@dataclass
class Probed:
    """What a round of probes gave.

    Attributes:
        results: the numbers of the probes that ran.
        skipped: the reason, by name, for those that did not.
    """

    results: list[ProbeResult] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def run_probes(watcher: Watcher, names: Sequence[str] | None = None) -> list[ProbeResult]:
    """Run probes now and store their numbers in the watcher's history.

    Args:
        watcher: whose networks are probed; they, their gradients and all random states stay as they are.
        names: which probes, by default all.

    Raises:
        EquipoiseError: a name is not that of a probe.
    """
    return probe_all(watcher, names).results


def probe_all(watcher: Watcher, names: Sequence[str] | None = None) -> Probed:
    """The same, together with the reasons of the probes that could not run.

    A fault inside a probe becomes a sentence in `watcher.problems` and never leaves this function.
    """
    chosen = [(name, PROBES.get(name)) for name in (PROBES.names() if names is None else names)]
    probed = Probed()
    with unheard(watcher):
        try:
            with preserved_randomness(), plain_numbers(module_device(watcher.generator)):
                material = Material(watcher)
                # A network that cannot be copied is one problem, not thirteen.
                material.generator()
                material.discriminator()
            for name, kind in chosen:
                _run(watcher, material, name, kind, probed)
        except Exception as error:  # noqa: BLE001  a fault in a probe must never reach the user's loop
            if not watcher.problems.off("probes"):
                watcher.problems.report("probes", error)
    return probed


def _run(watcher: Watcher, material: Material, name: str, kind: type[Probe], probed: Probed) -> None:
    try:
        # The same seed for every probe: a probe repeated on the same networks gives the same numbers.
        with preserved_randomness(_SEED), plain_numbers(module_device(watcher.generator)):
            values = kind().measure(material)
    except ProbeSkipped as reason:
        probed.skipped[name] = str(reason)
        return
    except Exception as error:  # noqa: BLE001
        if not watcher.problems.off(f"probe {name}"):
            # Said once; the next round tries again.
            watcher.problems.report(f"probe {name}", error)
        probed.skipped[name] = f"{type(error).__name__}: {str(error)[:200]}"
        return
    result = ProbeResult(name, watcher.step, {key: float(value) for key, value in values.items()})
    probed.results.append(result)
    store = getattr(watcher.history, "add_probe", None)
    if store is not None:
        store(result.name, result.step, result.values)
