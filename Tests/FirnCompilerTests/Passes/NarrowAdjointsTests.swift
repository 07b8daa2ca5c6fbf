import FirnCompiler
import FirnGraph
import FirnOps
import FirnTestSupport
import Testing

/// Each row of the pass's table by structure and by numbers, and what must stay whole.
@Suite struct NarrowAdjointsTests {
  private static let operands = """
    %a = placeholder() {dtype = f64, shape = [3,4]} : f64[3,4]
    %b = placeholder() {dtype = f64, shape = [4,5]} : f64[4,5]
    %c = placeholder() {dtype = f64, shape = [3,5]} : f64[3,5]
    %d = placeholder() {dtype = f64, shape = [2,3,5]} : f64[2,3,5]
    %image = placeholder() {dtype = f64, shape = [2,4,3,5]} : f64[2,4,3,5]
    %cotangent = placeholder() {dtype = f64, shape = [2,3,2,6]} : f64[2,3,2,6]
    %i = placeholder() {dtype = i32, shape = [3]} : i32[3]

    """

  private func slice(_ value: String, _ shape: [Int], _ axis: Int, _ range: Range<Int>) -> String {
    var starts = shape.map { _ in 0 }
    var limits = shape
    starts[axis] = range.lowerBound
    limits[axis] = range.upperBound
    let result = zip(starts, limits).map { $1 - $0 }
    func list(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ",") + "]" }
    return
      "slice(%\(value)) {starts = \(list(starts)), limits = \(list(limits)), steps = \(list(shape.map { _ in 1 }))} : f64\(list(result)) @backward"
  }

  private func values(_ text: String) throws -> [NDArray] {
    let graph = try parsed(header + text)
    var evaluator = PlainEvaluator()
    for node in graph.nodes where node.op.effect == .feeds {
      let shape = try #require(node.types[0].shape.extents)
      evaluator.feeds[node.name] =
        node.types[0].dtype == .i32
        ? NDArray([2, 0, 2] as [Int32])
        : try Initializer.uniform(-1, 1).sample(ArrayType(.f64, shape), seed: 5, name: node.name)
    }
    let values = try evaluator.values(of: graph)
    return try graph.outputs.map { try #require(values[$0]) }
  }

  private static let convolution =
    "conv2d_kernel_gradient(%image, %cotangent) {strides = [1,1], padding = [0,0,0,0], dilation = [1,1], groups = 1, size = [2,2]}"

  /// `y` is made of operands, `axis` of it is cut.
  private static let rows: [(y: String, shape: [Int], axis: Int, range: Range<Int>)] = [
    ("exp(%c)", [3, 5], 1, 2..<4), ("mul(%c, %c)", [3, 5], 0, 1..<3),
    ("matmul(%a, %b) {transpose_a = false, transpose_b = false}", [3, 5], 0, 1..<2),
    ("matmul(%a, %b) {transpose_a = false, transpose_b = false}", [3, 5], 1, 1..<4),
    ("matmul(%a, %c) {transpose_a = true, transpose_b = false}", [4, 5], 0, 2..<4),
    ("matmul(%a, %c) {transpose_a = true, transpose_b = false}", [4, 5], 1, 2..<4),
    ("matmul(%c, %b) {transpose_a = false, transpose_b = true}", [3, 4], 0, 0..<2),
    ("matmul(%c, %b) {transpose_a = false, transpose_b = true}", [3, 4], 1, 1..<3),
    ("matmul(%b, %a) {transpose_a = true, transpose_b = true}", [5, 3], 0, 1..<3),
    ("matmul(%b, %a) {transpose_a = true, transpose_b = true}", [5, 3], 1, 0..<1),
    ("matmul(%d, %d) {transpose_a = false, transpose_b = true}", [2, 3, 3], 0, 1..<2),
    ("reduce_sum(%d) {axes = [0], keeps_axes = false}", [3, 5], 1, 1..<3),
    ("reduce_sum(%d) {axes = [1], keeps_axes = false}", [2, 5], 0, 1..<2),
    ("reduce_max(%d) {axes = [1], keeps_axes = true}", [2, 1, 5], 2, 0..<3),
    ("broadcast(%c) {shape = [2,3,5]}", [2, 3, 5], 0, 1..<2),
    ("broadcast(%c) {shape = [2,3,5]}", [2, 3, 5], 2, 1..<4),
    ("transpose(%d) {permutation = [2,0,1]}", [5, 2, 3], 0, 1..<4),
    ("transpose(%d) {permutation = [2,0,1]}", [5, 2, 3], 2, 1..<3),
    ("reshape(%d) {shape = [6,5]}", [6, 5], 1, 1..<3),
    ("reshape(%c) {shape = [3,1,5]}", [3, 1, 5], 0, 0..<2),
    ("concat(%c, %a) {axis = 1}", [3, 9], 1, 3..<7), ("concat(%c, %a) {axis = 1}", [3, 9], 1, 5..<9),
    ("concat(%c, %a) {axis = 1}", [3, 9], 0, 1..<3),
    ("pad(%c) {low = [0,2], high = [1,3], interior = [0,0], value = 0.0}", [4, 10], 1, 1..<4),
    ("pad(%c) {low = [0,2], high = [1,3], interior = [0,0], value = 0.0}", [4, 10], 1, 3..<10),
    ("pad(%c) {low = [0,2], high = [1,3], interior = [0,0], value = 0.0}", [4, 10], 0, 2..<4),
    (convolution, [2, 2, 5, 6], 3, 2..<5),
    ("scatter_add(%i, %c) {axis = 0, size = 4}", [4, 5], 1, 1..<3),
    ("scatter_add(%i, %d) {axis = 1, size = 4}", [2, 4, 5], 0, 1..<2),
    ("scatter_add(%i, %c) {axis = 0, size = 4}", [4, 5], 0, 1..<3),
    ("scatter_add(%i, %d) {axis = 1, size = 4}", [2, 4, 5], 1, 2..<4),
    ("scatter_add(%i, %c) {axis = 0, size = 4, start = 1, whole = 6}", [4, 5], 0, 1..<3),
  ]

  @Test(arguments: rows) func slicesMoveUp(
    _ row: (y: String, shape: [Int], axis: Int, range: Range<Int>)
  ) throws {
    let shape = "[" + row.shape.map(String.init).joined(separator: ",") + "]"
    let text =
      Self.operands
        + """
        %y = \(row.y) : f64\(shape) @backward
        %z = neg(%y) : f64\(shape) @backward
        %s = \(slice("z", row.shape, row.axis, row.range))
        return %s
        """
    let result = try Compiler.narrowAdjoints(header + text)
    let graph = try parsed(result)
    let whole = TensorType(.f64, Shape(row.shape))
    #expect(!graph.nodes.contains { $0.phase == .backward && $0.types[0] == whole }, "\(result)")
    let (before, after) = (try values(text), try values(String(result.dropFirst(header.count))))
    #expect(before[0].isBitwiseEqual(to: after[0]), "\(result)")
  }

  @Test(arguments: [
    // Both halves are wanted: two products would be no smaller than one.
    ("matmul(%a, %b) {transpose_a = false, transpose_b = false}", [3, 5], "%s, %t"),
    // So is the whole.
    ("matmul(%a, %b) {transpose_a = false, transpose_b = false}", [3, 5], "%s, %y"),
    ("reshape(%c) {shape = [5,3]}", [5, 3], "%s"),
    // A row of a kernel sees all of both.
    (convolution, [2, 2, 5, 6], "%s"),
  ]) func whatIsNeededStays(_ y: String, _ shape: [Int], _ results: String) throws {
    let type = "f64[" + shape.map(String.init).joined(separator: ",") + "]"
    var lines = [
      "%y = \(y) : \(type) @backward", "%s = \(slice("y", shape, 0, 0..<2))",
      "%t = \(slice("y", shape, 0, 2..<shape[0]))",
    ]
    if !results.contains("%t") { lines.removeLast() }
    try expect(
      Compiler.narrowAdjoints,
      leaves: Self.operands + lines.joined(separator: "\n") + "\nreturn \(results)")
  }

  /// What the user computes forward is computed as written.
  @Test func forwardNodesStay() throws {
    let cut = slice("y", [3, 5], 1, 0..<2).replacing(" @backward", with: "")
    try expect(
      Compiler.narrowAdjoints,
      leaves: Self.operands
        + "%y = matmul(%a, %b) {transpose_a = false, transpose_b = false} : f64[3,5]\n%s = \(cut)\nreturn %s"
    )
  }

  /// A total becomes that of a block, a stacked output is stacked in part, and a carry that is more than a total stays.
  @Test(arguments: [("add(%total, %step)", 1), ("add(%step, %total)", 1), ("mul(%total, %step)", 0)])
  func loopsNarrow(_ next: String, _ narrowed: Int) throws {
    let text =
      Self.operands
        + """
        %scan:2 = scan(%c, %d) {carries = 1, slices = 1, captures = 0, length = 2, reversed = true, body = {
          %total = loop_input() {kind = "carry", position = 0, dtype = f64, shape = [3,5]} : f64[3,5]
          %row = loop_input() {kind = "slice", position = 0, dtype = f64, shape = [3,5]} : f64[3,5]
          %step = exp(%row) : f64[3,5] @backward
          %next = \(next) : f64[3,5] @backward
          %out = neg(%row) : f64[3,5] @backward
          return %next, %out
        }} : f64[3,5], f64[2,3,5] @backward
        %s = \(slice("scan", [3, 5], 1, 1..<3))
        %t = \(slice("scan:1", [2, 3, 5], 2, 0..<2))
        return %s, %t
        """
    let result = try Compiler.narrowAdjoints(header + text)
    let scan = try #require(try parsed(result).nodes.first { $0.op is Scan })
    let rest = narrowed == 1 ? TensorType(.f64, [3, 2]) : TensorType(.f64, [3, 5])
    #expect(scan.types == [rest, TensorType(.f64, [2, 3, 2])], "\(result)")
    for (before, after) in zip(try values(text), try values(String(result.dropFirst(header.count)))) {
      #expect(before.isBitwiseEqual(to: after), "\(result)")
    }
  }

  /// All of a value, slice by slice, is the value; and nothing less is.
  @Test func cutUpValuesAreWhole() throws {
    let only = "%c = placeholder() {dtype = f64, shape = [3,5]} : f64[3,5]\n"
    func joined(_ axis: Int, _ ranges: Range<Int>...) -> String {
      let lines = ranges.enumerated().map {
        "%s\($0) = \(slice("c", [3, 5], axis, $1).replacing(" @backward", with: ""))\n"
      }
      let extent = ranges.reduce(0) { $0 + $1.count }
      let shape = axis == 0 ? "[\(extent),5]" : "[3,\(extent)]"
      let names = ranges.indices.map { "%s\($0)" }.joined(separator: ", ")
      return only + lines.joined()
        + "%y = concat(\(names)) {axis = \(axis)} : f64\(shape)\nreturn %y"
    }
    try expect(Compiler.simplify, joined(1, 0..<2, 2..<3, 3..<5), becomes: only + "return %c")
    try expect(Compiler.simplify, joined(0, 0..<1, 1..<3), becomes: only + "return %c")
    for text in [
      joined(1, 0..<2, 3..<5), joined(1, 2..<5, 0..<2), joined(1, 0..<2, 2..<4), joined(1, 0..<3, 2..<4),
    ] {
      #expect(try Compiler.simplify(header + text).contains("concat"))
    }
  }
}
