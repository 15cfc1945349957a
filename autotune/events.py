"""What autotune logs, under the logger ``autotune``: each entry is a text for people with fields for machines.

========== ======= ======================================================== ==========================================
event      level   what has happened                                        fields
========== ======= ======================================================== ==========================================
tuned      info    first use measured a call                                kernel, signature, size, variant, ratio,
                                                                            seconds, untried
miss       debug   the reference serves a call, because nothing is known    kernel, signature, reason
stale      info    what is recorded does not hold any more                  kernel, signature, reason
failed     debug   something that costs speed only went wrong               kernel, reason
disabled   info    a variant is not used any more in this process           kernel, variant, reason
wrong      error   a variant gave a wrong result, and is not used any more  kernel, signature, size, variant, reason,
                                                                            source
demoted    info    a variant with threads gave way to its runner-up         kernel, signature, variant, runner_up,
                                                                            reason
skipped    warning a calibration leaves a signature out                     kernel, signature, reason
recorded   info    a recording was written, or only kept in memory          path, kernels, calls
warned     warning a warning, where warnings are errors                     category
========== ======= ======================================================== ==========================================

An entry is a `logging.LogRecord`: ``record.event`` is the name, the fields are attributes too; those that an event has
not are missing. `kernel` is the id and `signature` its key (of ``skipped``, which the command line shows, their short
forms), `size` a mapping of whole numbers, `variant` the candidate as text, `ratio` the winner's time over the
reference's. Knows nothing of anything else.
"""

from __future__ import annotations

LOGGER = "autotune"

#: The level of each event, and the fields that it always has.
EVENTS: dict[str, tuple[str, frozenset[str]]] = {
    "tuned": ("INFO", frozenset({"kernel", "signature", "size", "variant", "ratio", "seconds", "untried"})),
    "miss": ("DEBUG", frozenset({"kernel", "signature", "reason"})),
    "stale": ("INFO", frozenset({"kernel", "signature", "reason"})),
    "failed": ("DEBUG", frozenset({"kernel", "reason"})),
    "disabled": ("INFO", frozenset({"kernel", "variant", "reason"})),
    "wrong": ("ERROR", frozenset({"kernel", "signature", "size", "variant", "reason", "source"})),
    "demoted": ("INFO", frozenset({"kernel", "signature", "variant", "runner_up", "reason"})),
    "skipped": ("WARNING", frozenset({"kernel", "signature", "reason"})),
    "recorded": ("INFO", frozenset({"path", "kernels", "calls"})),
    "warned": ("WARNING", frozenset({"category"})),
}


def log(event: str, message: str, *args: object, error: BaseException | None = None, **fields: object) -> None:
    """Log an event.

    Parameters
    ----------
    event : str
        A name in `EVENTS`.
    message, *args
        The text for people, as `logging` takes it.
    error : BaseException, optional
        Its traceback is shown.
    **fields
        Exactly those of the event.
    """
    import logging

    level, names = EVENTS[event]
    assert fields.keys() == names, f"{event} has the fields {sorted(names)}, not {sorted(fields)}"
    logging.getLogger(LOGGER).log(
        getattr(logging, level), message, *args, exc_info=error, extra={"event": event, **fields}
    )
