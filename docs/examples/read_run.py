"""Reads a run folder of Calyx (docs/formats.md) with NumPy and SciPy.

    python read_run.py <library>/runs/<uuid>
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.sparse import load_npz


def read_run(folder):
    """A dictionary: run (run.json), cells (metrics, a row a component), footprints (K x H x W), traces by kind (K x T), time (T, s), images."""
    folder = Path(folder)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if run["formatVersion"] != 1:
        raise ValueError(f"format version {run['formatVersion']} is not known here")
    metrics = folder / "metrics.json"
    shape = (run["components"], run["height"], run["width"])
    return {
        "run": run,
        "cells": json.loads(metrics.read_text(encoding="utf-8"))["cells"] if metrics.exists() else [],
        "footprints": load_npz(folder / "footprints.npz").toarray().reshape(shape),
        "traces": {
            file.stem: np.load(file, mmap_mode="r")
            for file in sorted((folder / "traces").glob("*.npy"))
            if not file.stem.endswith(".pyramid")
        },
        "time": np.load(folder / "time.npy") if (folder / "time.npy").exists() else None,
        "images": {file.stem: np.load(file) for file in sorted((folder / "images").glob("*.npy"))},
    }


if __name__ == "__main__":
    result = read_run(sys.argv[1])
    k, h, w = result["footprints"].shape
    print(f"{k} components on {h} x {w} px, {result['run']['frames']} frames")
    for kind, values in result["traces"].items():
        print(f"{kind}: {values.shape[0]} x {values.shape[1]}")
