/// One operation of a graph with its operands.
public struct Node: Sendable {
  package var op: any Op
  package var inputs: [Value]
  /// The types of its results.
  public package(set) var types: [TensorType]
  /// A path of scopes and a last component, unique in the graph.
  public package(set) var name: String
  /// What part of a step it belongs to.
  public package(set) var phase: Phase
  /// The line of the user's program that made it; nil where that is not known, as in graphs read from text without it.
  public package(set) var location: CallSite?

  package init(
    op: any Op, inputs: [Value], types: [TensorType], name: String, phase: Phase = .forward,
    location: CallSite? = nil
  ) {
    self.op = op
    self.inputs = inputs
    self.types = types
    self.name = name
    self.phase = phase
    self.location = location
  }

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
    a.name == b.name && a.phase == b.phase && a.inputs == b.inputs && a.types == b.types
      && a.op.isEqual(to: b.op)
  }

  /// Of name, operands and types.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(inputs)
    hasher.combine(types)
  }
}
