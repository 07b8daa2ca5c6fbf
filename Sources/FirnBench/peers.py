"""The work of `firn-bench training` in other libraries.

    python peers.py torch|jax|tensorflow NAME ROW [--threads 2] [--prefix no_grad|plain] [--once]

NAME and ROW are those of Work.swift beside this file. Prints JSON: the milliseconds of each step after a warm-up,
when the first step had ended, and the most memory the process has had. Exit code 3 says that the library is not there.

Training is with Adam at 0.001, each library at its best: PyTorch with the fused optimiser, gradients set to None, and
images channels-last; JAX and TensorFlow (XLA) with the whole step compiled. What is frozen gets no gradient. A frozen
prefix runs without a graph in PyTorch (`no_grad`) or as it stands (`plain`), and its batch norms use their moving
averages, as in Firn.
"""

import argparse
import json
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("library", choices=["torch", "jax", "tensorflow"])
parser.add_argument("name")
parser.add_argument("row")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--prefix", choices=["no_grad", "plain"], default="no_grad")
parser.add_argument("--once", action="store_true", help="one step, to see that it works")
arguments = parser.parse_args()
for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"]:
    os.environ[variable] = str(arguments.threads)
if arguments.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if arguments.library == "jax" and hasattr(os, "sched_setaffinity"):
    # JAX has no number of threads to set: it takes as many as it may run on.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402

ROWS = {
    "lstm-20": ["all", "frozen"],
    "gru-20": ["all", "frozen"],
    "lstm-128": ["all", "frozen"],
    "gru-128": ["all", "frozen"],
    "lstm-512": ["all", "frozen", "kernel-frozen", "biases"],
    "gru-512": ["all", "frozen"],
    "embedding-3-lstm-128": ["all", "embedding", "embedding-l1", "embedding-l1-l2", "body"],
    "scan-lstm-128": ["all", "frozen"],
    "own-cell-128": ["w-fixed"],
    "rnn-128": ["kernel-frozen"],
    "resnet-18-224": ["all", "layer1-layer2", "body"],
    "resnet-18-64": ["all", "body"],
    "gemm-512": ["product"],
    "gemm-1024": ["product"],
    "gemm-2048": ["product"],
    "gemm-32x512x128": ["product"],
}
if arguments.row not in ROWS.get(arguments.name, []):
    sys.exit(f"there is no row {arguments.name}/{arguments.row}")

STEPS, VOCABULARY, CLASSES = 50, 10_000, 1000
# A loop written by hand has no other counterpart than the layer.
NAME, ROW = arguments.name.removeprefix("scan-"), arguments.row
SIZES = {"20": (20, 10, 32), "128": (128, 128, 32), "512": (512, 512, 64)}
IMAGES = {"resnet-18-224": (8, 224), "resnet-18-64": (32, 64)}
STAGES = ["stem", "layer1", "layer2", "layer3", "layer4"]
random = np.random.default_rng(0)


def measured(step):
    """What is printed, from running `step`, which ends when its results are there."""
    step()
    first = time.time()
    times = []
    if not arguments.once:
        begin = time.perf_counter()
        for _ in range(7):
            # Where a step takes seconds, fewer of them say enough.
            if time.perf_counter() - begin < 20:
                step()
        begin = time.perf_counter()
        while True:
            start = time.perf_counter()
            if len(times) >= (5 if start - begin > 30 else 20) and (len(times) >= 2000 or start - begin >= 0.7):
                break
            step()
            times.append((time.perf_counter() - start) * 1e3)
    return {"milliseconds": times, "firstStep": first, "peakBytes": peak_bytes()}


def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def data():
    """Inputs and targets of the row's model."""
    if NAME in IMAGES:
        batch, size = IMAGES[NAME]
        images = random.uniform(-1, 1, (batch, size, size, 3)).astype("f")
        return images, random.integers(0, CLASSES, batch).astype("int32")
    if NAME.startswith("embedding"):
        return random.integers(0, VOCABULARY, (32, STEPS)), random.normal(size=(32, 1)).astype("f")
    if NAME.startswith("own"):
        units, features, batch = 128, 128, 32
    else:
        units, features, batch = SIZES[NAME.split("-")[1]]
    return (random.uniform(-1, 1, (batch, STEPS, features)).astype("f"), random.normal(size=(batch, 1)).astype("f"))


def frozen_layers():
    return {"all": 0, "embedding": 1, "embedding-l1": 2, "embedding-l1-l2": 3, "body": 4}[ROW]


def frozen_stages():
    return STAGES[: {"all": 0, "layer1-layer2": 3, "body": 5}[ROW]]


def factors():
    """The matrices of a product, named by one size or three."""
    sizes = [int(size) for size in NAME.removeprefix("gemm-").split("x")]
    m, n, k = sizes * 3 if len(sizes) == 1 else sizes
    return random.uniform(-1, 1, (m, k)).astype("f"), random.uniform(-1, 1, (k, n)).astype("f")


def with_torch():
    import torch

    torch.set_num_threads(arguments.threads)
    if ROW == "product":
        a, b = (torch.tensor(a) for a in factors())
        c = torch.empty(a.shape[0], b.shape[1])
        return measured(lambda: torch.mm(a, b, out=c))
    if NAME in IMAGES:
        return torch_residual(torch)
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
                with torch.set_grad_enabled(number >= frozen or arguments.prefix == "plain"):
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
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[NAME.split("-")[0]]
        body = kind(x.shape[-1], units, batch_first=True)
        if ROW == "frozen":
            body.requires_grad_(False)
        if ROW == "kernel-frozen":
            body.weight_ih_l0.requires_grad_(False)
        if ROW == "biases":
            body.weight_ih_l0.requires_grad_(False)
            body.weight_hh_l0.requires_grad_(False)

        def states():
            with torch.set_grad_enabled(ROW != "frozen" or arguments.prefix == "plain"):
                return body(x)[0][:, -1]

    parameters = [*body.parameters(), *head.parameters()]
    return torch_training(torch, parameters, lambda: torch.nn.functional.mse_loss(head(states()), y))


def torch_training(torch, parameters, loss_of):
    optimizer = torch.optim.Adam([p for p in parameters if p.requires_grad], lr=0.001, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    return measured(step)


def torch_residual(torch):
    try:
        import torchvision
    except ImportError as error:
        # PyTorch itself is there.
        sys.exit(f"ResNet-18 is torchvision's: {error}")

    images, labels = data()
    layout = torch.channels_last
    x = torch.tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    y = torch.tensor(labels).long()
    model = torchvision.models.resnet18(num_classes=CLASSES).to(memory_format=layout).train()
    stem = torch.nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
    stages = [stem, model.layer1, model.layer2, model.layer3, model.layer4]
    frozen = len(frozen_stages())
    for stage in stages[:frozen]:
        stage.requires_grad_(False)
        stage.eval()

    def loss_of():
        value = x
        for number, stage in enumerate(stages):
            with torch.set_grad_enabled(number >= frozen or arguments.prefix == "plain"):
                value = stage(value)
        return torch.nn.functional.cross_entropy(model.fc(model.avgpool(value).flatten(1)), y)

    return torch_training(torch, model.parameters(), loss_of)


def recurrent_step(kind, parameters, x, state, xp, sigmoid):
    """One step from what the inputs give, [batch, gates]; JAX and TensorFlow alike."""
    if kind == "lstm":
        h, c = state
        i, f, g, o = xp.split(x + h @ parameters["recurrent"], 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
        return sigmoid(o) * xp.tanh(c), c
    h = state[0]
    if kind == "rnn":
        return (xp.tanh(x + h @ parameters["recurrent"]),)
    a = h @ parameters["recurrent"] + parameters["recurrent_bias"]
    (xr, xz, xn), (ar, az, an) = xp.split(x, 3, -1), xp.split(a, 3, -1)
    z = sigmoid(xz + az)
    return ((1 - z) * xp.tanh(xn + sigmoid(xr + ar) * an) + z * h,)


def with_jax():
    import jax
    import jax.numpy as jnp

    if ROW == "product":
        a, b = (jnp.asarray(a) for a in factors())
        product = jax.jit(jnp.matmul)
        return measured(lambda: jax.block_until_ready(product(a, b)))
    x, y = data()
    x, y = jnp.asarray(x), jnp.asarray(y)
    if NAME in IMAGES:
        return jax_residual(jax, jnp, x, y)
    key = iter(jax.random.split(jax.random.PRNGKey(0), 64))

    def weights(*shape):
        return jax.random.normal(next(key), shape) * 0.05

    def layer(kind, features, units):
        gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind] * units
        result = {"kernel": weights(features, gates), "recurrent": weights(units, gates), "bias": jnp.zeros(gates)}
        return result if kind != "gru" else result | {"recurrent_bias": jnp.zeros(gates)}

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
        kernels = ["net_kernel", "net_recurrent"]
        frozen = {"all": [], "frozen": list(all_parameters), "kernel-frozen": kernels[:1], "biases": kernels}[ROW]

        def states(p):
            return run(kind, {k[4:]: v for k, v in p.items() if k.startswith("net_")}, x, units)[:, -1]

    all_parameters["head"] = {"kernel": weights(units, 1), "bias": jnp.zeros(1)}
    free = {k: v for k, v in all_parameters.items() if k not in frozen}
    fixed = {k: v for k, v in all_parameters.items() if k in frozen}

    def loss_of(p, fixed, averages):
        everything = p | jax.lax.stop_gradient(fixed)
        head = p["head"]
        return jnp.mean((states(everything) @ head["kernel"] + head["bias"] - y) ** 2), averages

    return jax_training(jax, jnp, loss_of, free, fixed, {})


def jax_training(jax, jnp, loss_of, free, fixed, averages):
    """Steps of `loss_of(free, fixed, averages)`, which gives the loss and the new moving averages."""
    moments = (jax.tree.map(jnp.zeros_like, free), jax.tree.map(jnp.zeros_like, free))

    def update(p, m, v, averages, t, fixed):
        (loss, averages), g = jax.value_and_grad(loss_of, has_aux=True)(p, fixed, averages)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return p, m, v, averages, loss

    update = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    state, count = [free, *moments, averages], 0.0

    def step():
        nonlocal state, count
        count += 1.0
        *state, loss = update(*state, count, fixed)
        jax.block_until_ready((state, loss))

    return measured(step)


def jax_residual(jax, jnp, images, labels):
    key = iter(jax.random.split(jax.random.PRNGKey(0), 64))
    frozen = frozen_stages()
    parameters, averages = {stage: {} for stage in STAGES}, {stage: {} for stage in STAGES}

    def declare(stage, name, size, inputs, outputs):
        scale = (2 / (size * size * inputs)) ** 0.5
        parameters[stage][name] = {
            "kernel": jax.random.normal(next(key), (size, size, inputs, outputs)) * scale,
            "gamma": jnp.ones(outputs), "beta": jnp.zeros(outputs)}
        averages[stage][name] = (jnp.zeros(outputs), jnp.ones(outputs))

    blocks = []
    declare("stem", "conv", 7, 3, 64)
    inputs = 64
    for number, stage in enumerate(STAGES[1:]):
        width = 64 << number
        for block in range(2):
            declare(stage, f"{block}a", 3, inputs, width)
            declare(stage, f"{block}b", 3, width, width)
            if inputs != width:
                declare(stage, f"{block}down", 1, inputs, width)
            blocks.append((stage, block, 2 if inputs != width else 1))
            inputs = width
    parameters["fc"] = {"kernel": jax.random.normal(next(key), (512, CLASSES)) * 0.04, "bias": jnp.zeros(CLASSES)}

    def loss_of(p, fixed, old):
        p = p | jax.lax.stop_gradient(fixed)
        new = {stage: dict(old[stage]) for stage in old}

        def convolution(value, stage, name, stride):
            own = p[stage][name]
            edge = own["kernel"].shape[0] // 2
            value = jax.lax.conv_general_dilated(
                value, own["kernel"], (stride, stride), [(edge, edge)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            if stage in frozen:
                mean, variance = old[stage][name]
            else:
                mean, variance = jnp.mean(value, (0, 1, 2)), jnp.var(value, (0, 1, 2))
                new[stage][name] = jax.lax.stop_gradient(
                    jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, old[stage][name], (mean, variance)))
            scale = own["gamma"] * jax.lax.rsqrt(variance + 1e-5)
            return value * scale + (own["beta"] - mean * scale)

        value = jax.nn.relu(convolution(images, "stem", "conv", 2))
        window, steps = (1, 3, 3, 1), (1, 2, 2, 1)
        value = jax.lax.reduce_window(
            value, -jnp.inf, jax.lax.max, window, steps, [(0, 0), (1, 1), (1, 1), (0, 0)])
        for stage, block, stride in blocks:
            inner = jax.nn.relu(convolution(value, stage, f"{block}a", stride))
            inner = convolution(inner, stage, f"{block}b", 1)
            if f"{block}down" in p[stage]:
                value = convolution(value, stage, f"{block}down", stride)
            value = jax.nn.relu(value + inner)
        logits = jnp.mean(value, (1, 2)) @ p["fc"]["kernel"] + p["fc"]["bias"]
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
        return -jnp.mean(chosen), new

    free = {k: v for k, v in parameters.items() if k not in frozen}
    fixed = {k: v for k, v in parameters.items() if k in frozen}
    return jax_training(jax, jnp, loss_of, free, fixed, averages)


def with_tensorflow():
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if ROW == "product":
        a, b = (tf.constant(a) for a in factors())
        product = tf.function(tf.matmul, jit_compile=True)
        return measured(lambda: product(a, b).numpy())
    x, y = (tf.constant(a) for a in data())
    keras = tf.keras
    if NAME in IMAGES:
        model = tensorflow_residual(keras, x.shape[1])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits
        return tensorflow_training(
            tf, model.trainable_variables, lambda: tf.reduce_mean(losses(y, model(x, training=True))))
    head = keras.layers.Dense(1)
    if NAME.startswith("embedding"):
        layers = [keras.layers.Embedding(VOCABULARY, 128)]
        layers += [keras.layers.LSTM(128, return_sequences=i < 2) for i in range(3)]
        for layer in layers[: frozen_layers()]:
            layer.trainable = False
    elif NAME.startswith("own"):
        layers = [keras.layers.SimpleRNN(128)]
    else:
        kinds = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
        kind = kinds[NAME.split("-")[0]]
        layers = [kind(SIZES[NAME.split("-")[1]][0])]
        layers[0].trainable = ROW != "frozen"
    model = keras.Sequential(layers + [head])
    model(x)
    variables = model.trainable_variables
    if NAME.startswith("own") or ROW == "kernel-frozen":
        variables = [v for v in variables if v.path != layers[0].cell.kernel.path]
    if ROW == "biases":
        kernels = [layers[0].cell.kernel.path, layers[0].cell.recurrent_kernel.path]
        variables = [v for v in variables if v.path not in kernels]
    return tensorflow_training(tf, variables, lambda: tf.reduce_mean((model(x) - y) ** 2))


def tensorflow_training(tf, variables, loss_of):
    optimizer = tf.keras.optimizers.Adam(0.001)
    optimizer.build(variables)

    @tf.function(jit_compile=True)
    def update():
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for v in variables:
                tape.watch(v.value)
            loss = loss_of()
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    return measured(lambda: update().numpy())


def tensorflow_residual(keras, size):
    layers, frozen = keras.layers, frozen_stages()

    def convolution(value, stage, width, kernel, stride):
        own = [layers.Conv2D(width, kernel, stride, padding="same", use_bias=False), layers.BatchNormalization()]
        for layer in own:
            # A batch norm that does not train uses its moving averages.
            layer.trainable = stage not in frozen
            value = layer(value)
        return value

    images = keras.Input((size, size, 3))
    value = layers.ReLU()(convolution(images, "stem", 64, 7, 2))
    value = layers.MaxPooling2D(3, 2, padding="same")(value)
    for number, stage in enumerate(STAGES[1:]):
        width = 64 << number
        for _ in range(2):
            stride = 1 if value.shape[-1] == width else 2
            inner = layers.ReLU()(convolution(value, stage, width, 3, stride))
            inner = convolution(inner, stage, width, 3, 1)
            if stride == 2:
                value = convolution(value, stage, width, 1, 2)
            value = layers.ReLU()(layers.Add()([value, inner]))
    return keras.Model(images, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(value)))


try:
    found = {"torch": with_torch, "jax": with_jax, "tensorflow": with_tensorflow}[arguments.library]()
except ModuleNotFoundError as error:
    if error.name != arguments.library:
        raise
    print(error, file=sys.stderr)
    sys.exit(3)
print(json.dumps(found))
