package import FirnGraph
import FirnOps

/// A model made of random ops, loops in loops included: a function of the seed.
///
/// Sizes differ wherever they can, so that a swapped axis shows; values stay moderate, so that precision can be judged.
package struct RandomModel {
  package struct Options {
    package var dtype = DType.f64
    /// Leaves out ops with jumps and kinks, and stops: differences approach gradients.
    package var isSmooth = false
    package var steps = 8..<18
    /// Has half of the loops of known length compute their steps again.
    package var checkpoints = false
    /// Has convolutions, too.
    package var convolves = false
    /// Has values that are one thing in training and another in inference, for who compiles in training mode.
    package var hasModes = false
    package init() {}
  }

  package let graph = Graph()
  package let options: Options
  package private(set) var variables: [Tensor] = []
  package private(set) var feeds: [(tensor: Tensor, array: NDArray)] = []
  package private(set) var binding = DimBinding()
  package private(set) var outputs: [Tensor] = []
  /// A floating-point scalar that depends on the outputs.
  package private(set) var loss: Tensor
  /// Assignments to variables of kind state, to be fetched.
  package private(set) var assignments: [Tensor] = []

  var source: RandomSource
  var constants = 0

  package init(seed: Int, options: Options = Options()) {
    self.options = options
    source = RandomSource(seed: seed)
    loss = graph.constant(0, dtype: options.dtype)
    binding["batch"] = 3
    binding["time"] = options.isSmooth ? 1 + source.below(3) : source.below(4)
    var pool = Pool(inputs())
    let count = options.steps.lowerBound + source.below(options.steps.count)
    for _ in 0..<count { pool.add(step(pool, depth: 0)) }
    assign(pool)
    outputs = Array(pool.tensors.suffix(3)) + (0..<2).map { _ in source.pick(pool.tensors) }
    for (number, output) in outputs.enumerated() where output.dtype == options.dtype {
      loss = loss + (0.3 + 0.2 * Double(number)) * sin(output + Double(number)).sum()
    }
  }

  /// The values a step can start from.
  struct Pool {
    private(set) var tensors: [Tensor]

    init(_ tensors: [Tensor]) { self.tensors = tensors }

    mutating func add(_ tensors: [Tensor]) { self.tensors += tensors }

    func like(_ type: TensorType) -> [Tensor] { tensors.filter { $0.type == type } }
  }

  private mutating func inputs() -> [Tensor] {
    let dtype = options.dtype
    let time = binding["time"] ?? 0
    feeds = [
      (graph.placeholder("x", shape: ["batch", 4], dtype: dtype), source.array([3, 4], dtype)),
      (
        graph.placeholder("y", shape: ["time", "batch", 2], dtype: dtype), source.array([time, 3, 2], dtype)
      ),
    ]
    for (name, shape) in [("a", [4, 3]), ("b", [3, 5]), ("c", [2, 4]), ("d", [5]), ("e", [])] {
      variables.append(
        graph.variable(
          name, shape: Shape(shape), dtype: dtype, initializer: .array(source.array(shape, dtype))))
    }
    return feeds.map(\.tensor) + variables
  }

  /// Sometimes two states that swap and one that takes a value of the model.
  private mutating func assign(_ pool: Pool) {
    let dtype = options.dtype
    guard source.chance(40) else { return }
    let states = ["left", "right"].map { name in
      graph.variable(
        name, shape: [2, 3], dtype: dtype, initializer: .array(source.array([2, 3], dtype)), kind: .state)
    }
    assignments = [
      graph.assign(states[1], to: states[0]),
      graph.assign(
        source.chance(50) ? states[0] : states[0].reshaped(to: [6]).reshaped(to: [2, 3]), to: states[1]),
    ]
    if let value = pool.tensors.last(where: { $0.shape.extents != nil && $0.dtype == dtype }) {
      let state = graph.variable(
        "last", shape: value.shape, dtype: dtype, initializer: .zeros, kind: .state)
      assignments.append(graph.assign(value, to: state))
    }
  }

  /// The number of elements once dimensions are bound.
  func count(_ shape: Shape) -> Int { shape.bound(by: binding).elementCount.value ?? 0 }

  mutating func constant(_ shape: [Int], in graph: Graph) -> Tensor {
    graph.constant(source.array(shape, options.dtype))
  }
}
