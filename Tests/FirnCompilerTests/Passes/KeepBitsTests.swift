import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
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
        %g = select(%at, %x, %x) : f32[batch,40] @backward
        return %y, %g
        """)
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
}

extension Quantity {
  fileprivate init(_ text: String) { self.init(Dim(parsing: text) ?? 0) }
}
