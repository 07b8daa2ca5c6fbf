public import FirnGraph
import FirnOps

/// A recurrent layer of any cell, or a stack of such layers in one or both directions; each is one `scan`.
///
///     let last = RNN(LSTMCell(64), layers: 2)(sequence)                  // [batch, 64]
///     let output = RNN(stacking: [GRUCell(32), Residual(GRUCell(32))]).run(sequence, lengths: lengths)
///
/// | | shape | |
/// | --- | --- | --- |
/// | x | `[batch, time, in]`, or `[time, batch, in]` by `options.layout` | `f32` or `f64` |
/// | lengths | `i32[batch]` | each in 0...time |
/// | initial states | `[batch, …]`, as the cell's shapes say | layer by layer, forward before backward |
/// | result of a call | `[batch, out]` | the last output; Keras's `return_sequences=False` |
/// | results of `run` | `sequence` `[batch, time, out]`, `last`, `states`, … | what PyTorch returns; see `RecurrentOutput` |
///
/// out is the width of the cell's output, twice that in two directions.
///
/// One layer in one direction has its variables in its own scope, `lstm/kernel`. A stack, and anything bidirectional,
/// has them by layer and direction: `lstm/layer_0/forward/kernel`, `lstm/layer_0/backward/kernel`. Their names, shapes
/// and roles are the cell's; `initial_state_0` or `carried_state_0` and so on come with `InitialState`.
///
/// With `lengths`, past the end of a sequence the state is held and outputs are zero, as in TensorFlow's `dynamic_rnn`
/// and PyTorch's packed sequences; what the input holds there, NaN too, reaches no result and no gradient. The backward
/// direction starts at the end of each sequence. After no steps the states are those it started with, and so is the last
/// output, which is the first of them; where a cell's output is no state of its own, it is zero.
///
/// Constraints: (C1) x has three axes, the last a known number; (C2) lengths are `i32[batch]`, one longer than the data
/// or negative is an error of the run; (C3) initial states have the number, shapes and type of the cells' states;
/// (C4) there are 1 to 4,096 layers, and every cell has a state; (C5) rates are in 0...1, and one between layers comes with two
/// layers or more; (C6) states are carried in one direction, for a batch of one known extent, unless a call gives them:
/// `carry` is then empty where the batch is another; (C7) a cell's step returns what its `stateShapes` and `outputShape` say.
/// Those of `Recomputation` are cited as `scan`'s.
///
/// With `Session.checksNumerics` a run ends at the first number that is none, naming the feed or the op in the loop;
/// without it such numbers travel on as IEEE arithmetic has it, in their own sequence alone.
///
/// - Complexity: `time` times the cells' steps. Training keeps what the gradient reads of every step, unless
///   `options.recomputation` says otherwise.
public class RNN: Layer {
  private let label: String
  private let layers: [RecurrentLayer]
  private let layout: SequenceLayout
  private let dropoutRate: Double
  var scope: LayerScope

  /// A layer of `cell`, or a stack of `layers` of it, each with variables of its own.
  ///
  /// - Parameters:
  ///   - cell: what a step computes.
  ///   - layers: how many lie one on the other, each reading the outputs of the one below.
  ///   - isBidirectional: whether each layer also runs from the end; its outputs are joined, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only; needs two layers or more.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope; the cell's name by default.
  public convenience init<Cell: RecurrentCell>(
    _ cell: Cell, layers: Int = 1, isBidirectional: Bool = false, dropout: Double = 0,
    options: RecurrentOptions = RecurrentOptions(), trainable: Bool? = nil, name: String? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      stack: cell.stacked(layers), isBidirectional: isBidirectional, dropout: dropout, options: options,
      trainable: trainable, name: name, location: CallSite(file, line))
  }

  /// A stack of cells that may differ, the first nearest to the input.
  ///
  /// - Parameters:
  ///   - cells: what a step of each layer computes; the next one reads its output.
  ///   - isBidirectional: whether each layer also runs from the end; its outputs are joined, forward first.
  ///   - dropout: the rate between layers, not after the last, in training mode only; needs two layers or more.
  ///   - options: layout, initial state and what else is seldom changed.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope; the first cell's name by default.
  public convenience init(
    stacking cells: [any RecurrentCell], isBidirectional: Bool = false, dropout: Double = 0,
    options: RecurrentOptions = RecurrentOptions(), trainable: Bool? = nil, name: String? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      stack: cells, isBidirectional: isBidirectional, dropout: dropout, options: options,
      trainable: trainable,
      name: name, location: CallSite(file, line))
  }

  init(
    stack cells: [any RecurrentCell], isBidirectional: Bool, dropout: Double, options: RecurrentOptions,
    trainable: Bool?, name: String?, location: CallSite
  ) {
    label = cells.first?.name ?? "rnn"
    layout = options.layout
    dropoutRate = dropout
    let isFlat = cells.count == 1 && !isBidirectional
    layers = cells.enumerated().map { number, cell in
      let isReversed = options.isReversed
      let directions = (isBidirectional ? [isReversed, !isReversed] : [isReversed]).enumerated().map {
        CellLoop(
          cell, isReversed: $1, options: options, trainable: trainable,
          scope: isFlat ? nil : LayerScope($0 == 0 ? "forward" : "backward", location: location))
      }
      return RecurrentLayer(
        directions: directions, scope: isFlat ? nil : LayerScope("layer_\(number)", location: location))
    }
    scope = LayerScope(name, otherwise: label, location: location)
  }

  /// The output of the last step, `[batch, out]`, directions joined; constraints C1 and C4 to C7.
  public func callAsFunction(_ input: Tensor) -> Tensor { run(input).last }

  /// Runs along the time axis; gives all outputs and the states after the last step.
  ///
  /// Constraints C1 to C7 are the layer's. Further calls share the variables.
  ///
  /// - Parameters:
  ///   - input: `[batch, time, in]`, or `[time, batch, in]` where the layout says so.
  ///   - lengths: `i32[batch]`, how many steps of each sequence count; all for nil.
  ///   - initialState: the states to start from, as `RecurrentOutput.states` lists them; the layer's own for nil.
  public func run(_ input: Tensor, lengths: Tensor? = nil, initialState: [Tensor]? = nil) -> RecurrentOutput {
    scope.enter(input) { graph in
      if let fault = fault(input, lengths, initialState) { return output(fault) }
      var sequence = input
      var mask: Tensor?
      var given = initialState.map { $0[...] }
      var states: [Tensor] = []
      var top: [LoopResult] = []
      let batch = input.extent(layout == .batchMajor ? 0 : 1)
      for (number, layer) in layers.enumerated() {
        let features = sequence.extent(-1).value ?? 0
        let starts = layer.enter(input) {
          layer.directions.map { direction in
            defer { given = given?.dropFirst(direction.stateCount) }
            return direction.start(
              for: input, features: features, batch: batch,
              initial: given.map { Array($0.prefix(direction.stateCount)) })
          }
        }
        if number == 0 {
          if layout == .batchMajor { sequence = sequence.transposed([1, 0, 2]) }
          mask = lengths.map { self.mask($0, time: sequence.extent(0), in: graph) }
          if let mask { sequence = zeroed(sequence, outside: mask, in: graph) }
        }
        top = layer.enter(input) {
          zip(layer.directions, starts).map { $0.run(sequence, from: $1, mask: mask) }
        }
        states += top.flatMap(\.states)
        sequence = joined(top.map(\.sequence))
        if number < layers.count - 1, dropoutRate > 0 {
          sequence = layer.enter(input) { dropout(sequence, rate: dropoutRate) }
        }
      }
      let directions = layers.flatMap(\.directions)
      let carried = directions.allSatisfy { $0.canCarry(batch) } ? directions.flatMap(\.carried) : []
      return RecurrentOutput(
        sequence: layout == .batchMajor ? sequence.transposed([1, 0, 2]) : sequence,
        last: joined(top.map(\.last)), states: states, hidden: joined(top.map { $0.states[0] }),
        carry: zip(states, carried).map { graph.assign($0, to: $1) },
        topCell: top.allSatisfy { $0.states.count > 1 } ? joined(top.map { $0.states[1] }) : nil)
    } ?? output(.poisoned(in: input.graph))
  }

  /// The first thing wrong with the arguments, on record; nil where nothing is.
  private func fault(_ input: Tensor, _ lengths: Tensor?, _ initialState: [Tensor]?) -> Tensor? {
    if let faulty = ([lengths].compactMap(\.self) + (initialState ?? [])).first(where: \.isPoisoned) {
      return faulty
    }
    let form = layout == .batchMajor ? "[batch, time, features]" : "[time, batch, features]"
    guard input.rank == 3, input.extent(-1).value != nil else {
      return report(
        "\(label): \(input.type) is not \(form) with a known number of features",
        remedy: "give three axes, the last of a fixed extent", constraint: "C1", input)
    }
    let batch = input.extent(layout == .batchMajor ? 0 : 1)
    if let lengths, lengths.type != TensorType(.i32, [batch]) {
      return report(
        "\(label): lengths \(lengths.type) are not i32[\(batch)]",
        remedy: "give the number of steps of each sequence", constraint: "C2", lengths, input)
    }
    let directions = layers.flatMap(\.directions)
    guard !directions.isEmpty, directions.allSatisfy({ $0.stateCount > 0 }) else {
      return report(
        "\(label): \(directions.isEmpty ? "a stack of no layers, or of more than \(stackLimit)" : "a cell without state")",
        remedy: directions.isEmpty
          ? "stack at least one cell, and at most \(stackLimit)" : "use a layer that is not recurrent",
        code: .invalidArgument, constraint: "C4", input)
    }
    let rates = directions.map(\.stateDropout) + [dropoutRate]
    if let rate = rates.first(where: { !(0...1).contains($0) }) {
      return report(
        "\(label): a dropout rate of \(rate)", remedy: "choose 0...1: the part that is dropped",
        code: .invalidArgument, constraint: "C5", input)
    }
    if dropoutRate > 0, layers.count == 1 {
      return report(
        "\(label): dropout \(dropoutRate) is between layers, and there is one",
        remedy: "put `Dropout` behind the layer, or drop states by `options.stateDropout`",
        code: .invalidArgument, constraint: "C5", input)
    }
    if directions.contains(where: \.carriesStates) {
      if layers.contains(where: { $0.directions.count > 1 }) {
        return report(
          "\(label): states are carried in both directions",
          remedy: "carry them in one: the backward direction starts at an end that is not there yet",
          code: .invalidArgument, constraint: "C6", input)
      }
      let known = directions.flatMap(\.carried).first?.extent(0)
      guard initialState != nil || directions.allSatisfy({ $0.canCarry(batch) }) else {
        return report(
          "\(label): states are carried for a batch of \(known.map { "\($0)" } ?? "known extent"), "
            + "the input \(input.type) has \(batch)",
          remedy: known == nil ? "give the batch a number" : "use one batch size, or another layer",
          constraint: "C6", input)
      }
    }
    guard let initialState else { return nil }
    let wanted = directions.flatMap { $0.stateTypes(batch: batch, dtype: input.dtype) }
    if initialState.map(\.type) == wanted { return nil }
    func list(_ types: [TensorType]) -> String { types.map(\.description).joined(separator: ", ") }
    return report(
      "\(label): initial states are (\(list(initialState.map(\.type)))), wanted are (\(list(wanted)))",
      remedy: "give them layer by layer, forward before backward, as `states` of a run lists them",
      constraint: "C3", input)
  }

  /// Whether each step is within its sequence, `bool[time, batch]`.
  private func mask(_ lengths: Tensor, time: Dim, in graph: Graph) -> Tensor {
    graph.newScope("lengths") {
      // Looking them up in 0...time refuses, when run, what is longer than the data.
      let checked = gather(graph.iota(time + 1), indices: lengths)
      return less(graph.iota(time).expandingAxis(at: 1), checked.expandingAxis(at: 0))
    }
  }

  /// What stands past the ends could be NaN, whose adjoint would be NaN times zero.
  private func zeroed(_ sequence: Tensor, outside mask: Tensor, in graph: Graph) -> Tensor {
    select(
      where: mask.expandingAxis(at: 2), sequence, otherwise: graph.constant(0, dtype: sequence.dtype))
  }

  private func joined(_ tensors: [Tensor]) -> Tensor {
    tensors.count == 1 ? tensors[0] : concatenate(tensors, axis: -1)
  }

  private func output(_ fault: Tensor) -> RecurrentOutput {
    let states = layers.flatMap(\.directions).flatMap { Array(repeating: fault, count: $0.stateCount) }
    return RecurrentOutput(
      sequence: fault, last: fault, states: states, hidden: fault, carry: [], topCell: fault)
  }
}

/// The directions of one layer of a stack and the scope they share.
private final class RecurrentLayer {
  let directions: [CellLoop]
  var scope: LayerScope?

  init(directions: [CellLoop], scope: LayerScope?) {
    self.directions = directions
    self.scope = scope
  }

  /// Runs `body` in the layer's scope, if it has one of its own.
  func enter<Result>(_ input: Tensor, _ body: () -> Result) -> Result {
    scope?.enter(input) { _ in body() } ?? body()
  }
}

extension RNN: ScopedLayer {}
