import FirnGraph
import FirnNotation

@testable import FirnToyOps

/// A graph with a variable for every part of the grammar.
enum SelectionSample {
  static let text = #"""
    firn 1

    variable encoder/embedding/table : f32[5,4] {kind = "parameter", role = "table", trainable = true, initializer = ["constant", 0.0]}
    variable encoder/lstm/kernel : f32[4,8] {kind = "parameter", role = "kernel", trainable = true, initializer = ["constant", 0.0], blocks = ["input", "forget", "cell", "output"]}
    variable encoder/lstm/bias : f32[8] {kind = "parameter", role = "bias", trainable = true, initializer = ["constant", 0.0], blocks = ["input", "forget", "cell", "output"]}
    variable encoder/norm/scale : f32[2] {kind = "parameter", role = "odd role", trainable = false, initializer = ["constant", 1.0]}
    variable encoder/norm/mean : f32[2] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
    variable encoder2/kernel : f32[2,2] {kind = "parameter", role = "kernel", trainable = true, initializer = ["constant", 0.0]}
    variable head/kernel : f32[2,3] {kind = "parameter", role = "kernel", trainable = true, initializer = ["constant", 0.0]}
    variable head/bias : f32[3] {kind = "parameter", role = "bias", trainable = true, initializer = ["constant", 0.0]}
    variable head/bias/momentum : f32[3] {kind = "slot", role = "bias", trainable = false, initializer = ["constant", 0.0]}
    variable trainable : f64[] {kind = "parameter", role = "", trainable = true, initializer = ["array", f64[](1.0)]}

    %x = placeholder() {dtype = f32, shape = [batch,4]} : f32[batch,4]
    %encoder/lstm/kernel = read() {variable = "encoder/lstm/kernel", dtype = f32, shape = [4,8]} : f32[4,8]
    %encoder2/kernel = read() {variable = "encoder2/kernel", dtype = f32, shape = [2,2]} : f32[2,2]
    %head/kernel = read() {variable = "head/kernel", dtype = f32, shape = [2,3]} : f32[2,3]
    %encoder/lstm/matmul = matmul(%x, %encoder/lstm/kernel) {transpose_a = false, transpose_b = false} : f32[batch,8]
    %encoder/lstm/split:4 = split(%encoder/lstm/matmul) {parts = 4} : f32[batch,2], f32[batch,2], f32[batch,2], f32[batch,2]
    %encoder2/matmul = matmul(%encoder/lstm/split:1, %encoder2/kernel) {transpose_a = false, transpose_b = false} : f32[batch,2]
    %head/tanh = tanh(%head/kernel) : f32[2,3]
    %head/matmul = matmul(%encoder2/matmul, %head/tanh) {transpose_a = false, transpose_b = false} : f32[batch,3]
    return %head/matmul

    """#

  static func context() throws(FirnError) -> SelectionContext {
    SelectionContext(
      try GraphDef(parsing: text, catalogue: TestOps.catalogue),
      loaded: ["encoder/lstm/kernel", "head/bias"],
      trained: ["head/kernel"])
  }

  /// What a selection names: paths with their blocks, separated by blanks.
  static func named(_ selection: Selection) throws(FirnError) -> String {
    try selection.resolve(in: try context()).map { selected in
      guard case .blocks(let blocks) = selected.region else { return selected.variable.name }
      return selected.variable.name + blocks.map(\.description).joined()
    }.joined(separator: " ")
  }
}
