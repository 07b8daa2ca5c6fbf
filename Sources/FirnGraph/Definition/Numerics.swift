/// What an op makes of numbers that are none, and where it makes them: asked by lint, and by runs that check numerics.
package struct Numerics: Hashable, Sendable {
  /// Operands of which a finite element can give NaN, infinity or an infinite derivative, overflow aside: the divisor of
  /// a quotient, what a logarithm or a root is taken of.
  package var poles: [Int]
  /// Operands of which each element is taken as it is or does not matter, as `select` does.
  package var choices: [Int]
  /// Whether an infinite element of an operand may stand in a result by right.
  package var carriesInfinity: Bool
  /// Whether results are still being made when it has run, so that only what waits for them may look at them.
  package var isUnderWay: Bool

  package init(
    poles: [Int] = [], choices: [Int] = [], carriesInfinity: Bool, isUnderWay: Bool = false
  ) {
    self.poles = poles
    self.choices = choices
    self.carriesInfinity = carriesInfinity
    self.isUnderWay = isUnderWay
  }

  /// Of an op that moves elements about.
  package static let moving = Numerics(carriesInfinity: true)
}

extension Op {
  /// Infinities stay where an op works element by element; elsewhere they spread.
  package var numerics: Numerics { Numerics(carriesInfinity: isElementwise) }
}

extension RearrangingOp {
  package var numerics: Numerics { .moving }
}
