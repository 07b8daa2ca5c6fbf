"""Runs random graphs that Firn exported in ONNX Runtime, and holds its outputs against Firn's.

    FIRN_ONNX_RANDOM=FOLDER swift test -c release --filter writesManyForRuntime
    python random_graphs.py FOLDER              checks and runs all of them
    python random_graphs.py FOLDER --store DIR  and keeps the ten smallest, with ONNX Runtime's outputs

Written with onnx 1.23.2 and onnxruntime 1.32.0.
"""

import shutil
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime as runtime


def run(path):
    onnx.checker.check_model(str(path), full_check=True)
    values = dict(numpy.load(path.with_suffix(".npz")))
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {value.name: values[value.name] for value in session.get_inputs()}
    results = session.run(None, feeds)
    for index, result in enumerate(results):
        wanted = values[f"output_{index}"]
        assert result.shape == wanted.shape and result.dtype == wanted.dtype, f"{result.dtype}{result.shape}"
        numpy.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5)
    return feeds, results


if __name__ == "__main__":
    runtime.set_default_logger_severity(4)
    passed = []
    files = sorted(Path(sys.argv[1]).glob("*.onnx"), key=lambda path: int(path.stem))
    for path in files:
        try:
            passed.append((path, *run(path)))
        except BaseException as error:
            print(f"{path.name}: {str(error).strip()[:300]}")
    print(f"{len(passed)} of {len(files)} give ONNX Runtime {runtime.__version__}'s outputs")
    if "--store" in sys.argv:
        folder = Path(sys.argv[sys.argv.index("--store") + 1])
        folder.mkdir(parents=True, exist_ok=True)
        # Each kind of op once where that can be had.
        seen, chosen = set(), []
        for case in sorted(passed, key=lambda case: case[0].stat().st_size):
            kinds = {node.op_type for node in onnx.load(case[0]).graph.node}
            if len(chosen) < 10 and len(kinds - seen) > 1:
                chosen.append(case)
                seen |= kinds
        for path, feeds, results in chosen:
            shutil.copy(path, folder / path.name)
            numpy.savez(folder / f"{path.stem}.npz", **feeds, **{f"output_{i}": r for i, r in enumerate(results)})
