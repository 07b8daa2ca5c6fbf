/// One operation of a graph with its operands.
///
/// Most of it is shared between copies: a pass that moves a node copies two references, and what is asked of every node
/// lies beside them.
public struct Node: Sendable {
  package var inputs: [Value]
  private var content: Content
  /// How many results it has: the number of its types.
  package private(set) var resultCount: Int32
  /// What is known of its op without reaching for it.
  package private(set) var traits: NodeTraits
  /// What part of a step it belongs to.
  public package(set) var phase: Phase
  /// Of its name, for sets of names.
  private(set) var nameHash: UInt32

  private final class Content: Sendable {
    let op: any Op
    let types: [TensorType]
    let name: String
    let location: CallSite?

    init(op: any Op, types: [TensorType], name: String, location: CallSite?) {
      self.op = op
      self.types = types
      self.name = name
      self.location = location
    }
  }

  package init(
    op: any Op, inputs: [Value], types: [TensorType], name: String, phase: Phase = .forward,
    location: CallSite? = nil
  ) {
    self.init(
      op: op, inputs: inputs, types: types, name: (name, NameSet.hash(name)), phase: phase, location: location
    )
  }

  /// Given the hash of the name, too.
  init(
    op: any Op, inputs: [Value], types: [TensorType], name: (name: String, hash: UInt32), phase: Phase,
    location: CallSite?
  ) {
    self.inputs = inputs
    self.phase = phase
    traits = NodeTraits(op)
    resultCount = Int32(types.count)
    nameHash = name.hash
    let name = name.name
    content = Content(op: op, types: types, name: name, location: location)
  }

  /// A copy of `model` that does `op`, of which all holds that is known of the model's.
  package init(copying model: Node, op: any Op, inputs: [Value], name: String) {
    self.inputs = inputs
    phase = model.phase
    traits = model.traits
    resultCount = model.resultCount
    nameHash = NameSet.hash(name)
    content = Content(op: op, types: model.types, name: name, location: model.location)
  }

  package var op: any Op {
    get { content.op }
    set {
      content = Content(op: newValue, types: types, name: name, location: location)
      traits = NodeTraits(newValue)
    }
  }

  /// The types of its results.
  public package(set) var types: [TensorType] {
    get { content.types }
    set {
      content = Content(op: op, types: newValue, name: name, location: location)
      resultCount = Int32(newValue.count)
    }
  }

  /// A path of scopes and a last component, unique in the graph.
  public package(set) var name: String {
    get { content.name }
    set {
      content = Content(op: op, types: types, name: newValue, location: location)
      nameHash = NameSet.hash(newValue)
    }
  }

  /// The line of the user's program that made it; nil where that is not known, as in graphs read from text without it.
  public package(set) var location: CallSite? {
    get { content.location }
    set { content = Content(op: op, types: types, name: name, location: newValue) }
  }

  /// The same with an op, or other types, of which what is known beside them holds as before.
  ///
  /// - Parameter op: what it did if nil.
  func changing(_ op: (any Op)?, types: [TensorType]) -> Node {
    var result = self
    result.content = Content(op: op ?? self.op, types: types, name: name, location: location)
    return result
  }

  /// Whether it makes the same of the same operands, whatever it is called.
  package func doesSameWork(as other: Node) -> Bool {
    inputs == other.inputs && traits == other.traits
      && (content === other.content
        || content.types == other.content.types && content.op.isEqual(to: other.content.op))
  }

  /// The same under another name, whose hash is given.
  func renamed(_ name: (name: String, hash: UInt32)) -> Node {
    var result = self
    result.content = Content(op: op, types: types, name: name.name, location: location)
    result.nameHash = name.hash
    return result
  }

  /// Tells it, but for its operands and its phase, from every other node that is held now; equal ones made apart have different ones.
  package var identity: ObjectIdentifier { ObjectIdentifier(content) }

  /// The op's name, as text and DOT show it.
  public var mnemonic: String { op.mnemonic }

  /// The path of the scope it stands in; empty at the top.
  public var scope: String { Path.parent(of: name) }

  /// The part of a step a node belongs to.
  public enum Phase: String, Hashable, Sendable, CaseIterable {
    /// Written by the user.
    case forward
    /// An adjoint (the gradient of the loss by one value of the forward program), or what is needed only for one.
    case backward
    /// The optimiser's.
    case update
  }
}

extension Node: Hashable {
  /// Whether name, phase, op, operands and types agree; where they were made is not compared.
  public static func == (a: Node, b: Node) -> Bool {
    a.inputs == b.inputs && a.phase == b.phase
      && (a.identity == b.identity
        || a.traits == b.traits && a.name == b.name && a.types == b.types && a.op.isEqual(to: b.op))
  }

  /// Of name, operands and types.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(inputs)
    hasher.combine(types)
  }
}
