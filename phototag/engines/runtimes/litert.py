"""Runs one exported network with LiteRT."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.engines.runtimes.quiet import quiet


class LiteRTNetwork:
    """A LiteRT model with one input and one output, both with the batch first.

    The interpreter is kept, and its memory planned anew only when the input's shape changes: that costs
    more than the run itself for small inputs. So with `batch` the model always sees that many samples
    at once, the last ones filled up with zeros. A sample's output does not depend on its neighbours.
    Not for use from several threads at once.
    """

    def __init__(self, model: bytes, threads: int, batch: int | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        # LiteRT greets when a process first plans any memory. It does so here, before there are other threads
        # whose messages would be lost; inputs of free sizes can't always be planned for yet.
        with quiet(), suppress(RuntimeError):
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._batch = batch
        self._shape: tuple[int, ...] = ()

    def __call__(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """One output for each sample, of the type and shape that the model was exported for."""
        if self._batch is None:
            return self._run(samples)
        count = len(samples)
        missing = -count % self._batch if count else self._batch
        if missing:
            samples = np.concatenate([samples, np.zeros((missing, *samples.shape[1:]), samples.dtype)])
        batches = [self._run(samples[at : at + self._batch]) for at in range(0, max(count, 1), self._batch)]
        return np.concatenate(batches)[:count]

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, batch.shape, strict=True)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        output: npt.NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return output
