internal import FirnGraph

/// Functions made of functions, whose nodes are to point to their caller's line.
extension Tensor {
  /// What `build` makes of this tensor; poison of poison, without asking.
  func composing(_ file: StaticString, _ line: UInt, _ build: (Tensor) -> Tensor) -> Tensor {
    isPoisoned ? self : graph.at(CallSite(file, line)) { build(self) }
  }
}
