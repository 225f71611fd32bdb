"""ONNX Runtime: one session on a model of Gemm and Relu nodes (inference only)."""

from __future__ import annotations

from typing import Any

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from networks import Array

from .base import Peer


class OnnxRuntime(Peer):
    """All graph optimizations, sequential execution, as many threads as the others have."""

    name = "onnxruntime"
    version = onnxruntime.__version__

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        nodes, constants, value = [], [], "x"
        for k in range(len(sizes) - 1):
            names = f"w{k}", f"b{k}"
            constants += [
                numpy_helper.from_array(array, name)
                for array, name in zip(weights[2 * k : 2 * k + 2], names, strict=True)
            ]
            last = k == len(sizes) - 2
            nodes.append(helper.make_node("Gemm", [value, *names], ["y" if last else f"z{k}"]))
            if not last:
                value = f"a{k}"
                nodes.append(helper.make_node("Relu", [f"z{k}"], [value]))
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, sizes[0]])
        result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, sizes[-1]])
        graph = helper.make_graph(nodes, "dense", [given], [result], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8  # opset 17 came with it: every ONNX Runtime since reads it
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return lambda x: session.run(None, {"x": x})[0], lambda x: x


def make(threads: int) -> Peer:
    return OnnxRuntime(threads)
