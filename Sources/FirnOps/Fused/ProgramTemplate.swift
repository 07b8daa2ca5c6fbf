import FirnGraph

/// The program of one update of an optimiser, of which other updates have copies: the same work on operands of their own.
///
/// A copy shares all but the names of its nodes, which are made when somebody asks for its body.
package final class ProgramTemplate: Sendable {
  /// Where an operand of a program comes from, and by what name its body knows it.
  package enum Input: Hashable, Sendable {
    /// It is the same for all copies.
    case shared(String)
    /// Each copy has its own, called alike.
    case own(String)
    /// The value that is updated, and the gradient by it: in each copy called as it is there.
    case value, gradient
  }

  private let fused: Fused
  /// The path of the update, below which its nodes stand.
  private let scope: String
  /// By operand.
  private let inputs: [Input]
  /// By node of the body, whether each copy has its own.
  private let isOwn: [Bool]

  /// - Parameter inputs: by operand.
  package init(_ fused: Fused, below scope: String, inputs: [Input]) {
    self.fused = fused
    self.scope = scope
    self.inputs = inputs
    var isOwn: [Bool] = []
    for node in fused.pattern.nodes {
      if let input = node.fusedInput {
        if case .shared = inputs[input.position] { isOwn.append(false) } else { isOwn.append(true) }
      } else {
        isOwn.append(node.inputs.contains { isOwn[$0.node] })
      }
    }
    self.isOwn = isOwn
  }

  /// The program of the update below `scope`, whose value and gradient have these names.
  package func copy(below scope: String, value: String, gradient: String) -> Fused {
    Fused(fused, named: ProgramCopy(of: self, below: scope, value: value, gradient: gradient))
  }

  /// The nodes of the template's body as `copy` calls them: names of inputs are made unique as they come, beside those
  /// of nodes at the top.
  fileprivate func named(_ pattern: GraphDef, as copy: ProgramCopy) -> GraphDef {
    var result = pattern
    var taken: Set<String> = []
    for position in pattern.nodes.indices where pattern.nodes[position].fusedInput == nil {
      let name = pattern.nodes[position].name
      if isOwn[position], scope != copy.scope, Path.isWithin(name, scope) {
        result.nodes[position].name = copy.scope + name.dropFirst(scope.count)
      }
      if Path.depth(of: name) == 1 { taken.insert(name) }
    }
    for position in pattern.nodes.indices {
      guard let input = pattern.nodes[position].fusedInput else { continue }
      let wanted =
        switch inputs[input.position] {
        case .shared(let name), .own(let name): name
        case .value: copy.value
        case .gradient: copy.gradient
        }
      var (name, count) = (wanted, 0)
      while !taken.insert(name).inserted {
        count += 1
        name = "\(wanted)_\(count)"
      }
      if name != pattern.nodes[position].name { result.nodes[position].name = name }
    }
    return result
  }
}

/// What tells a copy of a program from its template.
final class ProgramCopy: Sendable {
  let template: ProgramTemplate
  fileprivate let scope: String
  fileprivate let value: String
  fileprivate let gradient: String

  init(of template: ProgramTemplate, below scope: String, value: String, gradient: String) {
    (self.template, self.scope, self.value, self.gradient) = (template, scope, value, gradient)
  }

  func named(_ pattern: GraphDef) -> GraphDef { template.named(pattern, as: self) }
}
