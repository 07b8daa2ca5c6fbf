"""Writes ONNX's own node tests to a file, and says what ONNX Runtime's CPU provider makes of them.

    python node_tests.py FILE            all whose inputs and outputs are of f32, f64, i32, i64 and bool
    python node_tests.py FILE --sample   the stored sample, nodes.onnx: every n-th of the small ones
    python node_tests.py FILE --backend  the models that are shipped beside the node tests: light, simple and PyTorch's
    python node_tests.py FILE --onnxruntime
                                         how many of the written ones ONNX Runtime passes, in the same sense

The file is a model whose initialisers are the bytes of others: a test's model under its name, and under `name.data` one
whose initialisers are the inputs (`input_0`, ...) and outputs (`output_0`, ...), with the tolerances among its metadata.
FIRN_ONNX_NODES=FILE makes the tests run it. Written with onnx 1.23.2.
"""

import json
import sys
import warnings
from pathlib import Path

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


def backend_cases():
    """The models in the package's folder of data, those of `real` apart, which it only names."""
    from onnx.backend.test.case.test_case import TestCase

    root = Path(onnx.__file__).parent / "backend" / "test" / "data"

    def tensor(path):
        value = TensorProto()
        value.ParseFromString(path.read_bytes())
        return value

    result = []

    def add(name, model, inputs, outputs, rtol=1e-3, atol=1e-7):
        stored = {tensor.name for tensor in model.graph.initializer}
        values = [v for v in list(model.graph.input) if v.name not in stored] + list(model.graph.output)
        if not all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in TYPES for v in values):
            print(f"left out, of other types: {name}")
            return
        result.append(
            TestCase(
                name=name, model_name=name, url=None, model_dir=None, model=model, data_sets=[(inputs, outputs)],
                kind="backend", rtol=rtol, atol=atol))

    for kind in ("simple", "pytorch-converted", "pytorch-operator"):
        for folder in sorted((root / kind).iterdir()):
            if not (folder / "model.onnx").exists():
                continue
            options = json.loads((folder / "data.json").read_text()) if (folder / "data.json").exists() else {}
            options = {key: options[key] for key in ("rtol", "atol") if key in options}
            sets = folder / "test_data_set_0"
            model = onnx.load(folder / "model.onnx")
            try:
                inputs, outputs = (
                    [tensor(sets / f"{what}_{i}.pb") for i in range(len(list(sets.glob(f"{what}_*.pb"))))]
                    for what in ("input", "output"))
            except Exception:  # sequences and the like are no tensors
                inputs, outputs = [], []
            add(folder.name, model, inputs, outputs, **options)
    for path in sorted((root / "light").glob("*.onnx")):
        model = onnx.load(path)
        stored = {tensor.name for tensor in model.graph.initializer}
        inputs = []
        for value in model.graph.input:
            if value.name in stored:
                continue
            # As the package's own runner feeds them.
            shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
            count = int(numpy.prod(shape))
            inputs.append((numpy.arange(count).reshape(shape) / count).astype(numpy.float32))
        outputs = [tensor(Path(f"{path.with_suffix('')}_output_{i}.pb")) for i in range(len(model.graph.output))]
        add(path.stem, model, inputs, outputs)
    return result


def data(case):
    inputs, outputs = case.data_sets[0]
    tensors = []
    # Before IR version 4 initialisers are among the inputs.
    stored = {tensor.name for tensor in case.model.graph.initializer}
    names = [v.name for v in case.model.graph.input if v.name not in stored]
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
        every = backend_cases() if "--backend" in sys.argv else cases()
        write(path, sample(every) if "--sample" in sys.argv else every)
