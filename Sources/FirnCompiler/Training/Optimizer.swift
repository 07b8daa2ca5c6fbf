public import FirnGraph

/// How a parameter moves along its gradient.
///
/// Updates are nodes of the program that computes the gradient, written with the operators models are. What is to be
/// remembered from step to step lies in slots: variables the session keeps beside the parameter, of which a frozen one
/// has none.
///
/// An optimiser of one's own says what its slots are and makes one update; the rest has defaults:
///
///     struct Signed: Optimizer {
///       var name: String { "signed" }
///       func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }
///       func update(_ update: ParameterUpdate) -> UpdatedParameter {
///         UpdatedParameter(value: update.value - 1e-3 * sign(update.gradient))
///       }
///     }
public protocol Optimizer: Sendable {
  /// Names the slots: `encoder/kernel/adam/first_moment`. Two optimisers of one session that must not share memory need
  /// different names.
  var name: String { get }

  /// The memory kept for each trained variable or trained block of one; none for what is frozen.
  func slots(for part: TrainedPart) -> [OptimizerSlot]

  /// Adds the nodes of one update.
  ///
  /// - Returns: the part and its slots after the step, of the types they had; as many slots as were listed.
  func update(_ update: ParameterUpdate) -> UpdatedParameter

  /// Memory kept once for the whole program, such as the number of steps; named `adam/step`.
  var sharedSlots: [OptimizerSlot] { get }

  /// Refuses hyperparameters that no update can be made with; called once for each compilation.
  ///
  /// - Throws: `.invalidArgument`, with what is allowed.
  func validate() throws(FirnError)

  /// What the shared memory becomes, once a step; updates read it as it was before.
  func updateShared(_ slots: [Tensor]) -> [Tensor]

  /// Whether a row of `part` whose gradient is zeros may stay as it is, and with it its row of each slot that has as
  /// many rows as the part.
  ///
  /// Where that is so, and the gradient of a table comes from looking rows up alone, nodes of the update are made for
  /// the rows that were looked up, with the bits they would have had for all; what looks at more than a row, such as a
  /// norm, is still made of all.
  func leavesUntouchedRows(of part: TrainedPart) -> Bool

  /// Whether leaving those rows as they are is another method than updating them all, which who made the optimiser has
  /// asked for: a program that updates every row of a table that it looks up warns then, and says why.
  var isLazy: Bool { get }

  /// The rate of every step, where it is one number; nil where it changes or nobody knows it.
  ///
  /// Lint asks: what moves at a rate of 0 does not learn. One that hands updates on leaves it nil.
  var fixedRate: Double? { get }

  /// Whether slots and updates depend on nothing of a part but its type, and on what they are given: tensors, rate and
  /// decay; and draw nothing at random.
  ///
  /// Of many parts of one type one update is built and compiled then, and the others are copies of it.
  var looksAtTypesOnly: Bool { get }

  /// What is different for some of the variables; an update is told of its own by `rate` and `weightDecay`.
  ///
  /// One that hands updates on to others hands on their groups here.
  var groups: [ParameterGroup] { get }
}

extension Optimizer {
  /// Refuses nothing, and never throws.
  public func validate() throws(FirnError) {}
  /// None.
  public var sharedSlots: [OptimizerSlot] { [] }
  /// As it was.
  public func updateShared(_ slots: [Tensor]) -> [Tensor] { slots }
  /// False: every row may move.
  public func leavesUntouchedRows(of part: TrainedPart) -> Bool { false }
  /// False.
  public var isLazy: Bool { false }
  /// Not known.
  public var fixedRate: Double? { nil }
  /// False: every part may have an update of its own.
  public var looksAtTypesOnly: Bool { false }
  /// None.
  public var groups: [ParameterGroup] { [] }
}

/// Memory an optimiser keeps for a variable or a block of one.
public struct OptimizerSlot: Hashable, Sendable {
  /// The last component of its path: `first_moment`.
  public var name: String
  /// Element type and shape; those of the part, or a scalar, as a rule.
  public var type: TensorType
  /// What it is before the first step.
  public var initializer: Initializer
  /// Whether it is, before the first step, what the part is then; `initializer` is not asked.
  public var startsAtValue: Bool

  /// Memory that starts as zeros, unless told otherwise.
  public init(_ name: String, type: TensorType, initializer: Initializer = .zeros) {
    self.name = name
    self.type = type
    self.initializer = initializer
    startsAtValue = false
  }

  /// Memory of a part that starts as what the part is when the first step is made.
  public init(_ name: String, startingAtValueOf part: TrainedPart) {
    self.name = name
    type = part.type
    initializer = .zeros
    startsAtValue = true
  }
}

/// What an update is made from, as tensors of the program's graph.
///
/// An optimiser may hand it on to another, changed or not: what moves kernels by one and the rest by another is two
/// optimisers and a choice by `part`.
public struct ParameterUpdate {
  /// The variable, or the block of it, that moves.
  public var part: TrainedPart
  /// That part before the step.
  public var value: Tensor
  /// The gradient of the loss, of the part's type; clipped where the program clips.
  public var gradient: Tensor
  /// In the order the optimiser listed them.
  public var slots: [Tensor]
  /// Those of the whole program, in the order the optimiser listed them.
  public var sharedSlots: [Tensor]
  /// Every part that the objective trains, this one among them, in the order of the variables' declarations.
  ///
  /// For what looks beyond one variable, such as a norm over all gradients or the blocks of one variable together. What
  /// is made of them alone is computed once, however many updates write it.
  public var all: [TrainedGradient]
  /// What the groups say in the place of the optimiser's rate; nil where they do not.
  public var rate: ParameterGroup.Rate?
  /// What the groups say in the place of the optimiser's decay; nil where they do not.
  public var weightDecay: Double?

  /// An update to hand on to another optimiser, or to make without a compiler.
  public init(
    part: TrainedPart, value: Tensor, gradient: Tensor, slots: [Tensor] = [], sharedSlots: [Tensor] = [],
    all: [TrainedGradient] = [], rate: ParameterGroup.Rate? = nil, weightDecay: Double? = nil
  ) {
    self.part = part
    self.value = value
    self.gradient = gradient
    self.slots = slots
    self.sharedSlots = sharedSlots
    self.all = all
    self.rate = rate
    self.weightDecay = weightDecay
  }
}

/// A part that an objective trains, and the gradient by it.
public struct TrainedGradient {
  /// The variable, or the block of it, that moves.
  public var part: TrainedPart
  /// That part before the step.
  public var value: Tensor
  /// The gradient of the loss, of the part's type; clipped where the program clips.
  public var gradient: Tensor

  /// A part with a gradient.
  public init(part: TrainedPart, value: Tensor, gradient: Tensor) {
    self.part = part
    self.value = value
    self.gradient = gradient
  }
}

/// The parameter and its slots after the step.
public struct UpdatedParameter {
  /// The part after the step.
  public var value: Tensor
  /// Its slots after the step, in the order they were listed.
  public var slots: [Tensor]

  /// What an update makes.
  public init(value: Tensor, slots: [Tensor] = []) {
    self.value = value
    self.slots = slots
  }
}
