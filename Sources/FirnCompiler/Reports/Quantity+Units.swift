import FirnGraph
import FirnNotation

/// Counts as reports print them: `3.2 MFLOP`, `1.5 KiB*batch + 96 B`.
extension Quantity {
  /// As floating-point operations, with a decimal prefix for each summand.
  package var asFLOPs: String { text { NumberFormat.flops($0) } }

  /// As bytes, with a binary prefix for each summand.
  package var asBytes: String { text(NumberFormat.bytes) }

  private func text(_ format: (Int) -> String) -> String {
    var result = ""
    for (coefficient, names) in dimension.summands {
      let product = ([format(result.isEmpty ? coefficient : Int(clamping: coefficient.magnitude))] + names)
        .joined(separator: "*")
      result += result.isEmpty ? product : (coefficient < 0 ? " - " : " + ") + product
    }
    return result
  }
}
