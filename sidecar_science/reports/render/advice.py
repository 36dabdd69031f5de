"""What the words of a report mean, and what a reader can do about each of them."""

from __future__ import annotations

import attrs


@attrs.frozen
class Advice:
    """What happened, and what to do about it (which may be nothing)."""

    meaning: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """Both, as sentences."""
        return f"{self.meaning} {self.remedy}".strip()


UNKNOWN_WORD = Advice("This release does not know the word.", "Upgrade it to the release of the worker.")

OUTCOMES = {
    "ignored": Advice("An ignore rule explains the difference."),
    "incomparable": Advice("B could not be expected to agree."),
    "refused": Advice(
        "The guard stopped a connection that no route names.",
        "If it should go to B, add --route SERVICE=URL; if not, mend the adapter.",
    ),
    "failed": Advice("B could not be observed."),
    "unknown": Advice(
        "A write was interrupted after it was sent, before its answer was kept: B may have done it or not.",
        "Look for the request on B by its Sidecar-Job header.",
    ),
}

REASONS = {
    "incomparable.gap": Advice(
        "An earlier write of the same key did not reach B, so B's data is behind.",
        "Allow that write, or begin again with a fresh copy of A's data.",
    ),
    "incomparable.late": Advice(
        "The job arrived after a later one of its key had started.",
        "If there are many, the clocks of the app's hosts differ: sidecar-worker doctor measures it.",
    ),
    "incomparable.unmapped_id": Advice(
        "The call names an id, or tells of one, for which B's id is not known.",
        "Declare ids= where such ids are answered first, and record from there on: docs/ids.md.",
    ),
    "incomparable.precondition": Advice(
        "B refused a version or a lock that only A's data has.",
        "Declare the version among ids=, or name it in drop=: docs/ids.md.",
    ),
    "incomparable.environment_changed": Advice("B was replaced or reset in the meantime."),
    "skipped.write_not_allowed": Advice(
        "The call writes, and writes to its service are not allowed.",
        "Pass --allow-writes SERVICE if B may be written to.",
    ),
    "skipped.not_replayable": Advice(
        "The call cannot be made again from what was recorded.",
        "Register the class or the function that is named, or supply the secret on B.",
    ),
    "skipped.unknown_experiment": Advice(
        "The worker's module declares no experiment of this name.",
        "Run the worker on the module that the app imports, at the same release.",
    ),
    "skipped.unsupported_version": Advice("A newer release recorded the job.", "Upgrade the worker."),
    "skipped.not_consumed": Advice("The app took nothing from the generator, so there is nothing to compare."),
    "skipped.control_not_sent": Advice("On A no request left the app, so there is nothing to repeat."),
    "skipped.no_route": Advice("The worker was not told where B's service is.", "Pass --route SERVICE=URL."),
    "failed.unreachable": Advice("B did not accept the connection, or broke it.", "See whether B's service is up."),
    "failed.timeout": Advice(
        "B did not answer within the experiment's timeout.",
        "B may be too slow or too small; if it may take longer, raise timeout=.",
    ),
    "failed.worker_error": Advice("The replay failed in the worker itself.", "Its log names the job and the error."),
}

DROPPED = {
    "buffer_full": Advice("Redis was slower than the app.", "Raise buffer_bytes or lower the sample."),
    "too_large": Advice("The arguments were above max_job_bytes.", "Raise it if Redis has the memory."),
    "journal_full": Advice("The journal was at its cap.", "Run more workers, or raise the cap."),
    "gave_up": Advice("Redis did not answer for too long.", "See whether it is up: sidecar-worker doctor."),
    "shutdown": Advice("The app ended before the job was sent.", "Give sidecar.close() more time."),
    "reentrant": Advice("The call came out of the recorder itself."),
    "hook_failed": Advice("A hook of the experiment raised.", "The app's log names the hook and the error."),
    "interrupted": Advice("Something from outside hit the caller while we noted its result, as Ctrl-C does."),
    "switched_off": Advice("Still in the app's buffer when recording was switched off."),
    "no_thread": Advice("The app's host runs no threads.", "Give uWSGI --enable-threads."),
    "unclean": Advice("In the buffer of a process that ended without a goodbye.", "It is named under unclean."),
}

ENDINGS = {
    "before_start": Advice("Recorded before this environment's start (--from)."),
    "pending": Advice("Waiting for a worker.", "sidecar-worker run --burst ends when none is left."),
    "dead": Advice(
        "Unreadable, wrongly signed, or poisonous.", "sidecar-worker journal dead tells why, requeue tries again."
    ),
    "expired": Advice("Gone from the journal before a worker came to it.", "Run more workers, or raise the retention."),
    "lost": Advice(
        "Part of the expired: a stream was deleted, or Redis has lost what it had.",
        "Give Redis an append-only file: sidecar-worker doctor.",
    ),
    "unreported": Advice("Part of the recorded: in the journal, before their processes had told of them."),
    "buffered": Advice("In the buffers of running processes, and in no sum yet."),
    "unclean": Advice(
        "Processes that went silent without a goodbye: killed, or cut off from Redis.",
        "No more was lost than their buffers held.",
    ),
    "foreign": Advice("Written by no recorder of this namespace.", "Find out who else writes to this Redis."),
    "duplicates": Advice("Arrived again, and was not run again."),
}


def of_reason(reason: str) -> Advice:
    """What to tell of ``skipped.no_route``, or of an outcome that has no reason."""
    return REASONS.get(reason) or OUTCOMES.get(reason.partition(".")[0], UNKNOWN_WORD)


def of_dropped(reason: str) -> Advice:
    """What to tell of calls that were dropped for ``reason``."""
    return DROPPED.get(reason, UNKNOWN_WORD)
