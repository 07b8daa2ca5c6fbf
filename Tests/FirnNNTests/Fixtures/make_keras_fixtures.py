"""Makes keras.json and keras_adam.json: Keras 3 on TensorFlow, in float64.

    pip install numpy tensorflow-cpu
    KERAS_BACKEND=tensorflow python make_keras_fixtures.py
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

from fixture import *

keras.config.set_floatx("float64")
KINDS = ["simple", "lstm", "gru", "gru-reset-before"]


def layer_of(kind, backwards=False):
    options = dict(
        return_sequences=True, return_state=True, go_backwards=backwards, zero_output_for_mask=True, dtype="float64"
    )
    return {
        "simple": lambda: keras.layers.SimpleRNN(UNITS, **options),
        "lstm": lambda: keras.layers.LSTM(UNITS, use_cudnn=False, **options),
        "gru": lambda: keras.layers.GRU(UNITS, reset_after=True, use_cudnn=False, **options),
        "gru-reset-before": lambda: keras.layers.GRU(UNITS, reset_after=False, use_cudnn=False, **options),
    }[kind]()


class Network:
    """A stack, its weights by the names Firn expects and a function that runs it."""

    def __init__(self, kind, layers, both, generator):
        self.both, self.stack, self.variables, self.place = both, [], {}, {}
        self.count = 2 if kind == "lstm" else 1
        width = FEATURES
        for number in range(layers):
            parts = [layer_of(kind)] + ([layer_of(kind, True)] if both else [])
            whole = keras.layers.Bidirectional(parts[0], backward_layer=parts[1]) if both else parts[0]
            whole.build((BATCH, TIME, width))
            if both:
                parts = [whole.forward_layer, whole.backward_layer]
            width = UNITS * len(parts)
            self.stack.append(whole)
            for direction, part in zip(["forward", "backward"], parts):
                prefix = f"layer_{number}/{direction}/" if layers > 1 or both else ""
                for variable in part.trainable_weights:
                    variable.assign(drawn(generator, variable.shape))
                    self.variables[prefix + variable.name] = variable
                    self.place[prefix + variable.name] = (
                        layers, number, direction == "backward", variable.name == "recurrent_kernel")
        self.state_count = layers * (2 if both else 1) * self.count

    def values(self):
        return {name: variable.numpy() for name, variable in self.variables.items()}

    def __call__(self, x, states=None):
        mask = tf.constant(np.arange(TIME)[None, :] < np.array(LENGTHS)[:, None])
        each = self.count * (2 if self.both else 1)
        finals = []
        for number, layer in enumerate(self.stack):
            given = None if states is None else list(states[number * each : (number + 1) * each])
            x, *final = layer(x, mask=mask, initial_state=given)
            finals += final
        return x, finals


def parity():
    for kind in KINDS:
        for layers, both in shapes():
            name = named(kind, layers, both)
            generator = numbers("keras" + name)
            network = Network(kind, layers, both, generator)
            x = tf.constant(drawn(generator, (BATCH, TIME, FEATURES)))
            states = [tf.constant(drawn(generator, (BATCH, UNITS))) for _ in range(network.state_count)]
            with tf.GradientTape() as tape:
                tape.watch([x] + states)
                sequence, finals = network(x, states)
                results = [sequence] + finals
                seeds = [drawn(generator, tuple(r.shape)) for r in results]
                loss = sum(tf.reduce_sum(r * s) for r, s in zip(results, seeds))
            inputs = ["x"] + [f"state{i}" for i in range(len(states))]
            outputs = ["sequence"] + inputs[1:]
            sources = [v.value for v in network.variables.values()] + [x] + states
            gradients = tape.gradient(loss, sources)
            yield case(
                name,
                weights=network.values(),
                inputs=dict(zip(inputs, [t.numpy() for t in [x] + states])) | {"lengths": np.array(LENGTHS, float)},
                seeds=dict(zip(outputs, seeds)),
                results=dict(zip(outputs, [r.numpy() for r in results])),
                gradients=dict(zip(list(network.variables) + inputs, [g.numpy() for g in gradients])),
            )


def training():
    for kind in KINDS:
        for layers, both in shapes():
            name = named(kind, layers, both)
            generator = numbers("keras-adam" + name)
            network = Network(kind, layers, both, generator)
            before = network.values()
            frozen = [n for n, place in network.place.items() if is_frozen(*place)]
            trained = [v for n, v in network.variables.items() if n not in frozen]
            x = tf.constant(drawn(generator, (BATCH, TIME, FEATURES)))
            target = drawn(generator, (BATCH, TIME, UNITS * (2 if both else 1)))
            adam = keras.optimizers.Adam(RATE)
            for step in range(STEPS):
                adam.epsilon = epsilon(step + 1)
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((network(x)[0] - target) ** 2)
                adam.apply(tape.gradient(loss, [v.value for v in trained]), trained)
            yield training_case(
                name, frozen, weights=before, trained=network.values(),
                inputs={"x": x.numpy(), "target": target, "lengths": np.array(LENGTHS, float)})


save("keras.json", parity())
save("keras_adam.json", training())
