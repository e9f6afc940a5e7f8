#!/usr/bin/env python3
"""Remakes the models and data of `cutover demo`; nothing at build or run time needs it.

    python3 -m venv venv && venv/bin/pip install numpy scikit-learn
    venv/bin/python assets/demo/train.py

Data: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0; the 1797 images that scikit-learn
bundles as `load_digits`. The images are split once, with a fixed seed, into three parts that never
mix: training, golden (held out, judges the models) and smoke (representative requests).

Every accuracy is measured with the rounded weights that are written, on images no model has seen.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent
SEED = 0
GOLDEN_CASES = 360
SMOKE_IMAGES = 44
PIXEL_MAX = 16.0
SIGNIFICANT = 5


def rounded(array):
    """The values as written to JSON: five significant digits."""
    return [rounded(row) for row in array] if array.ndim > 1 else [float(f"{v:.{SIGNIFICANT}g}") for v in array]


def predict(layers, images):
    """The forward pass of src/demo/model.rs: scaled pixels, ReLU between layers, the highest score."""
    values = images / PIXEL_MAX
    for i, layer in enumerate(layers):
        values = values @ np.array(layer["weights"]).T + np.array(layer["bias"])
        if i + 1 < len(layers):
            values = np.maximum(values, 0.0)
    return values.argmax(axis=1)


def transposed(images):
    """Rows and columns swapped: the feature skew of the scenario `wrong-green`."""
    return images.reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)


def write_model(file, name, version, layers, images, labels):
    right = int((predict(layers, images) == labels).sum())
    skewed = int((predict(layers, transposed(images)) == labels).sum())
    model = {
        "name": name,
        "version": version,
        "pixel_max": PIXEL_MAX,
        "golden": {"cases": len(labels), "right": right, "right_transposed": skewed},
        "layers": layers,
    }
    (HERE / file).write_text(json.dumps(model, separators=(",", ":")) + "\n")
    print(f"{name} {version}: {right}/{len(labels)} = {right / len(labels):.4f} held out, "
          f"{skewed / len(labels):.4f} with transposed images")


def body(data, shape=None, datatype="FP32", name="image"):
    return {"inputs": [{"name": name, "shape": shape or [1, 64], "datatype": datatype, "data": data}]}


def pixels(image):
    return [int(v) for v in image]


def golden_lines(images, labels):
    for i, (image, label) in enumerate(zip(images, labels)):
        yield {"id": str(i), "request": body(pixels(image)), "expect": int(label)}


INFER = "/v2/models/digits/infer"


def reply(pointer, **more):
    return {"status": 200, "content_type": "application/json", "pointer": pointer, **more}


def refusal(status):
    return {"status": status, "content_type": "application/json", "pointer": "/error", "type": "string"}


def smoke_lines(images):
    digit = reply("/outputs/0/data/0", type="number", min=0, max=9)
    post = lambda request, expect: {"path": INFER, "method": "POST", "request": request, "expect": expect}
    get = lambda path, expect: {"path": path, "method": "GET", "expect": expect}
    one = pixels(images[0])
    # What a client of this service sends.
    for image in images[:-4]:
        yield post(body(pixels(image)), digit)
    yield post(body(pixels(images[-4]) + pixels(images[-3]), [2, 64]),
               reply("/outputs/0/data/1", type="number", min=0, max=9))
    yield post(body([pixels(images[-2])]), digit)
    yield post(body(pixels(images[-1])), reply("/outputs/1/data/0", type="number", min=0, max=1))
    yield post(body([0] * 64), digit)
    yield post(body([16] * 64), digit)
    yield get("/v2", reply("/name", type="string"))
    yield get("/v2/health/ready", {"status": 200})
    yield get("/v2/models/digits", reply("/name", type="string"))
    yield get("/v2/models/digits/ready", {"status": 200})
    # What it must refuse with a clean error.
    for bad in [
        {}, [], {"inputs": []}, {"inputs": "image"},
        body(one[:63]), body(one, [1, 63]), body(one, [2, 64]), body(one, [8, 8]), body(one, [-1, 64]),
        body(one, datatype="BYTES"), body(one, name="picture"), body([]),
        body(["7"] * 64), body([None] * 64), body([1e39] + one[1:]), body([-1] + one[1:]),
    ]:
        yield post(bad, refusal(400))
    yield {"path": "/v2/models/letters/infer", "method": "POST", "request": body(one), "expect": refusal(404)}


def write_lines(file, lines):
    text = [json.dumps(line, separators=(",", ":")) for line in lines]
    (HERE / file).write_text("\n".join(text) + "\n")
    print(f"{file}: {len(text)} lines")


def main():
    images, labels = load_digits(return_X_y=True)
    images, held, labels, held_labels = train_test_split(
        images, labels, test_size=GOLDEN_CASES + SMOKE_IMAGES, stratify=labels, random_state=SEED)
    golden, smoke, golden_labels, _ = train_test_split(
        held, held_labels, test_size=SMOKE_IMAGES, stratify=held_labels, random_state=SEED)
    scaled = images / PIXEL_MAX

    blue = LogisticRegression(max_iter=2000, random_state=SEED).fit(scaled, labels)
    layers = [{"weights": rounded(blue.coef_), "bias": rounded(blue.intercept_)}]
    write_model("blue.json", "digits-lr", "v1", layers, golden, golden_labels)

    green = MLPClassifier(hidden_layer_sizes=(48,), max_iter=1000, random_state=SEED).fit(scaled, labels)
    layers = [{"weights": rounded(w.T), "bias": rounded(b)} for w, b in zip(green.coefs_, green.intercepts_)]
    write_model("green.json", "digits-mlp", "v2", layers, golden, golden_labels)

    write_lines("golden.jsonl", golden_lines(golden, golden_labels))
    smoke_set = [{"id": f"s{i + 1}", **line} for i, line in enumerate(smoke_lines(smoke))]
    write_lines("smoke.jsonl", smoke_set)
    print(f"trained on {len(labels)} images")


if __name__ == "__main__":
    main()
