public import FirnGraph

/// How a parameter moves along its gradient.
///
/// Updates are nodes of the program that computes the gradient.
public protocol Optimizer: Sendable {
  /// Names the slots: `encoder/kernel/adam/first_moment`. Two optimisers of one session that must not share memory need
  /// different names.
  var name: String { get }

  /// The memory kept for each trained variable or trained block of one; none for what is frozen.
  func slots(for part: TrainedPart) -> [OptimizerSlot]

  /// Adds the nodes of one update.
  func update(_ update: ParameterUpdate) -> UpdatedParameter

  /// Memory kept once for the whole program, such as the number of steps; named `adam/step`.
  var sharedSlots: [OptimizerSlot] { get }

  /// Refuses hyperparameters that no update can be made with; called once for each compilation.
  func validate() throws(FirnError)

  /// What the shared memory becomes, once a step; updates read it as it was before.
  func updateShared(_ slots: [Tensor]) -> [Tensor]
}

extension Optimizer {
  public func validate() throws(FirnError) {}
  public var sharedSlots: [OptimizerSlot] { [] }
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { slots }
}

/// Memory an optimiser keeps for a variable or a block of one.
public struct OptimizerSlot: Hashable, Sendable {
  public var name: String
  public var type: TensorType
  public var initializer: Initializer

  public init(_ name: String, type: TensorType, initializer: Initializer = .zeros) {
    self.name = name
    self.type = type
    self.initializer = initializer
  }
}

/// What an update is made from, as tensors of the program's graph.
public struct ParameterUpdate {
  /// The variable, or the block of it, that moves.
  public let part: TrainedPart
  /// That part before the step.
  public let value: Tensor
  /// The gradient of the loss, of the part's type.
  public let gradient: Tensor
  /// In the order the optimiser listed them.
  public let slots: [Tensor]
  /// Those of the whole program, in the order the optimiser listed them.
  public let sharedSlots: [Tensor]
}

/// The parameter and its slots after the step.
public struct UpdatedParameter {
  public var value: Tensor
  public var slots: [Tensor]

  public init(value: Tensor, slots: [Tensor] = []) {
    self.value = value
    self.slots = slots
  }
}
