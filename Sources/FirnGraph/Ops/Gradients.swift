/// A request for gradients, as the user or a training compilation wrote it; `expand-gradients` replaces it.
///
/// | operands | |
/// | --- | --- |
/// | sources | the values differentiated |
/// | seeds | the adjoints of those sources that have one given; ones for the others |
/// | targets | the values to differentiate by; one result each, of the target's type |
/// | stops | values held constant |
package struct Gradients: OpaqueOp {
  package var sources: Int
  /// For each source, whether a seed is given.
  package var seeded: [Bool]
  package var targets: Int
  package var stops: Int
  package var unconnected: Unconnected

  package init(seeded: [Bool], targets: Int, stops: Int, unconnected: Unconnected) {
    sources = seeded.count
    self.seeded = seeded
    self.targets = targets
    self.stops = stops
    self.unconnected = unconnected
  }

  /// Keeps sums of counts that were read from text far from overflow.
  private static let countLimit = 1 << 30

  package var seedCount: Int { seeded.count { $0 } }
  package var sourceRange: Range<Int> { 0..<sources }
  package var seedRange: Range<Int> { sources..<sources + seedCount }
  package var targetRange: Range<Int> { sources + seedCount..<sources + seedCount + targets }
  package var stopRange: Range<Int> { sources + seedCount + targets..<sources + seedCount + targets + stops }

  package static let mnemonics = ["gradients"]
  package var mnemonic: String { "gradients" }
  package var attributes: Attributes {
    [
      "seeded": .list(seeded.map(AttributeValue.bool)), "targets": .int(targets), "stops": .int(stops),
      "unconnected": .string(unconnected.rawValue),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    guard case .list(let flags)? = attributes["seeded"],
      flags.allSatisfy({ $0 == .bool(true) || $0 == .bool(false) })
    else {
      throw FirnError(.parse, "attribute `seeded` must be a list of true and false")
    }
    let mode = try attributes.string("unconnected")
    guard let unconnected = Unconnected(rawValue: mode) else {
      throw FirnError(.parse, "unconnected `\(mode)` is none of error, zero, none")
    }
    let targets = try attributes.int("targets")
    let stops = try attributes.int("stops")
    for (key, count) in [("targets", targets), ("stops", stops)] where !(0...Self.countLimit).contains(count)
    {
      throw FirnError(.parse, "attribute `\(key)` must be a number of operands, not \(count)")
    }
    self.init(
      seeded: flags.map { $0 == .bool(true) }, targets: targets, stops: stops, unconnected: unconnected)
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(sources + seedCount + targets + stops)
    for index in Array(sourceRange) + Array(targetRange) where !operands[index].dtype.isFloatingPoint {
      throw FirnError(
        .typeMismatch,
        "gradients: operand \(index) is \(operands[index]); only floating point values have gradients",
        remedy: "differentiate what is made of it in floating point", constraint: "C1")
    }
    var seeds = operands[seedRange]
    for source in sourceRange where seeded[source] {
      let seed = seeds.removeFirst()
      guard seed == operands[source] else {
        throw FirnError(
          .shapeMismatch,
          "gradients: the seed of source \(source) is \(seed), the source is \(operands[source])",
          remedy: "give a seed of the source's own type", constraint: "C2")
      }
    }
    return Array(operands[targetRange])
  }

  /// As far as is known before it is expanded: what it is made from may change it.
  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    firnBug("gradients", "a nested request must be expanded before the one around it")
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }
  package var isProvisional: Bool { true }
  package var aliasing: Aliasing { .none }
}

/// What a gradient is where no path connects source and target.
public enum Unconnected: String, Hashable, Sendable {
  /// An error at compile time that names what cuts the paths.
  case error
  /// Zeros.
  case zero
  /// Absent: it can be fetched (and is then missing from the results) but not computed with.
  case none
}
