import FirnGraph
import FirnNotation
import FirnOps

/// Where a compilation runs in training mode, and which state it moves (rule 4).
package struct Modes: Sendable {
  private let isTrainingMode: Bool
  private let trainability: Trainability
  /// What `keepingTrainingMode:` names.
  private let waking: Kept
  /// What `keepingInferenceMode:` names.
  private let resting: Kept
  /// What becomes of each state variable that training assigns; one of several assignments that moves it counts.
  private(set) var motions: [String: Motion] = [:]

  /// Both selections are read against the variables of the model, as `freezing:` is, and what of the model has two modes.
  ///
  /// - Throws: what is wrong with these selections; also where one names nothing that has two modes, or both the same.
  init(
    _ graph: GraphDef, _ request: CompilationRequest, _ trainability: Trainability
  ) throws(FirnError) {
    isTrainingMode = request.isTrainingMode
    self.trainability = trainability
    let keeps = request.keepingTrainingMode != nil || request.keepingInferenceMode != nil
    let places = keeps ? graph.modalPlaces(in: ModalPlace()) : []
    waking = try Kept(request.keepingTrainingMode, "keepingTrainingMode", places, request, trainability)
    resting = try Kept(request.keepingInferenceMode, "keepingInferenceMode", places, request, trainability)
    // By places: one in a loop has two names, of which each selection may have another.
    if let place = places.first(where: { waking.contains($0) && resting.contains($0) }) {
      let both = waking.scopes.intersection(resting.scopes).min() ?? place.scoped
      throw FirnError(
        .invalidSelection, "`\(both)` is kept in training mode and in inference mode",
        remedy: "leave it out of `keepingTrainingMode:` or of `keepingInferenceMode:`", place: both)
    }
    for position in graph.nodes.indices where graph.nodes[position].traits.contains(.writes) {
      guard let name = graph.nodes[position].trainingAssignment?.variable, motions[name]?.isMoving != true
      else { continue }
      motions[name] = motion(of: name, at: ModalPlace().node(graph.nodes[position].name))
    }
  }

  /// What a selection keeps in one of the modes, whatever is frozen.
  private struct Kept {
    let selection: Selection?
    /// Of nodes that have two modes.
    let places: Set<String>
    /// Those, and the scopes of variables that it names.
    let scopes: Set<String>

    init(
      _ selection: Selection?, _ label: String, _ modal: [ModalPlace], _ request: CompilationRequest,
      _ trainability: Trainability
    ) throws(FirnError) {
      self.selection = selection
      guard let selection else {
        (places, scopes) = ([], [])
        return
      }
      let all = modal.flatMap(\.paths)
      let around = Set(trainability.variables.flatMap { Path.ancestors(of: $0.name) }).sorted()
      scopes = Set(try selection.resolve(places: all + around, in: request.selectionContext))
      places = scopes.intersection(all)
      if places.isEmpty { throw Self.noPlace("\(label): \(selection)", all) }
    }

    func contains(_ place: ModalPlace) -> Bool { place.paths.contains { places.contains($0) } }

    private static func noPlace(_ request: String, _ places: [String]) -> FirnError {
      var scopes: [String] = []
      for scope in places.map(Path.parent) where !scopes.contains(scope) { scopes.append(scope) }
      let listed = scopes.prefix(6).map { $0.isEmpty ? "the top scope" : "`\($0)`" }.joined(separator: ", ")
      return FirnError(
        .invalidSelection, "`\(request)` names nothing that has two modes",
        remedy: scopes.isEmpty
          ? "leave it out: no dropout or batch norm is computed here"
          : "dropout and batch norms are in " + listed
            + (scopes.count > 6 ? " and \(scopes.count - 6) more" : ""))
    }
  }

  func isInference(_ place: ModalPlace) -> Bool {
    !isTrainingMode || resting.contains(place) || !waking.contains(place) && frozenScope(around: place) != nil
  }

  /// Whether what is in a scope with variables runs in inference mode, where no selection names it by itself.
  func isInference(inScope path: String) -> Bool {
    !isTrainingMode || resting.scopes.contains(path)
      || !waking.scopes.contains(path)
        && ([path] + Path.ancestors(of: path)).contains(where: trainability.isFrozen(scope:))
  }

  /// What becomes of `variable` where an assignment that belongs to training stands at `place`.
  func motion(of variable: String, at place: ModalPlace) -> Motion {
    guard isTrainingMode else { return .held(.inference) }
    let scope = frozenScope(around: place)
    if waking.contains(place) { return .moves(frozen: scope, keeping: waking.selection?.description) }
    let holder = trainability.holder(of: variable)
    if case .shadow? = holder, let holder { return .held(holder) }
    if let scope { return .held(.frozenScope(scope)) }
    if resting.contains(place) { return .held(.mode(resting.selection?.description ?? "")) }
    if let holder { return .held(holder) }
    return .moves(frozen: nil, keeping: nil)
  }

  /// The outermost frozen scope that holds it.
  private func frozenScope(around place: ModalPlace) -> String? {
    Path.ancestors(of: place.scoped).last { trainability.isFrozen(scope: $0) }
  }
}

/// What a step does to a state variable.
enum Motion: Hashable, Sendable {
  enum Holder: Hashable, Sendable {
    /// Nothing is trained.
    case inference
    case frozenScope(String)
    /// Its scope is kept in inference mode by this selection.
    case mode(String)
    /// Named by `freezing:` although its scope is trained.
    case selection(String)
    /// Declared so although its scope is trained.
    case declaration
    /// It follows other state, by steps and not by batches.
    case shadow(Shadow)
  }

  /// With the frozen scope around it that `keepingTrainingMode:` wakes, if there is one.
  case moves(frozen: String?, keeping: String?)
  case held(Holder)

  var isMoving: Bool { if case .moves = self { true } else { false } }

  /// One line for reports.
  var explanation: String {
    switch self {
    case .moves(let scope?, let keeping):
      "it is state and moves, although `\(scope)` is frozen, by `keepingTrainingMode: \(keeping ?? "")`"
    case .moves: "it is state and moves: its scope is in training mode"
    case .held(.inference): "it is state and stays: the program runs in inference mode"
    case .held(.frozenScope(let scope)): "it is state and is held: `\(scope)` is frozen"
    case .held(.mode(let text)): "it is state and is held by `keepingInferenceMode: \(text)`"
    case .held(.selection(let text)): "it is state and is held by `freezing: \(text)`"
    case .held(.shadow(let shadow)): "it is state and \(shadow)"
    case .held(.declaration): "it is state and is held by its declaration (`trainable: false`)"
    }
  }
}

/// Where a node stands.
struct ModalPlace {
  /// Below the scopes that its layer's variables are in: a loop is no scope.
  var scoped = ""
  /// As graphs show it, below the loops that hold it.
  var nested = ""

  /// Both, as selections may name either.
  var paths: [String] { scoped == nested ? [scoped] : [scoped, nested] }

  func node(_ name: String) -> ModalPlace {
    ModalPlace(scoped: Path.joined(scoped, name), nested: Path.joined(nested, name))
  }

  /// What is inside the loop that stands here.
  var body: ModalPlace { ModalPlace(scoped: Path.parent(of: scoped), nested: nested) }
}

extension GraphDef {
  /// The places of the nodes that have two modes.
  func modalPlaces(in place: ModalPlace) -> [ModalPlace] {
    nodes.flatMap { node in
      let place = place.node(node.name)
      if let loop = node.loop { return loop.body.modalPlaces(in: place.body) }
      return node.modal != nil || node.trainingAssignment != nil ? [place] : []
    }
  }
}

extension GraphDef {
  /// The graph with each `by_mode` replaced by an identity of the operand that its mode picks, so that no gradient
  /// takes the other way.
  func choosing(_ modes: Modes, in place: ModalPlace = ModalPlace()) -> GraphDef {
    guard nodes.indices.contains(where: { !nodes[$0].traits.isDisjoint(with: .moded) }) else {
      return self
    }
    return rewritten { rewriter, position in
      if nodes[position].traits.isDisjoint(with: .moded) { return }
      var node = rewriter.kept(position)
      let place = place.node(node.name)
      if let op = node.op(changingBody: { $0.choosing(modes, in: place.body) }) {
        rewriter.keep(position, as: op)
      } else if node.isModeChoice {
        node.op = PassThrough(.identity)
        node.inputs = [node.inputs[modes.isInference(place) ? 1 : 0]]
        rewriter.place(node, insteadOf: position)
      }
    }
  }
}
