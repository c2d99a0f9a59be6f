"""Runs one exported network with LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.engines.quiet import quiet


class Network:
    """A LiteRT model with one input and one output, both with the batch first.

    The interpreter is kept, and its memory planned anew only when the input's shape changes. Not for
    use from several threads at once.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._shape: tuple[int, ...] = ()

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The network's output for a batch of the type and inner shape that the model was exported for."""
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, batch.shape, strict=True)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        output: npt.NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return output
