"""Makes tensorflow1.json and tensorflow1_adam.json: TensorFlow's own graph mode, in float64.

    pip install numpy tensorflow-cpu tf_keras
    TF_USE_LEGACY_KERAS=1 python make_tensorflow1_fixtures.py

Cells are tf.compat.v1.nn.rnn_cell's BasicRNNCell, LSTMCell and GRUCell, loops its dynamic_rnn and
bidirectional_dynamic_rnn. A bidirectional stack joins both directions after each layer, as TensorFlow 1.15's
tf.contrib.rnn.stack_bidirectional_dynamic_rnn did.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf

from fixture import *

v1 = tf.compat.v1
rnn = v1.nn.rnn_cell
KINDS = ["rnn", "lstm", "gru"]


def cell_of(kind):
    return {
        "rnn": lambda: rnn.BasicRNNCell(UNITS),
        "lstm": lambda: rnn.LSTMCell(UNITS),
        "lstm-peephole-projection": lambda: rnn.LSTMCell(UNITS, use_peepholes=True, num_proj=2),
        "gru": lambda: rnn.GRUCell(UNITS),
    }[kind]()


def flat(states):
    """Cell by cell, what it gives out before what it keeps."""
    if isinstance(states, rnn.LSTMStateTuple):
        return [states.h, states.c]
    if isinstance(states, (tuple, list)):
        return [state for part in states for state in flat(part)]
    return [states]


class Network:
    """Input, states, results and variables of a stack in the current graph."""

    def __init__(self, kind, layers, both, generator, given=True):
        self.x = v1.placeholder(tf.float64, [BATCH, TIME, FEATURES])
        self.states = []
        is_lstm = kind.startswith("lstm")

        def state():
            if not given:
                return None
            widths = [2 if "projection" in kind else UNITS] + ([UNITS] if is_lstm else [])
            parts = [v1.placeholder(tf.float64, [BATCH, width]) for width in widths]
            self.states += parts
            return rnn.LSTMStateTuple(h=parts[0], c=parts[1]) if is_lstm else parts[0]

        options = dict(sequence_length=LENGTHS, dtype=tf.float64)
        finals, sequence = [], self.x
        if both:
            for number in range(layers):
                with v1.variable_scope(f"cell_{number}" if layers > 1 else "net"):
                    forward, backward = state(), state()
                    outputs, final = v1.nn.bidirectional_dynamic_rnn(
                        cell_of(kind), cell_of(kind), sequence, initial_state_fw=forward,
                        initial_state_bw=backward, **options)
                    sequence = tf.concat(outputs, 2)
                    finals += flat(final)
        elif layers > 1:
            cells = rnn.MultiRNNCell([cell_of(kind) for _ in range(layers)])
            start = tuple(state() for _ in range(layers)) if given else None
            sequence, final = v1.nn.dynamic_rnn(cells, sequence, initial_state=start, **options)
            finals = flat(final)
        else:
            sequence, final = v1.nn.dynamic_rnn(cell_of(kind), sequence, initial_state=state(), **options)
            finals = flat(final)
        self.results = [sequence] + finals
        self.variables = {self.name(v): v for v in v1.trainable_variables()}
        self.values = {name: drawn(generator, tuple(v.shape)) for name, v in self.variables.items()}
        self.layers = layers

    @staticmethod
    def name(variable):
        """Without the scopes of the loop, and of the cell: cell_0/fw/gates/kernel."""
        parts = variable.op.name.split("/")
        kept = [p for p in parts if not p.endswith("rnn") and p not in ["net", "multi_rnn_cell"]]
        return "/".join(p for p in kept if p not in ["basic_rnn_cell", "lstm_cell", "gru_cell"])

    def place(self, name):
        parts = name.split("/")
        layer = int(parts[0].removeprefix("cell_")) if parts[0].startswith("cell_") else 0
        # One kernel for input and state: nothing but the whole can be told apart here.
        return self.layers, layer, "bw" in parts, parts[-1] == "kernel"

    def load(self, session):
        for name, variable in self.variables.items():
            variable.load(self.values[name], session)


def parity():
    kinds = [(kind, *shape) for kind in KINDS for shape in shapes()] + [("lstm-peephole-projection", 1, False)]
    for kind, layers, both in kinds:
        name = named(kind, layers, both)
        generator = numbers("tf1" + name)
        with tf.Graph().as_default(), v1.Session() as session:
            network = Network(kind, layers, both, generator)
            placeholders = [network.x] + network.states
            inputs = ["x"] + [f"state{i}" for i in range(len(network.states))]
            outputs = ["sequence"] + inputs[1:]
            fed = [drawn(generator, tuple(p.shape)) for p in placeholders]
            seeds = [drawn(generator, tuple(r.shape)) for r in network.results]
            sources = list(network.variables.values()) + placeholders
            gradients = v1.gradients(network.results, sources, grad_ys=[tf.constant(s) for s in seeds])
            network.load(session)
            results, gradients = session.run([network.results, gradients], dict(zip(placeholders, fed)))
            yield case(
                name,
                weights=network.values,
                inputs=dict(zip(inputs, fed)) | {"lengths": np.array(LENGTHS, float)},
                seeds=dict(zip(outputs, seeds)),
                results=dict(zip(outputs, results)),
                gradients=dict(zip(list(network.variables) + inputs, gradients)),
            )


def training():
    for kind in KINDS:
        for layers, both in shapes():
            name = named(kind, layers, both)
            generator = numbers("tf1-adam" + name)
            with tf.Graph().as_default(), v1.Session() as session:
                network = Network(kind, layers, both, generator, given=False)
                frozen = [n for n in network.variables if is_frozen(*network.place(n))]
                trained = [v for n, v in network.variables.items() if n not in frozen]
                x = drawn(generator, (BATCH, TIME, FEATURES))
                target = drawn(generator, (BATCH, TIME, UNITS * (2 if both else 1)))
                loss = tf.reduce_mean((network.results[0] - target) ** 2)
                epsilon_hat = v1.placeholder(tf.float64, [])
                update = v1.train.AdamOptimizer(RATE, epsilon=epsilon_hat).minimize(loss, var_list=trained)
                session.run(v1.global_variables_initializer())
                network.load(session)
                for step in range(STEPS):
                    session.run(update, {network.x: x, epsilon_hat: epsilon(step + 1)})
                yield training_case(
                    name, frozen, weights=network.values, trained=session.run(network.variables),
                    inputs={"x": x, "target": target, "lengths": np.array(LENGTHS, float)})


save("tensorflow1.json", parity())
save("tensorflow1_adam.json", training())
