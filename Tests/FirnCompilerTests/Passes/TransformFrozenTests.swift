import FirnCompiler
import FirnGraph
import FirnNotation
import FirnTestSupport
import FirnOps
import FirnTraining
import Testing

/// Frozen kernels of convolutions are transformed where that gains, and nothing else is.
@Suite struct TransformFrozenTests {
  /// `k` and `s` are frozen, `free` is trained; images are `x`, gradients `g`.
  private let sources = """
    variable k : f32[3,3,64,48] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
    variable s : f32[3,3,64,48] {kind = "state", role = "", trainable = false, initializer = ["constant", 1.0]}
    variable free : f32[3,3,64,48] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %x = placeholder() {dtype = f32, shape = [batch,20,22,64]} : f32[batch,20,22,64]
    %g = placeholder() {dtype = f32, shape = [batch,20,21,48]} : f32[batch,20,21,48]
    %k = read() {variable = "k", dtype = f32, shape = [3,3,64,48]} : f32[3,3,64,48]
    %s = read() {variable = "s", dtype = f32, shape = [3,3,64,48]} : f32[3,3,64,48]
    %free = read() {variable = "free", dtype = f32, shape = [3,3,64,48]} : f32[3,3,64,48]

    """

  private func convolution(_ name: String, _ x: String = "x", _ kernel: String) -> String {
    "%\(name) = conv2d(%\(x), %\(kernel)) {strides = [1,1], padding = [1,1,0,1], dilation = [1,1], groups = 1}"
      + " : f32[batch,20,21,48]\n"
  }

  private func adjoint(_ name: String, _ kernel: String) -> String {
    "%\(name) = conv2d_input_gradient(%g, %\(kernel)) {strides = [1,1], padding = [1,1,0,1], dilation = [1,1], "
      + "groups = 1, size = [20,22]} : f32[batch,20,22,64]\n"
  }

  private func transformed(_ name: String, _ transform: String) -> String {
    "%\(name) = winograd_convolution(%x, %\(transform)) {tile = 2, padding = [1,1,0,1], features = 48}"
      + " : f32[batch,20,21,48]\n"
  }

  private func kernel(_ name: String, of kernel: String) -> String {
    "%\(name) = winograd_kernel(%\(kernel)) {tile = 2, turned = false} : f32[16,2,64,32]\n"
  }

  /// Two convolutions and a gradient by one kernel take two transforms.
  @Test func aKernelIsTransformedOnceEachWay() throws {
    try expect(
      Compiler.transformFrozen,
      sources + convolution("y", "x", "k") + convolution("z", "x", "k") + adjoint("dx", "k")
        + "return %y, %z, %dx",
      becomes: sources + kernel("y/winograd_kernel", of: "k") + transformed("y", "y/winograd_kernel")
        + transformed("z", "y/winograd_kernel")
        + "%dx/winograd_kernel = winograd_kernel(%k) {tile = 2, turned = true} : f32[16,2,48,32]\n"
        + "%dx = winograd_convolution(%g, %dx/winograd_kernel) {tile = 2, padding = [1,1,2,1], features = 64}"
        + " : f32[batch,20,22,64]\nreturn %y, %z, %dx")
  }

  /// What is made of a frozen kernel, and of state that stays, is as frozen.
  @Test func whatIsMadeOfFrozenKernelsIsTransformed() throws {
    let made = "%made = mul(%k, %s) : f32[3,3,64,48]\n"
    try expect(
      Compiler.transformFrozen, sources + made + convolution("y", "x", "made") + "return %y",
      becomes: sources + made + kernel("y/winograd_kernel", of: "made")
        + transformed("y", "y/winograd_kernel")
        + "return %y")
  }

  @Test func whatMayChangeIsLeft() throws {
    let mixed = "%mixed = mul(%k, %free) : f32[3,3,64,48]\n"
    for text in [
      convolution("y", "x", "free"), convolution("y", "x", "s"), mixed + convolution("y", "x", "mixed"),
      adjoint("y", "free"),
      "%y = conv2d_kernel_gradient(%x, %g) {strides = [1,1], padding = [1,1,0,1], dilation = [1,1], groups = 1, "
        + "size = [3,3]} : f32[3,3,64,48]\n",
      "%y = conv2d(%x, %k) {strides = [2,2], padding = [1,1,0,1], dilation = [1,1], groups = 1}"
        + " : f32[batch,10,11,48]\n",
    ] {
      try expect(Compiler.transformFrozen, leaves: sources + text + "return %y")
    }
  }

  /// A state that the step writes is none that stays.
  @Test func aKernelOfMovingStateIsLeft() throws {
    let made = "%made = mul(%k, %s) : f32[3,3,64,48]\n"
    try expect(
      Compiler.transformFrozen,
      leaves: sources + made + convolution("y", "x", "made")
        + "%write = assign(%made) {variable = \"s\"} : f32[3,3,64,48] @update\nreturn %y, %write")
  }

  /// Nothing is done where nothing is frozen by name, nor where it is not wanted; larger tiles are by request.
  @Test func tilesAreAsRequested() throws {
    let text = header + sources + convolution("y", "x", "k") + "return %y"
    func compiled(_ tile: WinogradTile?, freezing: Selection? = nil, thawing: Selection? = nil) throws
      -> (kinds: [String], hasKernel: Bool, transforms: [FrozenTransform])
    {
      let graph = try parsed(text)
      var request = CompilationRequest(
        graph: graph, fetches: graph.outputs, freezing: freezing, thawing: thawing)
      request.winogradTile = tile
      let compilation = try Compiler.compile(request)
      let report = FrozenReport(compilation)
      return (
        compilation.graph.unfused.nodes.map(\.mnemonic).filter { $0.contains("conv") },
        compilation.bound.nodes.contains { $0.mnemonic == "winograd_kernel" }, report.transforms
      )
    }
    let two = try compiled(.two)
    #expect(two.kinds == ["winograd_convolution"] && two.hasKernel)
    #expect(two.transforms.map(\.name) == ["y"] && two.transforms.map(\.kind) == ["winograd 2×2"])
    #expect(two.transforms[0].error == nil)
    #expect(two.transforms[0].before.description == "\(20 * 21 * 48 * 64 * 18)*batch")
    let saved = two.transforms[0].saved.bound(by: ["batch": 1]).value ?? 0
    #expect(saved > 20 * 21 * 48 * 64 * 8 && saved < 20 * 21 * 48 * 64 * 10)
    let four = try compiled(.four)
    #expect(four.transforms.map(\.kind) == ["winograd 4×4"])
    let error = try #require(four.transforms[0].error)
    #expect(error > 1e-7 && error < 2e-5)
    let (none, thawed) = (try compiled(nil), try compiled(.two, thawing: "k"))
    #expect(none.kinds == ["conv2d_packed"] && none.transforms.isEmpty)
    #expect(thawed.kinds == ["conv2d_packed"] && thawed.transforms.isEmpty)
    let all = try compiled(.two, freezing: "**")
    #expect(all.kinds == ["winograd_convolution"])
  }
}
