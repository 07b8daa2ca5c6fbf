/// A number of an op, equal to another where all bits are: ops that differ in the sign of a zero make different things,
/// and one with NaN is the same as itself.
@propertyWrapper
package struct Exact: Hashable, Sendable {
  package var wrappedValue: Double

  package init(wrappedValue: Double) { self.wrappedValue = wrappedValue }

  package static func == (a: Exact, b: Exact) -> Bool {
    a.wrappedValue.bitPattern == b.wrappedValue.bitPattern
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(wrappedValue.bitPattern) }
}
