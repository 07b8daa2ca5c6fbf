"""Writes ONNX's own node tests to a file, and says what ONNX Runtime's CPU provider makes of them.

    python node_tests.py FILE            all whose inputs and outputs are of f32, f64, i32, i64 and bool
    python node_tests.py FILE --sample   the stored sample, nodes.onnx: every n-th of the small ones
    python node_tests.py FILE --onnxruntime
                                         how many of the written ones ONNX Runtime passes, in the same sense

The file is a model whose initialisers are the bytes of others: a test's model under its name, and under `name.data` one
whose initialisers are the inputs (`input_0`, ...) and outputs (`output_0`, ...), with the tolerances among its metadata.
FIRN_ONNX_NODES=FILE makes the tests run it. Written with onnx 1.23.2.
"""

import sys
import warnings

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL}


def cases():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    result = []
    for case in collect_testcases(None):
        values = list(case.model.graph.input) + list(case.model.graph.output)
        if all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in TYPES for v in values):
            result.append(case)
    return sorted(result, key=lambda case: case.name)


def data(case):
    inputs, outputs = case.data_sets[0]
    tensors = []
    names = [v.name for v in case.model.graph.input]
    for kind, values in (("input", inputs), ("output", outputs)):
        for index, value in enumerate(values):
            if isinstance(value, TensorProto):
                value = numpy_helper.to_array(value)
            tensors.append(numpy_helper.from_array(numpy.asarray(value), f"{kind}_{index}"))
    graph = helper.make_graph([], case.name, [], [], tensors)
    model = helper.make_model(graph)
    for key, value in (("rtol", case.rtol), ("atol", case.atol), ("names", ",".join(names))):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    return model


def write(path, wanted):
    """One model whose initialisers are the bytes of others: `name` is a test's model, `name.data` its values."""
    tensors = []
    for case in wanted:
        for name, model in ((case.name, case.model), (case.name + ".data", data(case))):
            content = numpy.frombuffer(model.SerializeToString(), numpy.uint8)
            tensors.append(numpy_helper.from_array(content, name))
    with open(path, "wb") as file:
        file.write(helper.make_model(helper.make_graph([], "tests", [], [], tensors)).SerializeToString())
    print(f"{len(tensors) // 2} tests written to {path}")


def read(path):
    files = {t.name: numpy_helper.to_array(t).tobytes() for t in onnx.load(path).graph.initializer}
    return {name: (files[name], files[name + ".data"]) for name in files if name + ".data" in files}


def sample(every):
    small = []
    for case in every:
        size = len(case.model.SerializeToString()) + len(data(case).SerializeToString())
        if size < 1500 and "_expanded" not in case.name:
            small.append(case)
    step = max(1, len(small) // 170)
    return small[::step][:170]


def onnxruntime(path):
    import onnxruntime as runtime

    runtime.set_default_logger_severity(4)
    passed, failed = 0, []
    tests = read(path)
    for name, (model, content) in tests.items():
        values = onnx.load_from_string(content)
        metadata = {entry.key: entry.value for entry in values.metadata_props}
        arrays = {t.name: numpy_helper.to_array(t) for t in values.graph.initializer}
        try:
            session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
            feeds = {n: arrays[f"input_{i}"] for i, n in enumerate(metadata["names"].split(",")) if n}
            results = session.run(None, feeds)
            for index, result in enumerate(results):
                wanted = arrays[f"output_{index}"]
                assert result.dtype == wanted.dtype and result.shape == wanted.shape
                numpy.testing.assert_allclose(
                    result, wanted, rtol=float(metadata["rtol"]), atol=float(metadata["atol"]))
            passed += 1
        except BaseException as error:
            failed.append((name, str(error).split("\n")[0][:90]))
    for name, reason in failed:
        print(f"{name}: {reason}")
    print(f"ONNX Runtime {runtime.__version__} passes {passed} of {len(tests)}")


if __name__ == "__main__":
    path = sys.argv[1]
    if "--onnxruntime" in sys.argv:
        onnxruntime(path)
    else:
        every = cases()
        write(path, sample(every) if "--sample" in sys.argv else every)
