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

  /// Only 3 × 3 taps of one group in `f32`, with strides and dilation of 1 and padding up to 2, have tiles; and of few
  /// channels, or small images, it is no less work.
  @Test func otherConvolutionsAreLeft() throws {
    struct Form {
      var dtype = "f32"
      var taps = 3
      var channels = 32
      var features = 32
      var groups = 1
      var strides = 1
      var dilation = 1
      var padding = 1
      var size = 20
    }
    func text(_ form: Form) -> String {
      let reach = form.dilation * (form.taps - 1) + 1
      let made = (form.size + 2 * form.padding - reach) / form.strides + 1
      func array(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: ",") }
      let kernel =
        "\(form.dtype)[" + array([form.taps, form.taps, form.channels / form.groups, form.features]) + "]"
      let shape = kernel.drop { $0 != "[" }
      return """
        variable k : \(kernel) {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
        %x = placeholder() {dtype = \(form.dtype), shape = [4,\(form.size),\(form.size),\(form.channels)]} : \
        \(form.dtype)[4,\(form.size),\(form.size),\(form.channels)]
        %k = read() {variable = "k", dtype = \(form.dtype), shape = \(shape)} : \(kernel)
        %y = conv2d(%x, %k) {strides = [\(form.strides),\(form.strides)], padding = \
        [\(array(Array(repeating: form.padding, count: 4)))], dilation = [\(form.dilation),\(form.dilation)], \
        groups = \(form.groups)} : \(form.dtype)[4,\(made),\(made),\(form.features)]
        return %y
        """
    }
    func isTransformed(_ form: Form) throws -> Bool {
      let graph = try parsed("firn 1\n" + text(form))
      var context = try CompilationContext(CompilationRequest(graph: graph, fetches: graph.outputs))
      let result = try Compiler.transformFrozen.run(graph, &context)
      try result.verify()
      return result.nodes.contains { $0.mnemonic == "winograd_convolution" }
    }
    #expect(try isTransformed(Form()) && isTransformed(Form(padding: 2)) && isTransformed(Form(padding: 0)))
    #expect(try isTransformed(Form(channels: 16, features: 16)))
    for form in [
      Form(dtype: "f64"), Form(taps: 5), Form(taps: 1, padding: 0), Form(channels: 12), Form(features: 12),
      Form(groups: 2), Form(strides: 2), Form(dilation: 2), Form(padding: 3), Form(size: 2),
    ] {
      #expect(try !isTransformed(form), "\(form)")
    }
  }

  /// What is made of what is frozen alone is computed once as it stands.
  @Test func whatIsComputedOnceIsLeft() throws {
    let own = """
      variable im : f32[4,20,22,64] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}

      """
    try expect(
      Compiler.transformFrozen,
      leaves: own + sources
        + "%im = read() {variable = \"im\", dtype = f32, shape = [4,20,22,64]} : f32[4,20,22,64]\n"
        + "%y = conv2d(%im, %k) {strides = [1,1], padding = [1,1,0,1], dilation = [1,1], groups = 1}"
        + " : f32[4,20,21,48]\nreturn %y")
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
