"""Runs reference models that Firn exported in ONNX Runtime, and holds its outputs against Firn's.

    FIRN_ONNX_REFERENCE=FOLDER swift test -c release --filter writesAllForRuntime
    python reference_models.py FOLDER              checks and runs all of them
    python reference_models.py FOLDER --store DIR  and keeps the GRUs, with ONNX Runtime's outputs

Written with onnx 1.23.2 and onnxruntime 1.32.0.
"""

import shutil
import sys
from pathlib import Path

import numpy
import onnxruntime as runtime

from random_graphs import run

if __name__ == "__main__":
    runtime.set_default_logger_severity(4)
    files = sorted(Path(sys.argv[1]).glob("*.onnx"))
    passed = 0
    for path in files:
        try:
            feeds, results = run(path)
        except BaseException as error:
            print(f"{path.name}: {str(error).strip()[:300]}")
            continue
        values = numpy.load(path.with_suffix(".npz"))
        distance = max(
            float(numpy.max(numpy.abs(result - values[f"output_{i}"]) / numpy.maximum(1, numpy.abs(result))))
            for i, result in enumerate(results))
        print(f"{path.stem}: {distance:.1e}")
        passed += 1
        if "--store" in sys.argv and path.stem.startswith("gru"):
            folder = Path(sys.argv[sys.argv.index("--store") + 1])
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.name)
            numpy.savez(folder / f"{path.stem}.npz", **feeds, **{f"output_{i}": r for i, r in enumerate(results)})
    print(f"{passed} of {len(files)} give ONNX Runtime {runtime.__version__}'s outputs")
