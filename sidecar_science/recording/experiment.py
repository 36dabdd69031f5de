"""A named question, declared once in module scope: does the candidate behave like the control?

The app and the worker import the same declaration. In the app it records its function's calls; in the worker it is
how a job's name finds the function to call, and the rules to judge the answer by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from sidecar_science.checks import exchanges
from sidecar_science.codec.keys import Fingerprint
from sidecar_science.codec.redaction import Redactor
from sidecar_science.comparison.rules import Rule
from sidecar_science.errors import DeclarationError, NotEncodable, TooLarge
from sidecar_science.journal.job import AMBIENT
from sidecar_science.journal.partitions import key_text
from sidecar_science.recording import calls
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.function import Function, RecordedFunction, Shape, experiment_of
from sidecar_science.recording.places import Places, SecretPlaces
from sidecar_science.recording.recorder import Recorder
from sidecar_science.recording.rules import DeclaredRules
from sidecar_science.recording.signature import Getter, getter_of
from sidecar_science.recording.snapshots import Items, Snapshots
from sidecar_science.translation.declared import Ids

F = TypeVar("F", bound=Callable[..., Any])
Key = str | Callable[..., Any] | None

_CALLS: Final[dict[Shape, Callable[..., Any]]] = {
    "plain": calls.call,
    "async": calls.call_async,
    "generator": calls.call_generator,
    "async generator": calls.call_async_generator,
}


class SidecarExperiment(DeclaredRules):
    """One declared experiment. Applied to a function it is a decorator; its rules are Scientist's verbs.

    ``timeout`` is in seconds and bounds one replay on B. ``sample`` is a share from 0 to 1, or None for the
    sidecar's. Made by `Sidecar.experiment`, never directly.
    """

    def __init__(
        self,
        name: str,
        *,
        recorder: Recorder,
        registry: Mapping[str, SidecarExperiment],
        fingerprint: Fingerprint,
        service: str | None,
        key: Key,
        effect: Literal["read", "write"],
        sample: float | None,
        timeout: float,
        secrets: Sequence[str],
        project: Callable[[Any], Any] | None,
        idempotent: bool,
        heals: bool,
        reconcile: Callable[..., bool] | None,
        ids: Ids,
        shared_rules: Sequence[Rule] = (),
    ) -> None:
        super().__init__(name, recorder.shield, shared_rules)
        self.recorder = recorder
        self.service = service
        self.key = key
        self.effect = effect
        self.sample = sample
        self.timeout = timeout
        self.secrets = tuple(secrets)
        self.redactor = self.redactor_with(fingerprint)
        self.idempotent = idempotent
        self.heals = heals
        self.reconcile = reconcile
        self.ids = ids
        self.function: Function | None = None
        self.snapshots = Snapshots(recorder.codec, project, self.told)
        self._get_key: Getter | None = getter_of(key) if callable(key) else None
        self._places = SecretPlaces(registry, self.redactor.is_secret)

    def __repr__(self) -> str:
        return f"<SidecarExperiment {self.name!r} service={self.service!r} effect={self.effect!r}>"

    # -- declaring -----------------------------------------------------------------------------------------------

    def __call__(self, function: F) -> F:
        """Declare ``function`` as the control, and give back a function that does the same and is recorded.

        Works above and below ``classmethod`` and ``staticmethod``. Raises `DeclarationError` when the experiment
        has a function already, or its key is no parameter of this one.
        """
        return self.wrap(function)  # type: ignore[return-value]

    def wrap(self, function: Any, owner: type | None = None) -> RecordedFunction:
        if self.function is not None:
            raise DeclarationError(
                f"experiment {self.name!r} is declared for {self.function.label} already; "
                f"give {Function.of(function).label} an experiment of its own name"
            )
        if not callable(function) and not isinstance(function, classmethod | staticmethod):
            raise DeclarationError(
                f"experiment {self.name!r} was applied to {function!r}; apply it to a function, a method, "
                "a classmethod or a staticmethod"
            )
        declared = Function.of(function, owner)
        self._get_key = declared.signature.getter(self.name, self.key)
        self._check_ids(declared)
        self.function = declared
        recorded = RecordedFunction(function, self._recording(_CALLS[self.function.shape]))
        recorded._self_experiment = self
        return recorded

    def unwrap(self) -> None:
        """Forget the function: whoever still holds the wrapper calls straight through it."""
        self.function = None

    def _check_ids(self, function: Function) -> None:
        for name in self.ids.parameters:
            if not function.signature.knows(name):
                known = ", ".join((*function.signature.names, *function.signature.keyword_only)) or "none"
                raise DeclarationError(
                    f"experiment {self.name!r}: {name!r}, which ids or drop name, is no parameter of the function (its "
                    f"parameters: {known}); begin with one of them, or with '$' for a place in the result"
                )

    def owned_by(self, owner: type) -> None:
        """Told by the class body that our function became a method of ``owner``."""
        if self.function is not None:
            self.function = self.function.of_class(owner)
            self._get_key = self.function.signature.getter(self.name, self.key)

    def _recording(self, call: Callable[..., Any]) -> Callable[..., Any]:
        recorder = self.recorder

        def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
            function = self.function
            if function is None or not recorder.recording:
                return wrapped(*args, **kwargs)
            if instance is None and args and function.is_bound:
                # Called past its class: the first argument is the adapter, which is never recorded.
                return call(self, wrapped.__get__(args[0]), args[1:], kwargs)
            return call(self, wrapped, args, kwargs)

        return wrapper

    # -- recording -----------------------------------------------------------------------------------------------

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], get_key: Getter | None = None) -> Capture | None:
        """Snapshot a call before its control runs; None when it is not in the sample. Raises nothing of ours."""
        recorder = self.recorder
        recorder.wake()
        rate = recorder.rate(self)
        if rate <= 0.0:
            recorder.buffer.count_sampled_out()
            return None
        key, id = None, ""
        get_key = get_key or self._get_key
        if get_key is not None:
            try:
                key = get_key(args, kwargs)
                key = None if key is None else key_text(key)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a hook, and the A-branch is sacred
                return self._without_key(error)
        if rate < 1.0:
            id = recorder.new_id() if key is None else ""
            if not recorder.chooses(rate, id if key is None else key):
                recorder.buffer.count_sampled_out()
                return None
        if self.rules.run_if is not None and not self.allows_run():
            recorder.buffer.count_sampled_out()
            return None
        capture = Capture(self, id or recorder.new_id(), key)
        if not recorder.buffer.has_room:
            capture.dropped = recorder.buffer.full_reason
            return capture
        exchanges.install()
        self._snapshot(capture, args, kwargs)
        capture.started_cpu = recorder.clock.cpu()
        capture.started = recorder.clock.monotonic()
        return capture

    def _without_key(self, error: BaseException) -> Capture:
        self.told("key", error)
        capture = Capture(self, self.recorder.new_id(), None)
        capture.dropped = "hook_failed"
        return capture

    def _snapshot(self, capture: Capture, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        try:
            capture.arguments, capture.obstacle = self.encode_arguments(args, kwargs)
            capture.ambient = self.recorder.ambients.taken(self.snapshots.plain)
            self.note_context(capture, self.static_context)
        except TooLarge:
            capture.dropped = "too_large"
        except Exception as error:  # noqa: BLE001 - the A-branch is sacred
            self.told("encode", error)
            capture.dropped = "hook_failed"

    def note_context(self, capture: Capture, context: Mapping[str, Any]) -> None:
        """Keep ``context`` beside the call, and what surrounds it."""
        whole = {**context, AMBIENT: capture.ambient} if capture.ambient else context
        if whole:
            capture.context = self.snapshots.plain(whole)

    def encode_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[bytes, str | None]:
        """The exact form of arguments; or what can be read of them, and what stands in the way.

        Raises `CodecError` for what is too large, or cannot be looked at.
        """
        given = [list(args), kwargs]
        try:
            return self.recorder.codec.encode(given), None
        except NotEncodable as error:
            self.recorder.shield.tell("not_replayable", error, experiment=self.name, type=error.type_name)
            return self.snapshots.searchable(given), str(error)

    def returned(self, capture: Capture, value: Any) -> None:
        """Note the value that the control gave, as it is now: the caller may change it."""
        self._stop_clock(capture)
        self._record(capture, self._note_value, value)

    def failed(self, capture: Capture, error: BaseException) -> None:
        """Note the error that the control raised."""
        self._stop_clock(capture)
        self._record(capture, self._note_error, error)

    def took(self, capture: Capture, items: Items, item: Any) -> None:
        """Note an item that the caller takes from the control's generator."""
        if capture.dropped is not None:
            return
        try:
            items.add(self.encode_value(item))
        except Exception as error:  # noqa: BLE001 - the A-branch is sacred
            self.told("record", error)
            capture.dropped = "hook_failed"

    def consumed(
        self, capture: Capture, items: Items, seconds: float, cpu_seconds: float, error: BaseException | None
    ) -> None:
        """Note the end of a generator's consumption, and the time that its own steps took."""
        self._stop_clock(capture)
        capture.duration, capture.cpu_time = seconds, cpu_seconds
        capture.consumed = items.count
        self._record(capture, self._note_items, items, error)

    def _stop_clock(self, capture: Capture) -> None:
        if capture.dropped is not None:
            return
        clock = self.recorder.clock
        capture.ended = clock.monotonic()
        capture.duration = capture.ended - capture.started
        capture.cpu_time = clock.cpu() - capture.started_cpu
        capture.completed_at = clock.wall()

    def _record(self, capture: Capture, note: Callable[..., None], *what: Any) -> None:
        try:
            if capture.dropped is None:
                note(capture, *what)
        except Exception as error:  # noqa: BLE001 - the A-branch is sacred
            capture.dropped = "hook_failed"
            self.told("record", error)
        except BaseException:
            # It came from outside, as Ctrl-C does or a time limit of the host, and is meant for the host.
            capture.dropped = "interrupted"
            raise
        finally:
            self.recorder.put(capture)

    def _note_value(self, capture: Capture, value: Any) -> None:
        capture.value = self.snapshots.value(value)

    def _note_error(self, capture: Capture, error: BaseException) -> None:
        described = self.snapshots.describe(error)
        capture.answered = described["status"] is not None
        capture.error = self.snapshots.plain(described)

    def _note_items(self, capture: Capture, items: Items, error: BaseException | None) -> None:
        capture.value = items.encoded()
        if error is not None:
            self._note_error(capture, error)

    # -- what both sides encode alike ----------------------------------------------------------------------------

    def encode_value(self, value: Any) -> bytes:
        """A result in the codec's form of plain data; one that is too large is kept as digest, size and preview."""
        return self.snapshots.value(value)

    def encode_error(self, error: BaseException) -> bytes:
        """An exception in the same form: type, message, status and body."""
        return self.snapshots.plain(self.snapshots.describe(error))

    def join_values(self, items: Sequence[bytes]) -> bytes:
        """The form of a list of results that were encoded one by one, as they were taken from a generator."""
        return Items(self.recorder.codec, items).encoded()

    # -- secrets and names ---------------------------------------------------------------------------------------

    def redactor_with(self, fingerprint: Fingerprint) -> Redactor:
        """What knows this experiment's secrets; ``fingerprint`` is how they are told apart."""
        return Redactor(
            names=[name for name in self.secrets if not name.startswith("$")],
            paths=[name for name in self.secrets if name.startswith("$")],
            fingerprint=fingerprint,
        )

    def secret_places(self, function: str) -> Places:
        """Which positional arguments are secret by their parameter's name, of what is registered as ``function``."""
        return self._places.of(function)

    def parameters(self, function: str) -> tuple[str, ...]:
        """The parameters that positional arguments fill, of what is registered as ``function``."""
        return self._places.parameters(function)

    def registered_name(self, function: Any) -> str | None:
        """The name under which B finds ``function``: its own experiment's, or that of one of our candidates."""
        experiment = experiment_of(function)
        if experiment is not None:
            return str(experiment.name)
        for name, candidate in self.candidates.items():
            if candidate is function:
                return f"{self.name}#{name}"
        return None
