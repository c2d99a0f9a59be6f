"""Runs one ONNX model with onnxruntime, an optional package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag import extras
from phototag.engines.formats.onnx_graph import leads_elsewhere
from phototag.engines.formats.unsafe import unsafe_kind
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError

Floats = npt.NDArray[np.float32]

RUNTIME = "onnxruntime"  #: the package
GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A model's input or output: its name, its shape (None: any size) and the type of its numbers."""

    name: str
    shape: tuple[int | None, ...]
    type: str


class OnnxModel:
    """An ONNX model in memory. Not for use from several threads at once.

    Unless it is `prepared`, no part of it runs before it is called: preparing works out whatever is constant.
    `on_gpu`: whether it runs on one.
    Raises WeightsError for bytes that are no ONNX model, UsageError without onnxruntime or the device asked for.
    """

    def __init__(self, data: bytes, options: EngineOptions, where: str, *, prepared: bool = True) -> None:
        if disguise := unsafe_kind(data):
            raise WeightsError(f"{where} is no ONNX model but {disguise}; nothing of it was used")
        _require_whole(data, where)
        runtime = _runtime()
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        if not prepared:
            settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        settings.add_session_config_entry("session.load_model_format", "ONNX")  # and no other that is not looked into
        # Threads that wait by spinning would take the decode processes' time.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            with quiet():
                self._session = runtime.InferenceSession(data, settings, providers=_providers(runtime, options.device))
        except Exception as error:
            reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise WeightsError(f"{where} is no ONNX model that onnxruntime can read: {reason[0]}") from error
        # onnxruntime-gpu names its provider also where there is no GPU, and then goes on without it.
        self.on_gpu = GPU in self._session.get_providers()
        if options.device == "gpu" and not self.on_gpu:
            raise UsageError(
                "onnxruntime finds no GPU here: leave --device gpu out, or install the package onnxruntime-gpu in its "
                "place"
            )
        self.inputs = [_tensor(one) for one in self._session.get_inputs()]
        self.outputs = [_tensor(one) for one in self._session.get_outputs()]
        self._where = where

    def __call__(self, samples: Floats) -> list[Floats]:
        """All outputs for the one input. Raises WeightsError where the model itself fails."""
        try:
            outputs: list[Floats] = self._session.run(None, {self.inputs[0].name: samples})
        except Exception as error:
            raise WeightsError(f"{self._where} fails on an input of {samples.shape}: {error}") from error
        return outputs


def read(path: Path) -> bytes:
    """A model file's bytes. Raises WeightsError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read: {error.strerror}") from error


def _require_whole(data: bytes, where: str) -> None:
    """Raises WeightsError for a model that would run with whatever lies in some other file."""
    try:
        elsewhere = leads_elsewhere(data)
    except ValueError as error:
        raise WeightsError(f"{where} is no ONNX model ({error}); nothing of it was used") from error
    if elsewhere:
        raise WeightsError(
            f"{where} is not all of its model, its weights lie in another file: save the model as one file"
        )


def _runtime() -> Any:
    extras.require("this engine", RUNTIME)
    import onnxruntime

    return onnxruntime


def _providers(runtime: Any, device: str) -> list[str]:
    able = device != "cpu" and GPU in runtime.get_available_providers()
    return [GPU, CPU] if able else [CPU]


def _tensor(one: Any) -> Tensor:
    return Tensor(one.name, tuple(side if isinstance(side, int) and side > 0 else None for side in one.shape), one.type)
