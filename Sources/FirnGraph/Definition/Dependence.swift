/// What a value can vary with.
///
/// No bit at all means: the same in every run while the weights stay.
package struct Dependence: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A placeholder.
  package static let data = Dependence(rawValue: 1 << 0)
  /// A variable that this compilation trains.
  package static let trainable = Dependence(rawValue: 1 << 1)
  /// A variable the step writes and no gradient trains.
  package static let state = Dependence(rawValue: 1 << 2)
  /// A random draw.
  package static let random = Dependence(rawValue: 1 << 3)
  /// The counter, a carry or a slice of an enclosing loop.
  package static let step = Dependence(rawValue: 1 << 4)
}

extension Dependence: CustomStringConvertible {
  package var description: String {
    let names = [
      (Dependence.data, "data"), (.trainable, "trainable"), (.state, "state"), (.random, "random"),
      (.step, "step"),
    ]
    return "{" + names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") + "}"
  }
}
