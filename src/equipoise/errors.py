"""The one exception type of equipoise and the one shape of its sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EquipoiseError(Exception):
    """A request that cannot be carried out: one sentence with what, the rule, what came, what to do.

    Everything that equipoise raises on purpose is of this type. The command line prints it without a
    traceback and ends with status 2.

    Example:
        >>> str(parameter_error("batch_size", "an integer of at least 1", -3, "set training.batch_size"))
        '`batch_size` must be an integer of at least 1, but it is -3; set training.batch_size.'
    """


def parameter_error(parameter: str, rule: str, got: object, remedy: str = "") -> EquipoiseError:
    """The error for a parameter that breaks its rule.

    Args:
        parameter: the parameter's or file's name as the user wrote it.
        rule: what it must be, read after "must be".
        got: what it is; its ``repr`` is shown, cut to 200 characters.
        remedy: what to do, without the closing full stop.
    """
    shown = repr(got)
    if len(shown) > 200:
        shown = shown[:197] + "..."
    end = f"; {remedy}." if remedy else "."
    return EquipoiseError(f"`{parameter}` must be {rule}, but it is {shown}{end}")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> EquipoiseError:
    """The error for a name that is not known, with the nearest one that is.

    Example:
        >>> str(unknown_name("recipe", "dcgn", ["dcgan", "wgan"]))
        'There is no recipe named `dcgn`; did you mean `dcgan`? Known: dcgan, wgan.'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return EquipoiseError(f"There is no {kind} named `{name}`; {hint}Known: {', '.join(names)}.")
