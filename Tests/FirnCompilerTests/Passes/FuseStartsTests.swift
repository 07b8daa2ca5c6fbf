import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import Testing

/// Which programs begin with a convolution.
@Suite struct FuseStartsTests {
  private static let inputs = """
    %x = placeholder() {dtype = f32, shape = [batch,5,6,3]} : f32[batch,5,6,3]
    %k = placeholder() {dtype = f32, shape = [3,3,3,4]} : f32[3,3,3,4]
    %b = placeholder() {dtype = f32, shape = [4]} : f32[4]
    %r = placeholder() {dtype = f32, shape = [batch,3,4,4]} : f32[batch,3,4,4]
    %y = conv2d(%x, %k) {strides = [1,1], padding = [0,0,0,0], dilation = [1,1], groups = 1} : f32[batch,3,4,4]

    """

  private func fused(_ text: String) throws -> GraphDef {
    let graph = try Compiler.fuse(header + Self.inputs + text)
    return try parsed(graph)
  }

  /// The mnemonics of what is run, and of what is in programs.
  private func steps(_ text: String) throws -> [String] {
    try fused(text).nodes.filter { !$0.inputs.isEmpty }.map { node in
      let body = node.op.asBodyOp?.body.nodes.filter { $0.op.effect != .receives } ?? []
      return ([node.mnemonic] + body.map(\.mnemonic)).joined(separator: " ")
    }
  }

  @Test func biasSumAndBoundFollowAConvolution() throws {
    try expect(
      Compiler.fuse,
      Self.inputs + """
        %rows = broadcast(%b) {shape = [batch,3,4,4]} : f32[batch,3,4,4]
        %biased = add(%y, %rows) : f32[batch,3,4,4]
        %sum = add(%biased, %r) : f32[batch,3,4,4]
        %relu = relu(%sum) : f32[batch,3,4,4]
        return %relu

        """,
      becomes: """
        %x = placeholder() {dtype = f32, shape = [batch,5,6,3]} : f32[batch,5,6,3]
        %k = placeholder() {dtype = f32, shape = [3,3,3,4]} : f32[3,3,3,4]
        %b = placeholder() {dtype = f32, shape = [4]} : f32[4]
        %r = placeholder() {dtype = f32, shape = [batch,3,4,4]} : f32[batch,3,4,4]
        %relu = fused(%x, %k, %b, %r) {domain = [batch,3,4,4], body = {
          %x = fused_input() {position = 0, dtype = f32, shape = [batch,5,6,3]} : f32[batch,5,6,3]
          %k = fused_input() {position = 1, dtype = f32, shape = [3,3,3,4]} : f32[3,3,3,4]
          %b = fused_input() {position = 2, dtype = f32, shape = [4]} : f32[4]
          %r = fused_input() {position = 3, dtype = f32, shape = [batch,3,4,4]} : f32[batch,3,4,4]
          %y = conv2d(%x, %k) {strides = [1,1], padding = [0,0,0,0], dilation = [1,1], groups = 1} : f32[batch,3,4,4]
          %rows = broadcast(%b) {shape = [batch,3,4,4]} : f32[batch,3,4,4]
          %biased = add(%y, %rows) : f32[batch,3,4,4]
          %sum = add(%biased, %r) : f32[batch,3,4,4]
          %relu = relu(%sum) : f32[batch,3,4,4]
          return %relu
        }} : f32[batch,3,4,4]
        return %relu

        """)
  }

  /// What follows may be one instruction, and what is read besides may be what the convolution reads.
  @Test func oneInstructionIsEnough() throws {
    #expect(
      try steps(
        """
        %relu = relu(%y) : f32[batch,3,4,4]
        return %relu

        """) == ["fused conv2d relu"])
    let graph = try fused(
      """
      %z = conv2d(%r, %m) {strides = [1,1], padding = [1,1,1,1], dilation = [1,1], groups = 1} : f32[batch,3,4,4]
      %sum = add(%z, %r) : f32[batch,3,4,4]
      return %sum, %y

      """, more: "%m = placeholder() {dtype = f32, shape = [3,3,4,4]} : f32[3,3,4,4]\n")
    let node = try #require(graph.nodes.first { $0.mnemonic == "fused" })
    #expect(node.inputs.map { graph.name(of: $0) } == ["r", "m"])
  }

  private func fused(_ text: String, more: String) throws -> GraphDef {
    try parsed(try Compiler.fuse(header + Self.inputs + more + text))
  }

  /// A product whose right operand is packed makes whole rows; one that packs while it reads does not.
  @Test func packedProductsAreFollowed() throws {
    let inputs = """
      %a = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
      %p = placeholder() {dtype = f32, shape = [1,3,32]} : f32[1,3,32]
      %w = placeholder() {dtype = f32, shape = [3,4]} : f32[3,4]

      """
    func steps(_ product: String) throws -> [String] {
      try parsed(
        try Compiler.fuse(header + inputs + product + "%tanh = tanh(%m) : f32[batch,4]\nreturn %tanh\n")
      ).nodes
        .filter { !$0.inputs.isEmpty }.map { node in
          let body = node.op.asBodyOp?.body.nodes.filter { $0.op.effect != .receives } ?? []
          return ([node.mnemonic] + body.map(\.mnemonic)).joined(separator: " ")
        }
    }
    #expect(
      try steps("%m = matmul_packed(%a, %p) {transpose_a = false, columns = 4} : f32[batch,4]\n")
        == ["fused matmul_packed tanh"])
    #expect(
      try steps("%m = matmul(%a, %w) {transpose_a = false, transpose_b = false} : f32[batch,4]\n")
        == ["matmul", "tanh"])
  }

  /// What is done to all that a product makes stays with it where parts are read apart, as the gates of a cell are; where
  /// no program begins with what makes it, parts are made where they are read.
  @Test func whatPartsAreReadOfStaysWithTheProduct() throws {
    let inputs = """
      %a = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
      %p = placeholder() {dtype = f32, shape = [2,3,32]} : f32[2,3,32]
      %w = placeholder() {dtype = f32, shape = [3,40]} : f32[3,40]
      %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
      %b = placeholder() {dtype = f32, shape = [40]} : f32[40]

      """
    let gates = """
      %sum = add(%x, %m) : f32[batch,40]
      %rows = broadcast(%b) {shape = [batch,40]} : f32[batch,40]
      %biased = add(%sum, %rows) : f32[batch,40]
      %gate:2 = split(%biased) {axis = 1, sizes = [20,20]} : f32[batch,20], f32[batch,20]
      %tanh = tanh(%gate) : f32[batch,20]
      %sigmoid = sigmoid(%gate:1) : f32[batch,20]
      %mul = mul(%tanh, %sigmoid) : f32[batch,20]
      return %mul

      """
    func steps(_ product: String) throws -> [String] {
      try parsed(try Compiler.fuse(header + inputs + product + gates)).nodes.filter { !$0.inputs.isEmpty }
        .map { node in
          let body = node.op.asBodyOp?.body.nodes.filter { $0.op.effect != .receives } ?? []
          return ([node.mnemonic] + body.map(\.mnemonic)).joined(separator: " ")
        }
    }
    #expect(
      try steps("%m = matmul_packed(%a, %p) {transpose_a = false, columns = 40} : f32[batch,40]\n")
        == ["fused matmul_packed add broadcast add", "fused split tanh sigmoid mul"])
    let others = try steps("%m = matmul(%a, %w) {transpose_a = false, transpose_b = false} : f32[batch,40]\n")
    #expect(others.count == 2 && others[0] == "matmul", "\(others)")
    #expect(others.last?.contains("add") == true && others.last?.contains("tanh") == true, "\(others)")
  }

  /// Of two the last one: the other's operands need not be kept for it.
  @Test func ofTwoItIsTheLast() throws {
    let steps = try steps(
      """
      %z = conv2d(%x, %k) {strides = [1,1], padding = [1,0,1,0], dilation = [2,2], groups = 1} : f32[batch,2,3,4]
      %s = slice(%r) {starts = [0,0,0,0], limits = [batch,2,3,4], steps = [1,1,1,1]} : f32[batch,2,3,4]
      %w = conv2d(%x, %k) {strides = [1,1], padding = [0,1,0,1], dilation = [2,2], groups = 1} : f32[batch,2,3,4]
      %sum = add(%z, %w) : f32[batch,2,3,4]
      %more = add(%sum, %s) : f32[batch,2,3,4]
      return %more

      """)
    #expect(
      steps == ["conv2d", "fused conv2d slice add add"] || steps == ["conv2d", "fused conv2d add slice add"])
  }

  /// What something else reads, too, what is asked for, and what is read by its elements elsewhere stays by itself.
  @Test func whatIsReadElsewhereStays() throws {
    #expect(
      try steps(
        """
        %relu = relu(%y) : f32[batch,3,4,4]
        return %relu, %y

        """) == ["conv2d", "relu"])
    #expect(
      try steps(
        """
        %relu = relu(%y) : f32[batch,3,4,4]
        %mean = reduce_mean(%y) {axes = [0], keeps_axes = false} : f32[3,4,4]
        return %relu, %mean

        """) == ["conv2d", "relu", "reduce_mean"])
    #expect(
      try steps(
        """
        %less = less(%y, %r) : bool[batch,3,4,4]
        return %less

        """) == ["conv2d", "less"])
    #expect(
      try steps(
        """
        %exp = exp(%y) : f32[batch,3,4,4] @backward
        return %exp

        """) == ["conv2d", "exp"])
  }

  /// The nodes of such a program are found again by name, and differentiated.
  @Test func programsAreTakenApart() throws {
    let text = """
      %rows = broadcast(%b) {shape = [batch,3,4,4]} : f32[batch,3,4,4]
      %biased = add(%y, %rows) : f32[batch,3,4,4]
      %relu = relu(%biased) : f32[batch,3,4,4]
      return %relu, %r

      """
    let graph = try fused(text)
    #expect(graph.nodes.map(\.mnemonic).suffix(1) == ["fused"])
    let plain = try parsed(header + Self.inputs + text)
    #expect(graph.unfused.text == plain.text)
  }
}
