import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What a request becomes: the adjoints it needs and no others.
@Suite struct ExpandGradientsTests {
  private let x = "%x = placeholder() {dtype = f64, shape = []} : f64[]\n"

  private func request(
    _ source: String, _ targets: [String], name: String = "g", stops: [String] = [], seed: String? = nil,
    unconnected: String = "error", types: [String]? = nil
  ) -> String {
    let operands = ([source] + [seed].compactMap { $0 } + targets + stops).map { "%" + $0 }.joined(
      separator: ", ")
    let types = (types ?? targets.map { _ in "f64[]" }).joined(separator: ", ")
    return
      "%\(name)\(targets.count == 1 ? "" : ":\(targets.count)") = gradients(\(operands)) {seeded = [\(seed != nil)], targets = \(targets.count), stops = \(stops.count), unconnected = \"\(unconnected)\"} : \(types)\n"
  }

  private func expand(_ text: String, freezing: String? = nil) throws -> GraphDef {
    try parsed(Compiler.expandGradients(header + text, freezing: freezing))
  }

  private func error(_ text: String, freezing: String? = nil) -> FirnError? {
    #expect(throws: FirnError.self) { try expand(text, freezing: freezing) }
  }

  private func mnemonics(_ graph: GraphDef, _ phase: Node.Phase = .backward) -> [String] {
    graph.nodes.filter { $0.phase == phase }.map(\.mnemonic)
  }

  @Test func graphsWithoutRequestsAreLeft() throws {
    try expect(Compiler.expandGradients, leaves: x + "%a = exp(%x) : f64[]\nreturn %a")
  }

  @Test func termsOfSeveralReadersAdd() throws {
    let graph = try expand(
      x + "%a = exp(%x) : f64[]\n%b = sin(%x) : f64[]\n%c = add(%a, %b) : f64[]\n" + request("c", ["x"])
        + "return %g")
    #expect(mnemonics(graph) == ["constant", "cos", "mul", "mul", "add"])
    #expect(graph.nodes.last?.name == "g/a/add")
  }

  /// Nothing is built for operands that are no targets, nor for values off the path.
  @Test func onlyWantedAdjointsAreBuilt() throws {
    let graph = try expand(
      """
      \(x)%y = placeholder() {dtype = f64, shape = []} : f64[]
      %a = mul(%x, %y) : f64[]
      %off = exp(%a) : f64[]
      %b = neg(%a) : f64[]
      \(request("b", ["x"]))return %g, %off
      """)
    #expect(mnemonics(graph) == ["constant", "neg", "mul"])
  }

  @Test func seedsTakeThePlaceOfOnes() throws {
    let graph = try expand(
      x + "%y = exp(%x) : f64[]\n%s = sin(%x) : f64[]\n" + request("y", ["x"], seed: "s") + "return %g")
    #expect(mnemonics(graph) == ["mul"])
    #expect(graph.nodes.last?.inputs.contains(Value(2)) == true)
  }

  @Test func targetsCanBeSources() throws {
    let graph = try expand(x + request("x", ["x"]) + "return %g")
    #expect(mnemonics(graph) == ["constant"])
  }

  @Test func stoppedValuesPassNothingOn() throws {
    let text = x + "%a = exp(%x) : f64[]\n%b = mul(%a, %x) : f64[]\n"
    let graph = try expand(text + request("b", ["x"], stops: ["a"]) + "return %g")
    #expect(mnemonics(graph) == ["constant", "mul"])
    let cut = error(text + "%c = exp(%a) : f64[]\n" + request("c", ["x"], stops: ["a"]) + "return %g")
    #expect(cut?.message.contains("every path is cut by `stopping: a`") == true)
  }

  /// The result of one request is differentiated by another.
  @Test func innerRequestsComeFirst() throws {
    let graph = try expand(
      x + "%y = sin(%x) : f64[]\n" + request("y", ["x"]) + request("g", ["x"], name: "h") + "return %h")
    #expect(!graph.nodes.contains { $0.op is Gradients })
    #expect(graph.nodes.contains { $0.name.hasPrefix("h/g/y/cos") })
  }

  // MARK: No path

  private let frozen = """
    variable w : f64[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %w = read() {variable = "w", dtype = f64, shape = []} : f64[]

    """

  @Test(arguments: [
    ("%a = stop_gradient(%x) : f64[]\n", "every path is cut by stop_gradient `a`"),
    (
      "%i = cast(%x) {dtype = i32} : i32[]\n%a = cast(%i) {dtype = f64} : f64[]\n",
      "every path is cut by cast `i`"
    ),
    ("%a = constant() {value = f64[](1.0)} : f64[]\n", "`y` does not depend on it"),
  ]) func missingPathsAreNamed(_ text: String, _ reason: String) throws {
    let fault = error(x + text + "%y = exp(%a) : f64[]\n" + request("y", ["x"]) + "return %g")
    #expect(fault?.code == .noGradient && fault?.place == "g")
    #expect(fault?.message.contains(reason) == true, "\(String(describing: fault))")
  }

  @Test func frozenTargetsHaveNoGradient() throws {
    let text = frozen + "%y = exp(%w) : f64[]\n"
    #expect(try mnemonics(expand(text + request("y", ["w"]) + "return %g")) == ["constant", "mul"])
    let fault = error(text + request("y", ["w"]) + "return %g", freezing: "w")
    #expect(fault?.message == "no gradient reaches `w`: it is frozen by `freezing: w`")
    let zero = try expand(text + request("y", ["w"], unconnected: "zero") + "return %g", freezing: "w")
    #expect(mnemonics(zero).last == "constant" && !mnemonics(zero).contains("mul"))
    let graph = try parsed(header + text + request("y", ["w"], unconnected: "none") + "return %g, %y")
    let compilation = try Compiler.compile(
      CompilationRequest(graph: graph, fetches: graph.outputs, freezing: Selection("w")))
    #expect(compilation.fetchOutputs == [nil, 0])
    #expect(mnemonics(compilation.graph).isEmpty)
  }

  @Test func absentGradientsCannotBeUsed() throws {
    let fault = error(
      frozen + "%y = exp(%w) : f64[]\n" + request("y", ["w"], unconnected: "none")
        + "%z = neg(%g) : f64[]\nreturn %z",
      freezing: "w")
    #expect(fault?.code == .noGradient && fault?.message.contains("`z`") == true)
  }

  /// Zero is a derivative: flat functions need no `unconnected:`.
  @Test func flatFunctionsHaveZeroGradients() throws {
    let graph = try expand(x + "%y = floor(%x) : f64[]\n" + request("y", ["x"]) + "return %g")
    #expect(graph.outputs.count == 1 && !mnemonics(graph).contains("mul"))
  }

  // MARK: Loops

  /// h' = tanh(h·u + x·w): a cell small enough to count.
  private func cell(_ targets: [String]) -> String {
    """
    variable u : f64[3,3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    variable w : f64[2,3] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %u = read() {variable = "u", dtype = f64, shape = [3,3]} : f64[3,3]
    %w = read() {variable = "w", dtype = f64, shape = [2,3]} : f64[2,3]
    %x = placeholder() {dtype = f64, shape = [time,4,2]} : f64[time,4,2]
    %h = placeholder() {dtype = f64, shape = [4,3]} : f64[4,3]
    %scan = scan(%h, %x, %u, %w) {carries = 1, slices = 1, captures = 2, length = time, reversed = false, body = {
      %h = loop_input() {kind = "carry", position = 0, dtype = f64, shape = [4,3]} : f64[4,3]
      %x = loop_input() {kind = "slice", position = 0, dtype = f64, shape = [4,2]} : f64[4,2]
      %u = loop_input() {kind = "capture", position = 0, dtype = f64, shape = [3,3]} : f64[3,3]
      %w = loop_input() {kind = "capture", position = 1, dtype = f64, shape = [2,3]} : f64[2,3]
      %hu = matmul(%h, %u) {transpose_a = false, transpose_b = false} : f64[4,3]
      %xw = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f64[4,3]
      %sum = add(%hu, %xw) : f64[4,3]
      %next = tanh(%sum) : f64[4,3]
      return %next
    }} : f64[4,3]
    %loss = reduce_sum(%scan) {axes = [0,1], keeps_axes = false} : f64[]
    \(request("loss", targets, types: targets.map { $0 == "u" ? "f64[3,3]" : $0 == "w" ? "f64[2,3]" : $0 == "h" ? "f64[4,3]" : "f64[time,4,2]" }))
    """ + "return " + targets.indices.map { $0 == 0 ? "%g" : "%g:\($0)" }.joined(separator: ", ")
  }

  private func scans(_ graph: GraphDef) -> [Scan] { graph.nodes.compactMap { $0.op as? Scan } }

  private func products(_ scan: Scan) -> Int { scan.body.nodes.count { $0.op is MatMul } }

  /// One product for each wanted operand of a product, and one for the carry; residuals only of what is read.
  @Test(arguments: [
    (["u", "w"], 3, 2), (["u"], 2, 2), (["w"], 2, 1), (["x"], 2, 1), (["h"], 1, 1),
    (["u", "w", "x", "h"], 4, 2),
  ]) func backwardLoopsDoWhatIsWanted(_ targets: [String], _ expected: Int, _ residuals: Int) throws {
    let scans = scans(try expand(cell(targets)))
    #expect(scans.count == 2)
    #expect(scans[1].isReversed)
    #expect(products(scans[0]) == 2)
    #expect(products(scans[1]) == expected, "\(targets)")
    // The carry and what tanh gave: stacked for the loop back, no more.
    #expect(scans[0].outputs == residuals, "\(targets)")
    #expect(scans[1].carries == 1 + targets.count { $0 == "u" || $0 == "w" })
  }

  /// Rule 5 of the product: a frozen weight that a loop captures has no product of its own on the way back.
  @Test(arguments: [("w", 2), ("u", 2)]) func frozenCapturesCostNothing(_ frozen: String, _ expected: Int)
    throws
  {
    let graph = try parsed(header + cell(["u"]))
    let loss = try #require(graph.index(ofNodeNamed: "loss"))
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph, fetches: [], training: .init(loss: Value(loss), optimizer: SGD(learningRate: 1)),
        freezing: Selection(frozen)))
    // The carry's product stays in the loop, the trained one's gradient is taken after it.
    let back = try #require(scans(compilation.graph).last)
    let around = compilation.graph.nodes.count { $0.phase == .backward && $0.op is MatMul }
    #expect(products(back) + around == expected)
    #expect(products(back) == 1 && back.carries == 1)
  }

  /// A residual that is an output of the loop already is not stacked twice.
  @Test func outputsServeAsResiduals() throws {
    let text = cell(["w"]).replacing("return %next", with: "return %next, %next")
      .replacing("%scan = scan", with: "%scan:2 = scan").replacing(
        "}} : f64[4,3]\n", with: "}} : f64[4,3], f64[time,4,3]\n")
    let scans = scans(try expand(text))
    #expect(scans[0].outputs == 1)
  }
}
