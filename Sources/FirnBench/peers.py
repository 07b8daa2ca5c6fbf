"""The steps of TrainingBenchmark.swift in other libraries.

    python peers.py torch|jax|tensorflow NAME ROW [--threads 2]

NAME and ROW are those that `firn-bench training` prints. Prints the milliseconds of each step as JSON, after a warm-up.
Adam at 0.001 in each library's fastest form: PyTorch fused and with gradients set to None, JAX and TensorFlow (XLA) with the
whole step compiled. A frozen prefix runs without a graph (`no_grad`, `stop_gradient`), the same arithmetic as in Firn.
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("library")
parser.add_argument("name")
parser.add_argument("row")
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()
for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"]:
    os.environ[variable] = str(arguments.threads)
if arguments.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402

STEPS, VOCABULARY = 50, 10_000
NAME, ROW = arguments.name, arguments.row
SIZES = {"20": (20, 10, 32), "128": (128, 128, 32), "512": (512, 512, 64)}
random = np.random.default_rng(0)


def measured(step):
    """Milliseconds of each run of `step`, which ends when its results are there."""
    for _ in range(8):
        step()
    times, begin = [], time.perf_counter()
    while len(times) < 20 or (len(times) < 2000 and time.perf_counter() - begin < 0.7):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def data():
    """Inputs and targets of the row's model."""
    if NAME.startswith("embedding"):
        return random.integers(0, VOCABULARY, (32, STEPS)), random.normal(size=(32, 1)).astype("f")
    if NAME.startswith("own"):
        units, features, batch = 128, 128, 32
    else:
        units, features, batch = SIZES[NAME.split("-")[1]]
    return (random.uniform(-1, 1, (batch, STEPS, features)).astype("f"), random.normal(size=(batch, 1)).astype("f"))


def frozen_layers():
    return {"all": 0, "embedding": 1, "embedding-l1": 2, "embedding-l1-l2": 3, "body": 4}[ROW]


def with_torch():
    import torch

    torch.set_num_threads(arguments.threads)
    x, y = (torch.tensor(a) for a in data())
    units = x.shape[-1] if NAME.startswith("own") else 128 if NAME.startswith("embedding") else SIZES[NAME.split("-")[1]][0]
    head = torch.nn.Linear(units, 1)
    if NAME.startswith("embedding"):
        body = torch.nn.ModuleList(
            [torch.nn.Embedding(VOCABULARY, 128)] + [torch.nn.LSTM(128, 128, batch_first=True) for _ in range(3)])
        frozen = frozen_layers()
        for layer in body[:frozen]:
            layer.requires_grad_(False)

        def states():
            value = x
            for number, layer in enumerate(body):
                with torch.set_grad_enabled(number >= frozen):
                    value = layer(value) if number == 0 else layer(value)[0]
            return value[:, -1]
    elif NAME.startswith("own"):
        fixed = torch.randn(128, 128) * 0.05
        free, bias = torch.nn.Parameter(torch.randn(128, 128) * 0.05), torch.nn.Parameter(torch.zeros(128))
        body = torch.nn.ParameterList([free, bias])

        def states():
            inputs, state = x @ fixed, torch.zeros(x.shape[0], 128)
            for step in range(STEPS):
                state = torch.tanh(inputs[:, step] + torch.addmm(bias, state, free))
            return state
    else:
        kind = torch.nn.LSTM if NAME.startswith("lstm") else torch.nn.GRU
        body = kind(x.shape[-1], units, batch_first=True)
        if ROW == "frozen":
            body.requires_grad_(False)
        if ROW == "kernel-frozen":
            body.weight_ih_l0.requires_grad_(False)

        def states():
            with torch.set_grad_enabled(ROW != "frozen"):
                return body(x)[0][:, -1]

    parameters = [p for p in [*body.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=0.001, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(head(states()), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return measured(step)


def recurrent_step(kind, parameters, x, state, xp, sigmoid):
    """One step from what the inputs give, [batch, gates]; JAX and TensorFlow alike."""
    if kind == "lstm":
        h, c = state
        i, f, g, o = xp.split(x + h @ parameters["recurrent"], 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
        return sigmoid(o) * xp.tanh(c), c
    h = state[0]
    a = h @ parameters["recurrent"] + parameters["recurrent_bias"]
    (xr, xz, xn), (ar, az, an) = xp.split(x, 3, -1), xp.split(a, 3, -1)
    z = sigmoid(xz + az)
    return ((1 - z) * xp.tanh(xn + sigmoid(xr + ar) * an) + z * h,)


def with_jax():
    import jax
    import jax.numpy as jnp

    x, y = data()
    x, y = jnp.asarray(x), jnp.asarray(y)
    key = iter(jax.random.split(jax.random.PRNGKey(0), 64))

    def weights(*shape):
        return jax.random.normal(next(key), shape) * 0.05

    def layer(kind, features, units):
        gates = {"lstm": 4, "gru": 3}[kind] * units
        result = {"kernel": weights(features, gates), "recurrent": weights(units, gates), "bias": jnp.zeros(gates)}
        return result if kind == "lstm" else result | {"recurrent_bias": jnp.zeros(gates)}

    def run(kind, parameters, sequence, units):
        inputs = jnp.swapaxes(sequence, 0, 1) @ parameters["kernel"] + parameters["bias"]
        zeros = jnp.zeros((sequence.shape[0], units))

        def body(state, step):
            state = recurrent_step(kind, parameters, step, state, jnp, jax.nn.sigmoid)
            return state, state[0]

        return jnp.swapaxes(jax.lax.scan(body, (zeros, zeros) if kind == "lstm" else (zeros,), inputs)[1], 0, 1)

    if NAME.startswith("embedding"):
        names = ["embedding", "l1", "l2", "l3"]
        all_parameters = {"embedding": weights(VOCABULARY, 128)} | {n: layer("lstm", 128, 128) for n in names[1:]}
        units, frozen = 128, names[: frozen_layers()]

        def states(p):
            value = p["embedding"][x]
            for name in names[1:]:
                value = run("lstm", p[name], value, 128)
            return value[:, -1]
    elif NAME.startswith("own"):
        units, frozen = 128, ["fixed"]
        all_parameters = {"fixed": weights(128, 128), "free": weights(128, 128), "bias": jnp.zeros(128)}

        def states(p):
            inputs = jnp.swapaxes(x, 0, 1) @ p["fixed"] + p["bias"]
            return jax.lax.scan(lambda h, s: (jnp.tanh(s + h @ p["free"]), None), jnp.zeros((x.shape[0], 128)), inputs)[0]
    else:
        kind = NAME.split("-")[0]
        units = SIZES[NAME.split("-")[1]][0]
        all_parameters = {f"net_{k}": v for k, v in layer(kind, x.shape[-1], units).items()}
        frozen = {"all": [], "frozen": list(all_parameters), "kernel-frozen": ["net_kernel"]}[ROW]

        def states(p):
            return run(kind, {k[4:]: v for k, v in p.items() if k.startswith("net_")}, x, units)[:, -1]

    all_parameters["head"] = {"kernel": weights(units, 1), "bias": jnp.zeros(1)}
    free = {k: v for k, v in all_parameters.items() if k not in frozen}
    fixed = {k: v for k, v in all_parameters.items() if k in frozen}

    def loss_of(p, fixed):
        everything = p | jax.lax.stop_gradient(fixed)
        return jnp.mean((states(everything) @ p["head"]["kernel"] + p["head"]["bias"] - y) ** 2)

    moments = (jax.tree.map(jnp.zeros_like, free), jax.tree.map(jnp.zeros_like, free))

    def update(p, m, v, t, fixed):
        loss, g = jax.value_and_grad(loss_of)(p, fixed)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return p, m, v, loss

    update = jax.jit(update, donate_argnums=(0, 1, 2))
    state = [free, *moments, 0.0]

    def step():
        state[3] += 1.0
        state[0], state[1], state[2], loss = update(*state[:3], state[3], fixed)
        jax.block_until_ready((state[0], loss))

    return measured(step)


def with_tensorflow():
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    x, y = (tf.constant(a) for a in data())
    keras = tf.keras
    head = keras.layers.Dense(1)
    if NAME.startswith("embedding"):
        layers = [keras.layers.Embedding(VOCABULARY, 128)]
        layers += [keras.layers.LSTM(128, return_sequences=i < 2) for i in range(3)]
        for layer in layers[: frozen_layers()]:
            layer.trainable = False
    elif NAME.startswith("own"):
        layers = [keras.layers.SimpleRNN(128)]
    else:
        kind = keras.layers.LSTM if NAME.startswith("lstm") else keras.layers.GRU
        layers = [kind(SIZES[NAME.split("-")[1]][0])]
        layers[0].trainable = ROW != "frozen"
    model = keras.Sequential(layers + [head])
    model(x)
    variables = model.trainable_variables
    if NAME.startswith("own") or ROW == "kernel-frozen":
        variables = [v for v in variables if v.path != layers[0].cell.kernel.path]
    optimizer = keras.optimizers.Adam(0.001)
    optimizer.build(variables)

    @tf.function(jit_compile=True)
    def update():
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for v in variables:
                tape.watch(v.value)
            loss = tf.reduce_mean((model(x) - y) ** 2)
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    return measured(lambda: update().numpy())


print(json.dumps({"torch": with_torch, "jax": with_jax, "tensorflow": with_tensorflow}[arguments.library]()))
