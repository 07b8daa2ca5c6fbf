import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// Where masks and places are kept in the place of values, and where they are not.
@Suite struct KeepBitsTests {
  private let relu = """
    %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
    %w = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
    %y = relu(%x) : f32[batch,40]
    %z = exp(%y) : f32[batch,40]
    %s = reduce_sum(%z) {axes = [0,1], keeps_axes = false} : f32[]
    %zero = constant() {value = f32[](0.0)} : f32[] @backward
    %zeros = broadcast(%zero) {shape = [batch,40]} : f32[batch,40] @backward
    %at = less_equal(%y, %zeros) : bool[batch,40] @backward

    """

  /// A later part reads the value itself as well, as a trained layer behind it does: the mask is made of that.
  @Test func whatIsReadAnywayIsKept() throws {
    try expect(
      Compiler.keepBits,
      leaves: relu + """
        %g = select(%at, %zeros, %w) : f32[batch,40] @backward
        %h = mul(%g, %y) : f32[batch,40] @backward
        return %s, %h
        """)
  }

  /// What is returned is there to the end.
  @Test func whatIsReturnedIsKept() throws {
    try expect(
      Compiler.keepBits,
      leaves: relu + """
        %g = select(%at, %zeros, %w) : f32[batch,40] @backward
        return %s, %g, %y
        """)
  }

  /// Nor is anything gained where what is compared is fed.
  @Test func whatIsFedIsThereAnyway() throws {
    try expect(
      Compiler.keepBits,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
        %y = exp(%x) : f32[batch,40]
        %at = less_equal(%x, %x) : bool[batch,40] @backward
        %g = select(%at, %y, %y) : f32[batch,40] @backward
        return %y, %g
        """)
  }

  /// What a mask is made of in several steps goes with it, and of masks of masks the last one alone is kept.
  @Test func masksAreMadeOfWhatIsMade() throws {
    let graph = try parsed(
      header + relu + """
        %n = neg(%y) : f32[batch,40] @backward
        %low = less(%n, %zeros) : bool[batch,40] @backward
        %both = and(%at, %low) : bool[batch,40] @backward
        %g = select(%both, %zeros, %w) : f32[batch,40] @backward
        return %s, %g
        """)
    let (result, condensed) = graph.removingDeadNodes(keepingAssignments: true).keepingBits()
    try result.verify()
    #expect(condensed.map(\.bytes) == [Quantity("8*batch")] && condensed[0].of.map(\.name) == ["y"])
    #expect(result.nodes.count { $0.mnemonic == "pack_bits" } == 1)
  }

  /// A mask of what is no element of the value, or of one of several results, stays where it is.
  @Test func masksOfOtherValuesStay() throws {
    for made in [
      "%m = reduce_max(%y) {axes = [1], keeps_axes = true} : f32[batch,1] @backward\n"
        + "%r = broadcast(%m) {shape = [batch,40]} : f32[batch,40] @backward\n",
      "%p:2 = split(%x2) {axis = 0, sizes = [batch,batch]} : f32[batch,40], f32[batch,40] @backward\n"
        + "%r = exp(%p:1) : f32[batch,40] @backward\n",
    ] {
      let graph = try parsed(
        header + "%x2 = placeholder() {dtype = f32, shape = [2*batch,40]} : f32[2*batch,40]\n" + relu + made
          + """
          %low = less_equal(%y, %r) : bool[batch,40] @backward
          %g = select(%low, %zeros, %w) : f32[batch,40] @backward
          return %s, %g
          """
      ).removingDeadNodes(keepingAssignments: true)
      let (result, condensed) = graph.keepingBits()
      try result.verify()
      #expect(result.nodes.count { $0.mnemonic == "split" || $0.mnemonic == "reduce_max" } == 1)
      #expect(
        result.nodes.allSatisfy { $0.phase != .forward || !["split", "reduce_max"].contains($0.mnemonic) })
      #expect(condensed.isEmpty, "\(condensed)")
    }
  }

  /// A word for each element would be no less, and a named last extent has no number of words.
  @Test func whatHasNoBitsToShareIsKept() throws {
    for shape in ["[batch,1]", "[40,batch]"] {
      try expect(
        Compiler.keepBits,
        leaves: """
          %x = placeholder() {dtype = f32, shape = \(shape)} : f32\(shape)
          %y = relu(%x) : f32\(shape)
          %s = reduce_sum(%y) {axes = [0,1], keeps_axes = false} : f32[]
          %at = less_equal(%y, %y) : bool\(shape) @backward
          %g = select(%at, %x, %x) : f32\(shape) @backward
          return %s, %g
          """)
    }
  }

  /// Two masks of one value, seen through a reshape: both are bits, and the value goes.
  @Test func severalMasksOfOneValue() throws {
    let graph = try parsed(
      header + """
        %x = placeholder() {dtype = f32, shape = [batch,8,8]} : f32[batch,8,8]
        %y = tanh(%x) : f32[batch,8,8]
        %r = reshape(%y) {shape = [batch,64]} : f32[batch,64]
        %z = exp(%r) : f32[batch,64]
        %s = reduce_sum(%z) {axes = [0,1], keeps_axes = false} : f32[]
        %a = less(%r, %r) : bool[batch,64] @backward
        %b = greater(%y, %y) : bool[batch,8,8] @backward
        %g = select(%a, %r, %r) : f32[batch,64] @backward
        %h = select(%b, %x, %x) : f32[batch,8,8] @backward
        return %s, %h
        """)
    let (result, condensed) = graph.removingDeadNodes(keepingAssignments: true).keepingBits()
    try result.verify()
    // The first select is dead; with it the value itself would be read.
    #expect(condensed.map(\.name) == ["y/pack_bits"])
    #expect(condensed[0].bytes == Quantity("8*batch") && condensed[0].of.map(\.name) == ["y"])
    #expect(Cost(graph).keptBytes == Quantity("256*batch"))
    #expect(Cost(result).keptBytes == Quantity("8*batch"))
  }

  /// A pool keeps four bits a window and channel.
  @Test func poolsKeepPlaces() throws {
    let graph = try parsed(
      header + """
        %x = placeholder() {dtype = f32, shape = [batch,6,6,16]} : f32[batch,6,6,16]
        %y = tanh(%x) : f32[batch,6,6,16]
        %p = max_pool2d(%y) {size = [3,3], strides = [3,3], padding = [0,0,0,0], dilation = [1,1]} : f32[batch,2,2,16]
        %g = placeholder() {dtype = f32, shape = [batch,2,2,16]} : f32[batch,2,2,16]
        %d = max_pool2d_gradient(%y, %g) {size = [3,3], strides = [3,3], padding = [0,0,0,0], dilation = [1,1]} : f32[batch,6,6,16] @backward
        return %p, %d
        """)
    let (result, condensed) = graph.keepingBits()
    try result.verify()
    #expect(condensed.map(\.name) == ["y/max_pool2d_places"])
    #expect(Cost(graph).keptBytes == Quantity("2304*batch"))
    #expect(Cost(result).keptBytes == Quantity("32*batch"))
    #expect(result.keepingBits().graph == result)
  }

  /// A loop of ReLUs, frozen, between what is trained and a layer that is `frozen` or not.
  private func loops(
    units: Int = 40, freezing: Selection, without passes: Set<String> = []
  ) throws -> Compilation {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [20, "batch", 16])
    let low = Dense(24, name: "low")(x)
    let options = RecurrentOptions(layout: .timeMajor)
    let middle = SimpleRNN(units, activation: .relu, options: options, name: "middle").run(low).sequence
    let loss = square(Dense(3, name: "high")(middle)).mean()
    return try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing),
      pipeline: Compiler.pipeline.filter { !passes.contains($0.name) })
  }

  /// Of a frozen loop's ReLUs a bit for each step and element is kept, where the loop back alone reads them.
  @Test func loopsKeepBits() throws {
    let (less, plain) = (
      try loops(freezing: "middle | high"), try loops(freezing: "middle | high", without: ["keep-bits"])
    )
    let report = MemoryReport(less)
    #expect(report.condensed.count == 1 && report.condensed[0].name.hasSuffix("pack_bits"), "\(report)")
    // The bits of a step's 40 elements take two words.
    let bytes = { (memory: MemoryReport) in memory.keptBytes.bound(by: ["batch": 1]).value ?? 0 }
    #expect(
      bytes(MemoryReport(plain)) - bytes(report) == 20 * (4 * 40 - 8),
      "\(bytes(MemoryReport(plain))) and \(bytes(report))")
    let back = try #require(less.graph.nodes.last { $0.mnemonic == "scan" })
    #expect(back.phase == .backward && back.inputs.contains { less.graph.type(of: $0).dtype == .bool })
    #expect(!(back.op.asBodyOp?.body.nodes.contains { $0.mnemonic == "less_equal" } ?? true))
  }

  /// Before a trained layer the values are kept for its kernel; bits of one element are no less than it is.
  @Test func loopsKeepWhatIsReadAnyway() throws {
    for (units, freezing) in [(40, "middle"), (1, "middle | high")] as [(Int, Selection)] {
      let (less, plain) = (
        try loops(units: units, freezing: freezing),
        try loops(units: units, freezing: freezing, without: ["keep-bits"])
      )
      #expect(MemoryReport(less).condensed.isEmpty)
      #expect(less.graph.text == plain.graph.text)
    }
  }
}

extension Quantity {
  fileprivate init(_ text: String) { self.init(Dim(parsing: text) ?? 0) }
}
