import FirnGraph

/// The updates that `apply-optimizer` left to be copies of others, for `copy-updates`.
package struct UpdateCopies: Sendable {
  /// Variables whose updates are the same but for what they read and write.
  package struct Kind: Sendable {
    /// The one whose update stands in the graph, on stand-ins for its value and gradient.
    package var model: String
    /// Its memory.
    package var memory: [PartMemory]
    /// Its update, where that may be of touched rows alone.
    package var rows: RowUpdate?

    /// The path below which the nodes of its update stand.
    var scope: String { Path.joined("update", model) }

    package init(model: String, memory: [PartMemory] = [], rows: RowUpdate? = nil) {
      (self.model, self.memory, self.rows) = (model, memory, rows)
    }
  }

  /// A variable that has an update of a kind.
  package struct Member: Sendable {
    package var variable: String
    package var kind: Int
    /// The node, by name, behind which its update is to stand; nil for the model's, which stands.
    package var place: String?
    /// Its gradients, counted through the results of all requests; nil for those that are given.
    package var gradients: [Int?]
    /// What value and gradient are called by programs that read them, once there are programs.
    var valueName = ""
    var gradientName = ""

    package init(_ variable: String, kind: Int, behind place: String? = nil, gradients: [Int?] = []) {
      (self.variable, self.kind, self.place, self.gradients) = (variable, kind, place, gradients)
    }
  }

  package var kinds: [Kind] = []
  /// In the order of variables.
  ///
  /// Of each, value and gradient are among the graph's outputs, behind all others.
  package var members: [Member] = []

  package init() {}

  /// Takes down what a graph that is about to be fused calls what members are made of: programs know their operands by
  /// these names, and nodes that become part of others lose theirs.
  ///
  /// - Parameter count: how many outputs there are before theirs.
  mutating func takeNames(from graph: GraphDef, behind count: Int) {
    func name(_ output: Int) -> String { Path.last(of: graph.nodes[graph.outputs[output].node].name) }
    for number in members.indices {
      members[number].valueName = name(count + 2 * number)
      members[number].gradientName = name(count + 2 * number + 1)
    }
  }

  /// How many outputs of the graph say what members are made of.
  package var outputCount: Int { members.count * 2 }

  /// How many updates of a kind there are at least where some are copies: a few are as quickly built.
  package static let fewest = 100
}
