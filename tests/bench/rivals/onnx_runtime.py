"""ONNX Runtime: the model as a graph with its weights inside, all optimisations, outputs bound beforehand."""
from __future__ import annotations

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from contestant import Contestant

ACTIVATIONS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "relu": "Relu"}


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
        self.row = self.data.dense(w.widths[0])[:w.batch].copy()
        self.bound = self.session.io_binding()
        self.bound.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(self.row))
        self.out = onnxruntime.OrtValue.ortvalue_from_shape_and_type((w.batch, w.widths[-1]), "float32")
        self.bound.bind_ortvalue_output("y", self.out)

    def graph(self, weights):
        w, nodes, constants, at = self.workload, [], [], "x"
        for i, (kernel, bias) in enumerate(weights):
            constants += [numpy_helper.from_array(kernel, f"kernel{i}"), numpy_helper.from_array(bias, f"bias{i}")]
            nodes.append(helper.make_node("Gemm", [at, f"kernel{i}", f"bias{i}"], [f"sum{i}"]))
            kind = ACTIVATIONS.get(w.last if i == len(weights) - 1 else "relu", "Identity")
            at = "y" if i == len(weights) - 1 else f"out{i}"
            nodes.append(helper.make_node(kind, [f"sum{i}"], [at]))
        shape = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, [w.batch, width])
        graph = helper.make_graph(nodes, "model", [shape("x", w.widths[0])], [shape("y", w.widths[-1])], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def predict(self):
        self.repeat(1)
        return self.out.numpy()

    def repeat(self, calls):
        for _ in range(calls):
            self.session.run_with_iobinding(self.bound)
