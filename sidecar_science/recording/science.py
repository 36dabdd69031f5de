"""The context manager: Scientist's ``science`` block, where there is no function to decorate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from sidecar_science.errors import BehaviorMissing, BehaviorNotUnique, DeclarationError, TooLarge
from sidecar_science.recording import calls
from sidecar_science.recording.capture import Capture, Planned
from sidecar_science.recording.experiment import SidecarExperiment
from sidecar_science.recording.function import experiment_of
from sidecar_science.recording.signature import Getter, Signature

_UNREGISTERED = "is not registered, so B cannot find it: declare an experiment for it, or register it with try_"


class Science:
    """One run of an experiment: ``use`` names the control, ``try_`` what B calls; leaving the block runs it.

    The control runs once, here. It counts as one call under the experiment's name, whatever recorded calls it makes.
    Give keywords to the function itself: all but ``name`` (of `try_`) are passed on.
    """

    def __init__(self, experiment: SidecarExperiment) -> None:
        self.experiment = experiment
        self.recorder = experiment.recorder
        self.name = experiment.name
        self.value: Any = None
        self._control: Callable[..., Any] | None = None
        self._args: tuple[Any, ...] = ()
        self._kwargs: dict[str, Any] = {}
        self._tried: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}
        self._context: dict[str, Any] = {}
        self._has_run = False

    def use(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Name the control and its arguments. Raises `BehaviorNotUnique` for a second one."""
        if self._control is not None:
            raise BehaviorNotUnique(self.experiment, "control")
        self._control, self._args, self._kwargs = function, args, kwargs
        return function

    def try_(self, function: Any = None, /, *args: Any, name: str = "candidate", **kwargs: Any) -> Any:
        """Name what B calls instead of the control: something registered. Raises `BehaviorNotUnique`."""
        if function is None:
            return lambda given: self.try_(given, name=name)
        if name in self._tried:
            raise BehaviorNotUnique(self.experiment, name)
        self._tried[str(name)] = (function, args, kwargs)
        return function

    def context(self, mapping: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Add to what is recorded beside this call, and give the whole of it."""
        self._context.update(mapping or {}, **more)
        return {**self.experiment.static_context, **self._context}

    def run(self) -> Any:
        """Run the control and give its value, or raise its exception. Raises `BehaviorMissing` without a control."""
        control = self._ready()
        self.value = calls.call(self, control, self._args, self._kwargs)  # type: ignore[arg-type]
        return self.value

    async def run_async(self) -> Any:
        """The same for a control that is a coroutine function."""
        control = self._ready()
        self.value = await calls.call_async(self, control, self._args, self._kwargs)  # type: ignore[arg-type]
        return self.value

    def __enter__(self) -> Science:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None and not self._has_run:
            self.run()

    def _ready(self) -> Callable[..., Any]:
        if self._control is None:
            raise BehaviorMissing(self.experiment, "control")
        self._has_run = True
        return self._control

    # -- what `calls` asks of an experiment ----------------------------------------------------------------------

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Capture | None:
        capture = self.experiment.begin(args, kwargs, get_key=self._key_getter())
        if capture is None or capture.dropped is not None:
            return capture
        try:
            capture.calls = self._calls(capture)
            if self._context:
                self.experiment.note_context(capture, self.context())
        except TooLarge:
            capture.dropped = "too_large"
        except Exception as error:  # noqa: BLE001 - the A-branch is sacred
            self.experiment.told("science", error)
            capture.dropped = "hook_failed"
        return capture

    def __getattr__(self, name: str) -> Any:
        if name in ("returned", "failed", "took", "consumed"):
            return getattr(self.experiment, name)
        raise AttributeError(name)

    def _key_getter(self) -> Getter | None:
        """The key is a parameter of the control that runs here, whatever the experiment's own function is."""
        key = self.experiment.key
        used = experiment_of(self._control)
        if used is self.experiment or not isinstance(key, str):
            return None
        signature = _signature(used, self._control)
        if signature.knows(key):
            return signature.getter(self.name, key)
        self.experiment.told("key", DeclarationError(f"key={key!r} is no parameter of the control that was used"))
        return _no_key

    def _calls(self, capture: Capture) -> list[Planned]:
        if self._tried:
            return [self._planned(name, *tried) for name, tried in self._tried.items()]
        used = experiment_of(self._control)
        if used is not None:
            return [("candidate", used.name, capture.arguments, capture.obstacle)]
        if self.experiment.function is not None:
            return [("candidate", self.name, capture.arguments, capture.obstacle)]
        return [self._unregistered("candidate", self._control, self._args, self._kwargs, "the control")]

    def _planned(self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Planned:
        known = self.experiment.registered_name(function)
        if known is None:
            return self._unregistered(name, function, args, kwargs, f"the candidate {name!r}")
        return (name, known, *self.experiment.encode_arguments(args, kwargs))

    def _unregistered(
        self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], what: str
    ) -> Planned:
        """B cannot call it. Its arguments are only searched for secrets, which parameters may name."""
        names = _signature(None, function).names
        named = dict(zip(names, args, strict=False))
        readable = self.experiment.snapshots.searchable([list(args[len(names) :]), [named, kwargs]])
        return (name, "", readable, f"{what} of {self.name!r} {_UNREGISTERED}")


def _no_key(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    return None


def _signature(used: SidecarExperiment | None, function: Any) -> Signature:
    if used is not None and used.function is not None:
        return used.function.signature
    return Signature.of(function, bound=False)
