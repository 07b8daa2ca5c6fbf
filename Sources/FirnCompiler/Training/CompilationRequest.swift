package import FirnGraph
package import FirnNotation

/// What to make a program for.
package struct CompilationRequest: Sendable {
  package var graph: GraphDef
  /// What a run returns.
  package var fetches: [Value]
  package var training: Training?
  /// Variables, or blocks of them, held fixed, besides those declared so.
  package var freezing: Selection?
  /// Variables, or blocks of them, trained although declared or selected frozen.
  package var thawing: Selection?
  /// What is trained, where that was decided already; else the selections decide.
  package var trainability: Trainability?
  /// What is trained beside it in the program that it is a part of, where it is asked about alone; decides modes.
  package var together: Trainability?
  /// Scopes that run in training mode although frozen.
  package var keepingTrainingMode: Selection?
  /// Scopes that run in inference mode although trained.
  package var keepingInferenceMode: Selection?
  /// The smaller type in which frozen kernels are held; `f32` if nil.
  package var storingFrozen: FrozenStorage?
  /// Variables that another program moves and that are not frozen for this one either.
  package var movedElsewhere: Set<String> = []
  /// Training mode for everything that is not frozen; a training compilation always is.
  package var isTrainingMode: Bool
  /// Scopes whose values are computed again for their gradient, by path patterns.
  package var recomputing: [String] = []
  /// The largest tile by which convolutions with frozen kernels may be computed; nil for the sums written out.
  package var winogradTile: WinogradTile? = .two
  /// Names of variables that were loaded, and of those a run has trained, for selections that ask.
  package var values: (loaded: Set<String>, trained: Set<String>) = ([], [])

  /// What its selections are resolved against.
  package var selectionContext: SelectionContext {
    SelectionContext(graph, loaded: values.loaded, trained: values.trained)
  }

  /// What moves in a step.
  package struct Training: Sendable {
    package var goals: [Goal]
    /// Elements that stay as they are: reads of variables, and for each a `bool` of its shape.
    package var holding: [(read: Value, mask: Value)] = []
    /// What averages are kept.
    package var averaging: Averaging?
    /// How gradients are exchanged with the other members of a world; nil where there are none.
    package var exchange: Exchange?

    /// Gradient descent on one scalar.
    ///
    /// - Parameter clippingNorm: the largest global norm of all trained gradients together; none if nil.
    package init(loss: Value, optimizer: any Optimizer, clippingNorm: Double? = nil) {
      goals = [
        Goal(source: .loss(loss), optimizer: optimizer, clipping: clippingNorm.map { .globalNorm($0) })
      ]
    }

    package init(
      goals: [Goal], holding: [(read: Value, mask: Value)] = [], averaging: Averaging? = nil
    ) {
      self.goals = goals
      self.holding = holding
      self.averaging = averaging
    }

    /// What is minimised, in the order of objectives.
    package var losses: [Value] { goals.compactMap(\.loss) }

    /// What has to be followed through the passes besides: gradients that are given, weights, flags and masks.
    var followed: [Value] {
      goals.flatMap(\.followed) + holding.flatMap { [$0.read, $0.mask] } + (exchange?.followed ?? [])
    }
  }

  /// That there are other members, and how much the run of one of them weighs.
  package struct Exchange: Sendable {
    package enum Weight: Sendable {
      /// All runs weigh as much.
      case one
      /// The extent of a dimension, as a rule that of the batch.
      case extent(Dim)
      /// A scalar.
      case value(Value)
    }

    package var weight: Weight
    /// The most bytes of a bucket that more than one gradient shares.
    package var bucketBytes: Int

    package init(weight: Weight, bucketBytes: Int = Self.standardBucketBytes) {
      self.weight = weight
      self.bucketBytes = bucketBytes
    }

    /// Large enough that a message costs little beside its bytes, small enough that the first leaves early: 4 MiB.
    package static let standardBucketBytes = 1 << 22

    var followed: [Value] { if case .value(let value) = weight { [value] } else { [] } }
  }

  /// An objective, its tensors found.
  package struct Goal: Sendable {
    package enum Source: Sendable {
      case loss(Value)
      /// Reads of variables, and what each is to be moved by.
      case gradients([(read: Value, gradient: Value)])
    }

    package struct Window: Sendable {
      package var runs: Int
      package var weight: Value?
      package var closing: Value?

      package init(runs: Int, weight: Value? = nil, closing: Value? = nil) {
        (self.runs, self.weight, self.closing) = (runs, weight, closing)
      }
    }

    package enum Condition: Sendable {
      case every(Int)
      case flag(Value)
    }

    package var source: Source
    /// What it is called; nil for its first tensor's name.
    package var name: String?
    package var selection: Selection?
    package var adding: Selection?
    package var optimizer: any Optimizer
    package var clipping: Clipping?
    package var window: Window?
    package var condition: Condition?

    package init(
      source: Source, name: String? = nil, selection: Selection? = nil, adding: Selection? = nil,
      optimizer: any Optimizer, clipping: Clipping? = nil, window: Window? = nil,
      condition: Condition? = nil
    ) {
      self.source = source
      self.name = name
      self.selection = selection
      self.adding = adding
      self.optimizer = optimizer
      self.clipping = clipping
      self.window = window
      self.condition = condition
    }

    package var loss: Value? { if case .loss(let value) = source { value } else { nil } }

    var given: [(read: Value, gradient: Value)] {
      if case .gradients(let pairs) = source { pairs } else { [] }
    }

    var flag: Value? { if case .flag(let value)? = condition { value } else { nil } }

    /// In the order in which they stand among the outputs.
    var followed: [Value] {
      given.flatMap { [$0.read, $0.gradient] } + [window?.weight, window?.closing, flag].compactMap(\.self)
    }

    /// The same, with values of another graph taken from the front of `losses` and `others`.
    func following(_ losses: inout ArraySlice<Value>, _ others: inout ArraySlice<Value>) -> Goal {
      var goal = self
      switch source {
      case .loss: goal.source = .loss(losses.removeFirst())
      case .gradients(let pairs):
        goal.source = .gradients(pairs.map { _ in (others.removeFirst(), others.removeFirst()) })
      }
      if window?.weight != nil { goal.window?.weight = others.removeFirst() }
      if window?.closing != nil { goal.window?.closing = others.removeFirst() }
      if flag != nil { goal.condition = .flag(others.removeFirst()) }
      return goal
    }
  }

  package init(
    graph: GraphDef, fetches: [Value], training: Training? = nil, freezing: Selection? = nil,
    thawing: Selection? = nil, keepingTrainingMode: Selection? = nil, keepingInferenceMode: Selection? = nil,
    isTrainingMode: Bool = false
  ) {
    self.graph = graph
    self.fetches = fetches
    self.training = training
    self.freezing = freezing
    self.thawing = thawing
    self.keepingTrainingMode = keepingTrainingMode
    self.keepingInferenceMode = keepingInferenceMode
    self.isTrainingMode = isTrainingMode || training != nil
  }
}
