"""A named question, declared once in module scope: does the candidate behave like the control?

The app and the worker import the same declaration. In the app it records its function's calls; in the worker it is
how a job's name finds the function to call, and the rules to judge the answer by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from sidecar_science.checks import exchanges
from sidecar_science.codec.keys import Fingerprint
from sidecar_science.codec.markers import Opaque, Oversize
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import MAX_DEPTH, digest, join, measure
from sidecar_science.comparison.projection import project, project_error
from sidecar_science.errors import DeclarationError, NotEncodable, TooLarge
from sidecar_science.journal.partitions import key_text, sample_point
from sidecar_science.recording import calls
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.function import Function, RecordedFunction, Shape, experiment_of
from sidecar_science.recording.recorder import Recorder
from sidecar_science.recording.rules import DeclaredRules

F = TypeVar("F", bound=Callable[..., Any])
Key = str | Callable[..., Any] | None

_CALLS: Final[dict[Shape, Callable[..., Any]]] = {
    "plain": calls.call,
    "async": calls.call_async,
    "generator": calls.call_generator,
    "async generator": calls.call_async_generator,
}
_PREVIEW: Final = 1000
_MAX_HASHED: Final = 16 * 1024 * 1024


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
    ) -> None:
        super().__init__(name, recorder.shield)
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
        self.function: Function | None = None
        self._registry = registry
        self._project = project
        self._get_key: Callable[..., Any] | None = key if callable(key) else None
        self._places: dict[str, tuple[tuple[int, str], ...]] = {}

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
        self.function = Function.of(function, owner)
        self._get_key = self.function.signature.getter(self.name, self.key)
        recorded = RecordedFunction(function, self._recording(_CALLS[self.function.shape]))
        recorded._self_experiment = self
        return recorded

    def unwrap(self) -> None:
        """Forget the function: `instrument(...).undo()` gives the class its own method back."""
        self.function = None

    def owned_by(self, owner: type) -> None:
        """Told by the class body that our function became a method of ``owner``."""
        if self.function is not None:
            self.function = self.function.of_class(owner)

    def _recording(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
            if not self.recorder.recording:
                return wrapped(*args, **kwargs)
            if instance is None and self.function is not None and self.function.kind == "method" and args:
                # Called through the class: the first argument is the adapter, which is never recorded.
                return call(self, wrapped.__get__(args[0]), args[1:], kwargs)
            return call(self, wrapped, args, kwargs)

        return wrapper

    # -- recording -----------------------------------------------------------------------------------------------

    def begin(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], get_key: Callable[..., Any] | None = None
    ) -> Capture | None:
        """Snapshot a call before its control runs; None when it is not in the sample. Raises nothing of ours."""
        recorder = self.recorder
        exchanges.install()
        capture = Capture(self, recorder.new_id())
        try:
            self._choose(capture, get_key or self._get_key, args, kwargs)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the A-branch is sacred
            self.told("key", error)
            capture.dropped = "hook_failed"
        if capture.dropped == "sampled_out":
            recorder.wake()
            recorder.buffer.count_sampled_out()
            return None
        if capture.dropped is None:
            self._snapshot(capture, args, kwargs)
        capture.started_cpu = recorder.clock.cpu()
        capture.started = recorder.clock.monotonic()
        return capture

    def _choose(
        self,
        capture: Capture,
        get_key: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        if get_key is not None:
            key = get_key(args, kwargs)
            capture.key = None if key is None else key_text(key)
        rate = self.recorder.rate(self)
        if (
            rate < 1.0 and sample_point(self.recorder.namespace, capture.key or capture.id) >= rate
        ) or not self.rules.allow_run(self.told):
            capture.dropped = "sampled_out"
        elif not self.recorder.buffer.has_room:
            capture.dropped = self.recorder.buffer.full_reason

    def _snapshot(self, capture: Capture, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        try:
            capture.arguments = self.recorder.codec.encode([list(args), kwargs])
        except NotEncodable as error:
            capture.obstacle = str(error)
            self.recorder.shield.tell("not_replayable", error, experiment=self.name, detail=str(error))
        except TooLarge:
            capture.dropped = "too_large"
        except Exception as error:  # noqa: BLE001 - the A-branch is sacred
            self.told("encode", error)
            capture.dropped = "hook_failed"
        if self.static_context:
            capture.context = self.encode_value(self.static_context)

    def returned(self, capture: Capture | None, value: Any) -> None:
        """Note the value that the control gave, as it is now: the caller may change it."""
        if capture is None:
            return
        self._stop_clock(capture)
        if capture.dropped is None:
            capture.value = self.encode_value(value)
        self.recorder.put(capture)

    def failed(self, capture: Capture | None, error: BaseException) -> None:
        """Note the error that the control raised."""
        if capture is None:
            return
        self._stop_clock(capture)
        if capture.dropped is None:
            capture.error = self.encode_value(_projected(project_error, error))
        self.recorder.put(capture)

    def took(self, capture: Capture, items: list[bytes], item: Any) -> None:
        """Note an item that the caller takes from the control's generator."""
        if capture.dropped is None:
            items.append(self.encode_value(item))

    def consumed(self, capture: Capture, items: list[bytes], seconds: float, error: BaseException | None) -> None:
        """Note the end of a generator's consumption."""
        self._stop_clock(capture)
        capture.duration = seconds
        capture.consumed = len(items)
        if capture.dropped is None:
            capture.value = join(items)
            if len(capture.value) > self.recorder.codec.max_bytes:
                capture.value = self.recorder.codec.encode(
                    Oversize(digest=digest(capture.value), size=len(capture.value), preview="")
                )
            if error is not None:
                capture.error = self.encode_value(_projected(project_error, error))
        self.recorder.put(capture)

    def _stop_clock(self, capture: Capture) -> None:
        clock = self.recorder.clock
        capture.duration = clock.monotonic() - capture.started
        capture.cpu_time = clock.cpu() - capture.started_cpu
        capture.completed_at = clock.wall()

    def encode_value(self, value: Any) -> bytes:
        """A result in the codec's form of plain data; one that is too large is kept as digest, size and preview."""
        codec = self.recorder.codec
        try:
            if self._project is not None:
                value = self._project(value)
            return codec.encode_value(value, project)
        except TooLarge:
            return codec.encode(oversize(value))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the A-branch is sacred
            self.told("project", error)
            return codec.encode(Opaque(type_name=type(value).__qualname__))

    def plain(self, value: Any) -> Any:
        """A result as plain data, by this experiment's own projection where it has one: the B side's half of it."""
        return project(self._project(value) if self._project is not None else value)

    # -- secrets and names ---------------------------------------------------------------------------------------

    def redactor_with(self, fingerprint: Fingerprint) -> Redactor:
        """What knows this experiment's secrets; ``fingerprint`` is how they are told apart."""
        return Redactor(
            names=[name for name in self.secrets if not name.startswith("$")],
            paths=[name for name in self.secrets if name.startswith("$")],
            fingerprint=fingerprint,
        )

    def secret_places(self, function: str) -> tuple[tuple[int, str], ...]:
        """Which positional arguments of the experiment ``function``'s control are secret by their parameter's name."""
        if function not in self._places:
            declared = self._registry[function].function if function in self._registry else None
            names = declared.signature.names if declared is not None else ()
            self._places[function] = tuple((i, name) for i, name in enumerate(names) if self.redactor.is_secret(name))
        return self._places[function]

    def registered_name(self, function: Any) -> str | None:
        """The name under which B finds ``function``: its own experiment's, or that of one of our candidates."""
        experiment = experiment_of(function)
        if experiment is not None:
            return str(experiment.name)
        for name, candidate in self.candidates.items():
            if candidate is function:
                return f"{self.name}#{name}"
        return None


def oversize(value: Any) -> Oversize:
    """What is kept of a value that is too large: its digest, its size where that is known, and its beginning.

    Beyond 16 MiB there is no digest either: taking it would be felt by the caller.
    """
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass") if len(value) <= _MAX_HASHED else value
    size = len(value) if isinstance(value, str | bytes) else 0
    preview = value[:_PREVIEW] if isinstance(value, str | bytes) else ""
    text = preview.decode("utf-8", "replace") if isinstance(preview, bytes) else preview
    return Oversize(digest=_digest(value), size=size, preview=text)


def _digest(value: Any) -> str | None:
    try:
        measure(value, max_bytes=_MAX_HASHED, max_depth=MAX_DEPTH, max_nodes=1_000_000)
    except TooLarge:
        return None
    return digest(value, project)


def _projected(projection: Callable[[Any], Any], value: Any) -> Any:
    try:
        return projection(value)
    except Exception:  # noqa: BLE001 - an error that cannot even be described still has a type
        return {"type": type(value).__qualname__, "message": "", "status": None, "body": None}
