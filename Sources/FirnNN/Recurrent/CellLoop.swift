import FirnGraph
import FirnOps

/// What running a cell along a sequence gives.
struct LoopResult {
  /// `[time, batch, …]`.
  let sequence: Tensor
  let last: Tensor
  let states: [Tensor]
}

/// One cell, its variables once they are made, and the loop that runs it in one direction.
final class CellLoop {
  private typealias Step = (Tensor, CellState) -> CellStep

  private let name: String
  private let stateShapes: [Shape]
  private let outputShape: Shape?
  /// Of this direction; the options say it of the forward one.
  private let isReversed: Bool
  private let options: RecurrentOptions
  private let trainable: Bool?
  private let makeStep: (CellVariables) -> Step
  private var scope: LayerScope?
  private var step: Step?
  private var ownVariables: [Tensor]?

  init<Cell: RecurrentCell>(
    _ cell: Cell, isReversed: Bool, options: RecurrentOptions, trainable: Bool?, scope: LayerScope?
  ) {
    name = cell.name
    stateShapes = cell.stateShapes
    outputShape = cell.outputShape
    self.isReversed = isReversed
    self.options = options
    self.trainable = trainable
    self.scope = scope
    makeStep = { variables in
      let weights = cell.makeWeights(variables)
      return { cell.step($0, $1, weights) }
    }
  }

  var stateDropout: Double { options.stateDropout }

  var stateCount: Int { stateShapes.count }

  /// The variables that states are carried in from run to run, once they are made.
  var carried: [Tensor] { carriesStates ? ownVariables ?? [] : [] }

  var carriesStates: Bool { options.initialState == .carried }

  /// Whether the carried states are of `batch` sequences, or will be.
  func canCarry(_ batch: Dim) -> Bool {
    batch.value != nil && carried.first.map { $0.extent(0) == batch } ?? true
  }

  func stateTypes(batch: Dim, dtype: DType) -> [TensorType] {
    stateShapes.map { TensorType(dtype, Shape([batch] + $0.dimensions)) }
  }

  /// Makes the variables, the first time, and the states to start from.
  ///
  /// - Parameters:
  ///   - input: what the network is called with; tells graph and type.
  ///   - initial: the states to start from; the layer's own for nil.
  func start(
    for input: Tensor, features: Int, batch: Dim, initial: [Tensor]?
  ) -> [Tensor] {
    inScope(of: input) { graph in
      let dtype = input.dtype
      let variables = CellVariables(graph: graph, trainable: trainable, features: features, dtype: dtype)
      step = step ?? makeStep(variables)
      let own = ownStates(stateTypes(batch: batch, dtype: dtype), variables, isWanted: initial == nil)
      return initial ?? own
    }
  }

  /// Runs along the leading axis of `input`, `[time, batch, features]`.
  ///
  /// - Parameters:
  ///   - states: what `start` gave.
  ///   - mask: which steps are within their sequences, `bool[time, batch]`; all for nil.
  func run(_ input: Tensor, from states: [Tensor], mask: Tensor?) -> LoopResult {
    inScope(of: input) { runInside(input, from: states, mask: mask, in: $0) }
  }

  private func inScope<Result>(of input: Tensor, _ body: (Graph) -> Result) -> Result {
    scope?.enter(input, body) ?? body(input.graph.current)
  }

  private func runInside(_ input: Tensor, from states: [Tensor], mask: Tensor?, in graph: Graph) -> LoopResult
  {
    let poison = Tensor.poisoned(in: graph)
    guard !input.isPoisoned, let step else {
      return LoopResult(sequence: poison, last: poison, states: states.map { _ in poison })
    }
    let types = stateTypes(batch: input.extent(1), dtype: input.dtype)
    let dropped = stateDropout == 0 ? nil : dropout(.filled(1, type: types[0], in: graph), rate: stateDropout)
    // An output that is not the first state is carried too, to have the last one.
    let output = outputShape.map {
      Tensor.filled(
        0, type: TensorType(input.dtype, Shape([input.extent(1)] + $0.dimensions)), in: graph)
    }
    let (carries, outputs) = scan(
      over: [input] + [mask].compactMap(\.self), initial: states + [output].compactMap(\.self),
      reversed: isReversed, recomputation: options.recomputation
    ) { at in
      let old = CellState(tensors: Array(at.carries.prefix(states.count)), mask: dropped)
      let new = checked(step(at.slices[0], old), types, input.extent(1))
      var output = new.output ?? new.state[0]
      var carries = new.state + (outputShape == nil ? [] : [output])
      if at.slices.count > 1 {
        let isWithin = at.slices[1]
        carries = zip(carries, at.carries).map { select(where: isWithin.spread(over: $0), $0, otherwise: $1) }
        output = select(
          where: isWithin.spread(over: output), output,
          otherwise: output.graph.constant(0, dtype: output.dtype))
      }
      return ScanResult(carries: carries, outputs: [output])
    }
    return LoopResult(
      sequence: outputs[0], last: carries[outputShape == nil ? 0 : states.count],
      states: Array(carries.prefix(states.count)))
  }

  /// The step as it is, or, with the fault on record, poison of the form the loop wants.
  private func checked(_ step: CellStep, _ types: [TensorType], _ batch: Dim) -> CellStep {
    let all = step.state + [step.output].compactMap(\.self)
    let message: String? =
      if step.state.count != types.count {
        "\(step.state.count) states where its `stateShapes` are \(types.count)"
      } else if all.contains(where: \.isPoisoned) {
        nil
      } else if let wrong = zip(step.state, types).first(where: { $0.type != $1 }) {
        "a state \(wrong.0.type) where its `stateShapes` say \(wrong.1)"
      } else if let output = step.output,
        output.shape != outputShape.map({ Shape([batch] + $0.dimensions) })
      {
        "an output \(output.type) where its `outputShape` is \(outputShape?.description ?? "that of the first state")"
      } else if step.output == nil, let shape = outputShape, shape != stateShapes[0] {
        "no output where its `outputShape` is \(shape)"
      } else {
        nil
      }
    guard let message, let operand = all.first else { return step }
    let fault = report(
      "\(name): the cell's step returns \(message)", remedy: "let the cell's shapes and its step agree",
      constraint: "C7", operand)
    return CellStep(types.map { _ in fault }, output: outputShape.map { _ in fault })
  }

  /// The states the layer has itself; none where they are not wanted, but for those that are to be carried on.
  private func ownStates(_ types: [TensorType], _ make: CellVariables, isWanted: Bool) -> [Tensor] {
    switch options.initialState {
    case .zeros where isWanted:
      let zeros = types.indices.filter { types.firstIndex(of: types[$0]) == $0 }.map {
        Tensor.filled(0, type: types[$0], in: make.graph)
      }
      return types.map { type in zeros.first { $0.type == type } ?? .poisoned(in: make.graph) }
    case .learned(let initializer) where isWanted:
      let variables =
        ownVariables
        ?? stateShapes.enumerated().map { number, shape in
          make(
            "initial_state_\(number)", shape.extents ?? [-1], role: "initial_state", initializer: initializer)
        }
      ownVariables = variables
      return zip(variables, types).map { $0.broadcast(to: $1.shape) }
    case .carried where isWanted || types.allSatisfy { canCarry($0.shape[0]) }:
      let variables =
        ownVariables
        ?? types.enumerated().map { number, type in
          make.graph.variable(
            "carried_state_\(number)", shape: type.shape, dtype: type.dtype, role: "carried_state",
            initializer: .zeros, kind: .state)
        }
      ownVariables = variables
      return isWanted ? variables.map { stopGradient($0) } : []
    case .zeros, .learned, .carried:
      return []
    }
  }
}

extension Tensor {
  /// A vector over the batch, with axes of one in place of the others that `tensor` has.
  fileprivate func spread(over tensor: Tensor) -> Tensor {
    reshaped(to: Shape([extent(0)] + Array(repeating: 1, count: Swift.max(tensor.rank - 1, 0))))
  }
}

extension LayerScope {
  init(_ name: String, location: CallSite) {
    self.name = name
    self.location = location
  }
}
