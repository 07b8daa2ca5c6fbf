extension AttributeMessage {
  /// AttributeProto.AttributeType, as far as operators ask for it.
  enum Kind: Int, CaseIterable {
    case float = 1
    case integer, text, tensor, graph, floats, integers, texts

    /// How errors call it.
    var name: String {
      switch self {
      case .float: "a float"
      case .integer: "an integer"
      case .text: "a text"
      case .tensor: "a tensor"
      case .graph: "a graph"
      case .floats: "a list of floats"
      case .integers: "a list of integers"
      case .texts: "a list of texts"
      }
    }
  }

  /// Whether its value is of this kind: as it says, and as what it holds is.
  ///
  /// An empty list, and what some writers leave out as it is 0 or empty, holds nothing.
  func holds(_ kind: Kind) -> Bool {
    let held = Kind.allCases.filter { isPresent($0) }
    guard held.isEmpty || held.contains(kind) else { return false }
    return type.map { $0 == 0 || $0 == kind.rawValue } ?? true
  }

  private func isPresent(_ kind: Kind) -> Bool {
    switch kind {
    case .float: float != nil
    case .integer: integer != nil
    case .text: text != nil
    case .tensor: tensor != nil
    case .graph: graph != nil
    case .floats: !floats.isEmpty
    case .integers: !integers.isEmpty
    case .texts: !texts.isEmpty
    }
  }
}
