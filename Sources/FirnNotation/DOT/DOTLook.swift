import FirnGraph

/// The ways an item is drawn.
///
/// Shape or line tell them apart, and a word does; colour only helps.
enum DOTLook: CaseIterable {
  case placeholder, trainable, partly, frozen, state, constant, scalar, op, random, bound, stop, parameter,
    output, backward
  case update, folded, foldedTrainable, foldedPartly, foldedFrozen, foldedBackward

  init(_ status: TrainingStatus) {
    switch status {
    case .trainable, .trained, .cutOff, .notUnderLoss, .neverRead: self = .trainable
    case .partly: self = .partly
    case .frozen: self = .frozen
    case .state: self = .state
    }
  }

  /// What stands on a variable: alone, `partly` would not say what of it is meant.
  static func words(_ status: TrainingStatus) -> String {
    status == .partly ? "partly frozen" : status.rawValue
  }

  var isVariable: Bool { [.trainable, .partly, .frozen, .state].contains(self) }

  var attributes: [(String, String)] {
    switch self {
    case .placeholder: Self.make("cds", "solid", "#8a6100", "#fff3d1") + [("margin", "0.2,0.12")]
    case .trainable:
      Self.make("cylinder", "solid", "#1558b0", "#e3eefc") + [("penwidth", "1.8"), ("margin", "0.1,0.1")]
    case .partly: Self.make("cylinder", "dashed", "#1558b0", "#f1f3f5") + [("margin", "0.1,0.1")]
    case .frozen: Self.make("hexagon", "dashed", "#6b7280", "#f1f3f5")
    case .state: Self.make("folder", "dotted", "#0f6b5c", "#e2f4f0") + [("penwidth", "1.5")]
    case .constant: Self.make("note", "solid", "#6b7280", "#ffffff")
    case .scalar:
      [("shape", "plain"), ("fontsize", "9"), ("fontcolor", "#4b5563"), ("margin", "0.03")]
    case .op: Self.make("box", "solid", "#374151", "#ffffff")
    case .random: Self.make("box", "solid", "#374151", "#ffffff") + [("peripheries", "2")]
    case .bound: Self.make("box", "dashed", "#6b7280", "#f1f3f5")
    case .stop: Self.make("octagon", "bold", "#a61b12", "#fde4e1")
    case .parameter: Self.make("ellipse", "dashed", "#4b5563", "#ffffff")
    case .output: Self.make("invhouse", "bold", "#111827", "#e5e7eb")
    case .backward: Self.make("box", "rounded", "#7a2e8e", "#f6eafa")
    case .update: Self.make("component", "solid", "#9a4a00", "#fdeedd")
    case .folded: Self.make("box3d", "solid", "#374151", "#f9fafb") + [("margin", "0.15,0.12")]
    case .foldedTrainable:
      Self.make("box3d", "solid", "#1558b0", "#e3eefc") + [("penwidth", "1.8"), ("margin", "0.15,0.12")]
    case .foldedPartly:
      Self.make("box3d", "dashed", "#1558b0", "#f1f3f5") + [("penwidth", "1.8"), ("margin", "0.15,0.12")]
    case .foldedFrozen: Self.make("box3d", "dashed", "#6b7280", "#d9dde3") + [("margin", "0.15,0.12")]
    case .foldedBackward: Self.make("tab", "rounded", "#7a2e8e", "#f6eafa")
    }
  }

  /// The class in SVG, for style sheets and scripts.
  var cssClass: String {
    switch self {
    case .folded: "folded"
    case .partly: "partly-frozen"
    case .foldedTrainable: "folded trainable"
    case .foldedPartly: "folded partly-frozen"
    case .foldedFrozen: "folded frozen"
    case .foldedBackward: "folded backward"
    default: "\(self)"
    }
  }

  private static func make(
    _ shape: String, _ style: String, _ line: String, _ fill: String
  ) -> [(String, String)] {
    [("shape", shape), ("style", style + ",filled"), ("color", line), ("fillcolor", fill)]
  }

  /// What the legend says; nil for what explains itself.
  var explanation: String? {
    switch self {
    case .placeholder: "placeholder: fed"
    case .trainable: "variable, trainable"
    case .partly: "variable, partly frozen"
    case .frozen: "variable, frozen"
    case .state: "variable, state"
    case .constant: "constant"
    case .op: "op"
    case .random: "random op"
    case .bound: "op, computed once"
    case .stop: "stop_gradient"
    case .parameter: "loop parameter"
    case .output: "output"
    case .backward: "backward op"
    case .update: "update or assign"
    case .folded: "folded scope, no parameters"
    case .foldedTrainable: "folded scope, trainable"
    case .foldedPartly: "folded scope, partly frozen"
    case .foldedFrozen: "folded scope, all frozen"
    case .foldedBackward: "folded scope, backward"
    case .scalar: nil
    }
  }
}

/// The ways an edge is drawn.
enum DOTLine: CaseIterable {
  case data
  /// Into or out of a loop's body.
  case boundary
  /// A value that is stored for each example.
  case stored
  /// To the next iteration or the next run.
  case feedback
  /// Where no gradient flows.
  case removed

  var attributes: [(String, String)] {
    switch self {
    case .data: []
    case .boundary: [("style", "dashed")]
    case .stored: [("style", "bold"), ("penwidth", "3"), ("color", "#0f6b5c"), ("fontcolor", "#0f6b5c")]
    case .feedback:
      [("style", "dashed"), ("arrowhead", "vee"), ("constraint", "false"), ("color", "#0f6b5c")]
    case .removed:
      [
        ("style", "dotted"), ("arrowhead", "tee"), ("constraint", "false"), ("color", "#a61b12"),
        ("fontcolor", "#a61b12"), ("penwidth", "1.5"),
      ]
    }
  }

  /// The class in SVG, for style sheets and scripts.
  var cssClass: String {
    switch self {
    case .data, .boundary, .stored, .feedback: "\(self)"
    case .removed: "no-gradient"
    }
  }

  var explanation: String {
    switch self {
    case .data: "value"
    case .boundary: "into or out of a loop"
    case .stored: "stored for each example"
    case .feedback: "next step or run"
    case .removed: "no gradient"
    }
  }
}
