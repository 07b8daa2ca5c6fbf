"""Makes metrics.json: scores, labels and what scikit-learn measures of them, whole.

    python make_metrics.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(7)
rows, classes = 23, 4
scores = rng.normal(size=(rows, classes)).round(2)
labels = rng.integers(0, classes, rows)
# Ties of scores, which AUC counts half.
binary_scores = (rng.normal(size=rows) * 2).round(0) / 2
binary = rng.integers(0, 2, rows)
targets = rng.normal(size=(rows, 2)).round(3) * [1, 100]
predictions = (targets + rng.normal(size=(rows, 2))).round(3)
losses = rng.uniform(0.1, 3, rows).round(4)
guess = scores.argmax(axis=1)
precision, recall, _, _ = metrics.precision_recall_fscore_support(
    labels, guess, labels=range(classes), zero_division=0
)
result = {
    "scores": scores.tolist(),
    "labels": labels.tolist(),
    "binaryScores": binary_scores.tolist(),
    "binary": binary.tolist(),
    "targets": targets.tolist(),
    "predictions": predictions.tolist(),
    "losses": losses.tolist(),
    "accuracy": metrics.accuracy_score(labels, guess),
    "top2": metrics.top_k_accuracy_score(labels, scores, k=2, labels=range(classes)),
    "confusion": metrics.confusion_matrix(labels, guess, labels=range(classes)).tolist(),
    "precision": precision.tolist(),
    "recall": recall.tolist(),
    "auc": metrics.roc_auc_score(binary, binary_scores),
    "mae": metrics.mean_absolute_error(targets, predictions),
    "rmse": float(np.sqrt(metrics.mean_squared_error(targets, predictions))),
    "r2": metrics.r2_score(targets, predictions),
    "perplexity": float(np.exp(losses.mean())),
}
Path(__file__).with_name("metrics.json").write_text(json.dumps(result) + "\n")
