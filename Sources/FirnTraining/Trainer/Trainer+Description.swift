import FirnCompiler
import FirnGraph
import FirnNotation
import FirnRuntime

extension Trainer: CustomStringConvertible {
  /// What it minimises, and how much moves, in one line: `trainer: minimises loss/mean by 2 variables, 10 elements`.
  public var description: String {
    let (trained, parts) = (program.trained.count, program.trainedParts)
    guard trained > 0, let loss = program.fetches.last else { return "trainer: the program trains nothing" }
    let elements = parts.reduce(0) { $0 + ($1.type.shape.elementCount.value ?? 0) }
    return "trainer: minimises \(loss) by \(NumberFormat.count(trained)) variable\(trained == 1 ? "" : "s"), "
      + "\(NumberFormat.count(elements)) elements"
  }
}
