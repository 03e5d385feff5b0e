"""ONNX Runtime: the model as a graph with its weights inside, all optimisations, outputs bound beforehand."""
from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from contestant import Contestant
from layers import Conv, Flatten, Layer, Pool, channels_first

ACTIVATIONS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "relu": "Relu"}


def operation(layer: Layer) -> tuple[str, dict]:
    """The operator of a layer, and its attributes."""
    if isinstance(layer, Conv):
        return "Conv", {}
    if isinstance(layer, Pool):
        return "MaxPool", {"kernel_shape": [layer.size] * 2, "strides": [layer.size] * 2}
    return ("Flatten" if isinstance(layer, Flatten) else "Gemm"), {}


class Session(Contestant):

    @staticmethod
    def version() -> str:
        return f"ONNX Runtime {onnxruntime.__version__}"

    def prepare(self, weights):
        w = self.workload
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads, chosen.inter_op_num_threads = w.threads, 1
        chosen.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        chosen.add_session_config_entry("session.set_denormal_as_zero", "1")
        self.session = onnxruntime.InferenceSession(self.graph(weights).SerializeToString(), chosen,
                                                    providers=["CPUExecutionProvider"])
        row = self.data.dense(w.inputs)[:w.batch].reshape(-1, *w.input)
        self.row = np.ascontiguousarray(row.transpose(0, 3, 1, 2)) if w.images else row.copy()
        self.bound = self.session.io_binding()
        self.bound.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(self.row))
        self.out = onnxruntime.OrtValue.ortvalue_from_shape_and_type((w.batch, w.outputs), "float32")
        self.bound.bind_ortvalue_output("y", self.out)

    def graph(self, weights):
        """Channels first, as ONNX has it."""
        w, nodes, constants, at = self.workload, [], [], "x"
        for i, (layer, arrays) in enumerate(zip(w.layers, weights)):
            if i and isinstance(w.layers[i - 1], Flatten):
                arrays = channels_first(arrays[0], w.shapes[i - 1]), arrays[1]
            elif isinstance(layer, Conv):
                arrays = arrays[0].transpose(3, 2, 0, 1), arrays[1]
            names = [f"{name}{i}" for name, _ in zip(("kernel", "bias"), arrays)]
            constants += [numpy_helper.from_array(np.ascontiguousarray(a), name) for a, name in zip(arrays, names)]
            kind, attributes = operation(layer)
            nodes.append(helper.make_node(kind, [at, *names], [f"out{i}"], **attributes))
            at = f"out{i}"
            if hasattr(layer, "activation"):
                nodes.append(helper.make_node(ACTIVATIONS.get(layer.activation, "Identity"), [at], [f"active{i}"]))
                at = f"active{i}"
        nodes[-1].output[0] = "y"
        shape = lambda name, *rest: helper.make_tensor_value_info(name, TensorProto.FLOAT, [w.batch, *rest])
        graph = helper.make_graph(nodes, "model", [shape("x", *self.input_shape())], [shape("y", w.outputs)], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def input_shape(self):
        height_width, channels = self.workload.input[:-1], self.workload.input[-1:]
        return channels + height_width if self.workload.images else self.workload.input

    def predict(self):
        self.repeat(1)
        return self.out.numpy()

    def repeat(self, calls):
        for _ in range(calls):
            self.session.run_with_iobinding(self.bound)
