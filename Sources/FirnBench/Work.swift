import FirnGraph
import FirnNN
import FirnNotation
import FirnOps

/// One model, and what is frozen of it, row by row; or one product.
///
/// `peers.py` beside this file does the same work in other libraries, under the same names.
struct Work: Sendable {
  /// What is measured of a model.
  struct Row: Sendable {
    var name: String
    var freezing: Selection?
    /// Whether what is frozen is all that is done first, which PyTorch can run under `no_grad` or as it stands.
    var isPrefixFrozen = false
  }

  /// What is fed to a placeholder: noise between -1 and 1, or whole numbers from 0 to below `limit`.
  struct Feed {
    var tensor: Tensor
    var shape: [Int]
    var limit = 1

    func noise() throws -> NDArray {
      let noise = try Initializer.uniform(-1, 1).values(shape: shape)
      guard tensor.dtype == .i32 else { return noise }
      return try NDArray(noise.floats.map { Int32(($0 + 1) / 2 * Float(limit - 1)) }, shape: shape)
    }
  }

  var name: String
  var batch: Int
  /// Whether `build` makes a loss to train on; otherwise what it makes is computed, and only that is timed.
  var isTrained = true
  var rows: [Row]
  var build: @Sendable (Graph) -> (result: Tensor, feeds: [Feed])
}

/// A row by its whole name, such as `lstm-128/frozen`.
struct WorkRow: Sendable {
  var work: Work
  var row: Work.Row

  var name: String { "\(work.name)/\(row.name)" }

  static let all = Work.all.flatMap { work in work.rows.map { WorkRow(work: work, row: $0) } }
}

extension Work {
  static let all: [Work] =
    [(20, 10, 32), (128, 128, 32), (512, 512, 64)].flatMap { units, features, batch in
      ["lstm", "gru"].map { kind in
        recurrent("\(kind)-\(units)", kind, units: units, features: features, batch: batch)
      }
    } + [stacked, ownLSTM, ownCell, recurrent("rnn-128", "rnn", units: 128, features: 128, batch: 32)]
    + [residual(224, batch: 8, isPartlyFrozen: true), residual(64, batch: 32)]
    + [(512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (32, 512, 128)].map { m, n, k in
      product(m, n, k)
    }

  private static func recurrent(_ name: String, _ kind: String, units: Int, features: Int, batch: Int) -> Work
  {
    var rows = [Row(name: "all"), Row(name: "frozen", freezing: "net", isPrefixFrozen: true)]
    switch (kind, units) {
    case ("lstm", 512):
      rows.append(Row(name: "kernel-frozen", freezing: "net/kernel"))
      rows.append(Row(name: "biases", freezing: "net/kernel | net/recurrent_kernel"))
    // Beside `own-cell-128`, which is the same with a kernel of its own.
    case ("rnn", _): rows = [Row(name: "kernel-frozen", freezing: "net/kernel")]
    default: break
    }
    return Work(name: name, batch: batch, rows: rows) { graph in
      let x = graph.placeholder("x", shape: ["batch", 50, Dim(features)])
      let y = graph.placeholder("y", shape: ["batch", 1])
      let states =
        switch kind {
        case "lstm": LSTM(units, name: "net")(x)
        case "gru": GRU(units, name: "net")(x)
        default: SimpleRNN(units, name: "net")(x)
        }
      let loss = square(Dense(1, name: "head")(states) - y).mean()
      return (loss, [Feed(tensor: x, shape: [batch, 50, features]), Feed(tensor: y, shape: [batch, 1])])
    }
  }

  private static let stacked = Work(
    name: "embedding-3-lstm-128", batch: 32,
    rows: [
      Row(name: "all"), Row(name: "embedding", freezing: "embedding", isPrefixFrozen: true),
      Row(name: "embedding-l1", freezing: "embedding | l1", isPrefixFrozen: true),
      Row(name: "embedding-l1-l2", freezing: "embedding | l1 | l2", isPrefixFrozen: true),
      Row(name: "body", freezing: "embedding | l1 | l2 | l3", isPrefixFrozen: true),
    ]
  ) { graph in
    let words = graph.placeholder("x", shape: ["batch", 50], dtype: .i32)
    let y = graph.placeholder("y", shape: ["batch", 1])
    var value = Embedding(count: 10_000, width: 128, name: "embedding")(words)
    for layer in 1...2 { value = LSTM(128, name: "l\(layer)").run(value).sequence }
    let loss = square(Dense(1, name: "head")(LSTM(128, name: "l3")(value)) - y).mean()
    return (loss, [Feed(tensor: words, shape: [32, 50], limit: 10_000), Feed(tensor: y, shape: [32, 1])])
  }

  /// What a user writes who has no `LSTM`, beside `lstm-128`, which has the same arithmetic.
  private static let ownLSTM = Work(
    name: "scan-lstm-128", batch: 32,
    rows: [Row(name: "all"), Row(name: "frozen", freezing: "cell", isPrefixFrozen: true)]
  ) { graph in
    regression(in: graph) { x in
      let (kernel, recurrent, bias) = graph.scope("cell") {
        (
          graph.variable("kernel", shape: [128, 512], role: "kernel"),
          graph.variable("recurrent_kernel", shape: [128, 512], role: "recurrent_kernel"),
          graph.variable("bias", shape: [512], role: "bias")
        )
      }
      let zeros = zeroState(of: x)
      return scan(over: [x.transposed([1, 0, 2])], initial: [zeros, zeros]) { step in
        let sums = matmul(step.slices[0], kernel) + matmul(step.carries[0], recurrent) + bias
        let gates = sums.split(into: 4, axis: -1)
        let cell = sigmoid(gates[1]) * step.carries[1] + sigmoid(gates[0]) * tanh(gates[2])
        return ScanResult(carries: [sigmoid(gates[3]) * tanh(cell), cell])
      }.carries[0]
    }
  }

  private static let ownCell = Work(
    name: "own-cell-128", batch: 32, rows: [Row(name: "w-fixed", freezing: "cell/W_fixed")]
  ) { graph in
    regression(in: graph) { x in
      let (fixed, free, bias) = graph.scope("cell") {
        (
          graph.variable("W_fixed", shape: [128, 128], role: "kernel"),
          graph.variable("W_train", shape: [128, 128], role: "kernel"),
          graph.variable("bias", shape: [128], role: "bias")
        )
      }
      return scan(over: [x.transposed([1, 0, 2])], initial: [zeroState(of: x)]) { step in
        ScanResult(carries: [tanh(matmul(step.slices[0], fixed) + matmul(step.carries[0], free) + bias)])
      }.carries[0]
    }
  }

  /// A number for each of 32 sequences, from the last state of a loop over their 50 steps.
  private static func regression(in graph: Graph, _ last: (Tensor) -> Tensor) -> (Tensor, [Feed]) {
    let x = graph.placeholder("x", shape: ["batch", 50, 128])
    let y = graph.placeholder("y", shape: ["batch", 1])
    let loss = square(Dense(1, name: "head")(last(x)) - y).mean()
    return (loss, [Feed(tensor: x, shape: [32, 50, 128]), Feed(tensor: y, shape: [32, 1])])
  }

  /// What a loop over sequences begins with, `[batch, 128]`.
  private static func zeroState(of x: Tensor) -> Tensor {
    (x.sliced(axis: 1, from: 0, to: 1) * 0).reshaped(to: ["batch", 128])
  }

  /// ResNet-18 of 1000 classes on images of `size` by `size`.
  private static func residual(_ size: Int, batch: Int, isPartlyFrozen: Bool = false) -> Work {
    var rows = [Row(name: "all"), Row(name: "body", freezing: "!fc", isPrefixFrozen: true)]
    if isPartlyFrozen {
      rows.insert(
        Row(name: "layer1-layer2", freezing: NetworksBenchmark.freezing, isPrefixFrozen: true), at: 1)
    }
    return Work(name: "resnet-18-\(size)", batch: batch, rows: rows) { graph in
      let images = graph.placeholder("images", shape: ["batch", Dim(size), Dim(size), 3])
      let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
      let logits = ResNet(.resNet18)(images)
      let loss = graph.scope("loss") {
        sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
      }
      return (
        loss,
        [
          Feed(tensor: images, shape: [batch, size, size, 3]),
          Feed(tensor: labels, shape: [batch], limit: 1000),
        ]
      )
    }
  }

  private static func product(_ m: Int, _ n: Int, _ k: Int) -> Work {
    let name = m == n && n == k ? "gemm-\(m)" : "gemm-\(m)x\(n)x\(k)"
    return Work(name: name, batch: 1, isTrained: false, rows: [Row(name: "product")]) { graph in
      let (a, b) = ([m, k], [k, n])
      let left = graph.placeholder("a", shape: Shape(a))
      let right = graph.placeholder("b", shape: Shape(b))
      return (matmul(left, right), [Feed(tensor: left, shape: a), Feed(tensor: right, shape: b)])
    }
  }
}
