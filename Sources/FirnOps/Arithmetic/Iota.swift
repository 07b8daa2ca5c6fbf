public import FirnGraph

/// The whole numbers from 0 on.
///
/// y[i] = i
///
/// The result is `i32`[extent]. C1: where it is a number, `extent` is in 0...2³¹.
///
/// - Complexity: one pass, no FLOPs.
package struct Iota: KernelOp, SourceOp {
  package var extent: Dim

  package init(_ extent: Dim) { self.extent = extent }

  package static let mnemonics = ["iota"]
  package var mnemonic: String { "iota" }
  package var attributes: Attributes { ["extent": .extent(extent)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    extent = try attributes.dimension("extent")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    try require(
      (extent.value ?? 0) >= 0, "C1", .invalidArgument, "extent \(extent) is negative",
      remedy: "count up to 0 or more")
    let type = TensorType(.i32, [extent])
    try type.requireCountable(0, "C1")
    return [type]
  }

  package var canFail: Bool { false }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = results[0].elementCount
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let y = call.result(as: Int32.self)
      for i in 0..<count { y[i] = Int32(truncatingIfNeeded: i) }
    }
  }
}

extension Graph {
  /// The whole numbers 0 ..< extent, as `i32[extent]`: `arange`, `range`.
  ///
  /// Constraints: (C1) where it is a number, `extent` is in 0...2³¹.
  ///
  /// - Complexity: no FLOPs; 4 bytes written an element.
  public func iota(_ extent: Dim, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    append(Iota(extent), [], location: CallSite(file, line))[0]
  }
}
