import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What becomes one program, and what does not.
@Suite struct FuseTests {
  private static let inputs = """
    %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
    %y = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
    %w = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]

    """

  /// The names of the nodes in each program of a graph, loops included.
  private func programs(_ graph: GraphDef) -> [[String]] {
    graph.nodes.flatMap { node -> [[String]] in
      guard let body = node.op.asBodyOp?.body else { return [] }
      if node.mnemonic != "fused" { return programs(body) }
      return [body.nodes.filter { $0.op.effect != .receives }.map(\.name)]
    }
  }

  private func programs(_ text: String) throws -> [[String]] {
    programs(try parsed(try Compiler.fuse(header + Self.inputs + text)))
  }

  @Test func oneNodeStaysWhatItIs() throws {
    try expect(
      Compiler.fuse,
      leaves: Self.inputs + """
        %add = add(%x, %y) : f32[batch,3]
        %matmul = matmul(%add, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
        return %matmul

        """)
  }

  /// `c` reads `a` and, through a product, `a` again: in one program with `a` it would wait for itself.
  @Test func nothingWaitsForItself() throws {
    let programs = try programs(
      """
      %a = tanh(%x) : f32[batch,3]
      %b = exp(%a) : f32[batch,3]
      %matmul = matmul(%a, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
      %c = add(%b, %matmul) : f32[batch,3]
      %d = tanh(%c) : f32[batch,3]
      return %d

      """)
    #expect(programs == [["a", "b"], ["c", "d"]])
  }

  /// What comes of a program by a broadcast is another's.
  @Test func nothingIsComputedAgainForEachRow() throws {
    let programs = try programs(
      """
      %row = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %exp = exp(%row) : f32[3]
      %tanh = tanh(%exp) : f32[3]
      %broadcast = broadcast(%tanh) {shape = [batch,3]} : f32[batch,3]
      %mul = mul(%x, %broadcast) : f32[batch,3]
      %add = add(%mul, %y) : f32[batch,3]
      return %add

      """)
    #expect(programs == [["exp", "tanh"], ["broadcast", "mul", "add"]])
  }

  @Test func partsOfAStepStayApart() throws {
    let programs = try programs(
      """
      %a = tanh(%x) : f32[batch,3]
      %b = exp(%a) : f32[batch,3]
      %c = mul(%b, %y) : f32[batch,3] @backward
      %d = neg(%c) : f32[batch,3] @backward
      return %b, %d

      """)
    #expect(programs == [["a", "b"], ["c", "d"]])
  }

  /// Two products would both have to wait for the third.
  @Test func aSumOfManyProductsIsAddedUpAsTheyCome() throws {
    let product = "{transpose_a = false, transpose_b = false} : f32[batch,3]"
    let programs = try programs(
      """
      %p = matmul(%x, %w) \(product)
      %q = matmul(%y, %w) \(product)
      %s = add(%p, %q) : f32[batch,3]
      %r = matmul(%s, %w) \(product)
      %t = matmul(%r, %w) \(product)
      %u = matmul(%t, %w) \(product)
      %v = add(%r, %t) : f32[batch,3]
      %a = matmul(%u, %w) \(product)
      %b = add(%v, %a) : f32[batch,3]
      return %b

      """)
    #expect(programs == [])
  }

  /// `a` ends two products and leaves one value: what is large in between, it must not wait for.
  @Test(arguments: [
    ("%m = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]", [["a", "b"]]),
    ("%m = reshape(%y) {shape = [batch,3]} : f32[batch,3]", [["a", "b"]]),
    ("%m = matmul(%y, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]", []),
  ])
  func whatIsHeavyIsNotWaitedFor(_ between: String, _ expected: [[String]]) throws {
    let programs = try programs(
      """
      %p = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
      %q = matmul(%y, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
      %a = add(%p, %q) : f32[batch,3]
      \(between)
      %b = add(%a, %m) : f32[batch,3]
      return %b

      """)
    #expect(programs == expected)
  }

  /// Programs go through eight axes at most.
  @Test(arguments: [(8, 1), (9, 0)]) func axesAreLimited(_ rank: Int, _ count: Int) throws {
    let graph = Graph()
    let value = sin(tanh(graph.placeholder("x", shape: Shape(Array(repeating: 2, count: rank)))))
    var definition = graph.definition
    definition.outputs = [value.value]
    #expect(programs(definition.fused()).count == count)
  }

  /// Reading one thing is reason enough, as gates of a cell do.
  @Test func whatReadsTheSameIsOneProgram() throws {
    let programs = try programs(
      """
      %a = tanh(%x) : f32[batch,3]
      %b = sigmoid(%x) : f32[batch,3]
      %p = matmul(%a, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
      %q = matmul(%b, %w) {transpose_a = false, transpose_b = false} : f32[batch,3]
      return %p, %q

      """)
    #expect(programs == [["a", "b"]])
  }

  @Test func conditionsAndCastsAreInstructions() throws {
    let programs = try programs(
      """
      %less = less(%x, %y) : bool[batch,3]
      %not = not(%less) : bool[batch,3]
      %cast = cast(%not) {dtype = f32} : f32[batch,3]
      %select = select(%less, %cast, %y) : f32[batch,3]
      return %select

      """)
    #expect(programs == [["less", "not", "cast", "select"]])
  }

  /// A loop's program reads the bias itself.
  @Test func loopsCaptureWhatIsBroadcast() throws {
    let text = try Compiler.fuse(
      header + Self.inputs + """
        %z = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
        %row = placeholder() {dtype = f32, shape = [3]} : f32[3]
        %bias = broadcast(%row) {shape = [batch,3]} : f32[batch,3]
        %loop = scan(%x, %z, %bias) {carries = 1, slices = 1, captures = 1, length = time, reversed = false, body = {
          %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
          %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
          %bias = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
          %add = add(%state, %step) : f32[batch,3]
          %add_1 = add(%add, %bias) : f32[batch,3]
          return %add_1
        }} : f32[batch,3]
        return %loop

        """)
    let graph = try parsed(text)
    let loop = try #require(graph.nodes.first { $0.mnemonic == "scan" })
    #expect(loop.inputs.map { graph.name(of: $0) } == ["x", "z", "row"])
    #expect(graph.index(ofNodeNamed: "bias") == nil)
    #expect(programs(graph) == [["add", "bias", "add_1"]])
  }

  /// A capture stays what it is where a product reads it, where the body returns it, and where it is part of something.
  @Test(arguments: [
    ("%add_1 = add(%add, %bias)", "%add_1 = matmul(%add, %bias) {transpose_a = false, transpose_b = false}"),
    ("return %add_1", "return %bias"),
    (
      "%row = placeholder() {dtype = f32, shape = [3]} : f32[3]",
      "%row = placeholder() {dtype = f32, shape = [6,3]} : f32[6,3]"
    ),
    ("", ""),
  ])
  func loopsCaptureTheRest(_ part: String, _ other: String) throws {
    var text =
      header + """
        %x = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]
        %z = placeholder() {dtype = f32, shape = [5,3,3]} : f32[5,3,3]
        %row = placeholder() {dtype = f32, shape = [3]} : f32[3]
        %bias = broadcast(%row) {shape = [3,3]} : f32[3,3]
        %loop = scan(%x, %z, %bias) {carries = 1, slices = 1, captures = 1, length = 5, reversed = false, body = {
          %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]
          %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]
          %bias = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]
          %add = add(%state, %step) : f32[3,3]
          %add_1 = add(%add, %bias) : f32[3,3]
          return %add_1
        }} : f32[3,3]
        return %loop

        """
    if !part.isEmpty {
      #expect(text.contains(part))
      text.replace(part, with: other)
    }
    // Part of something is no repetition of it.
    if other.contains("[6,3]") {
      text.replace(
        "broadcast(%row) {shape = [3,3]}", with: "slice(%row) {starts = [2,0], limits = [5,3], steps = [1,1]}"
      )
    }
    let graph = try parsed(try Compiler.fuse(text))
    let loop = try #require(graph.nodes.first { $0.mnemonic == "scan" })
    // What nothing reads is no operand.
    #expect(loop.inputs.last.map { graph.name(of: $0) } == (part.isEmpty ? "row" : "bias"))
  }

  /// What a program is made of is what stood there: taken apart again, the graph is the same but for the order of nodes.
  @Test func takenApartItIsWhatItWas() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6, 5])
    let loss = square(LSTM(8, name: "net")(x)).mean()
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()))
    let fused = try Compiler.compile(request)
    let plain = try Compiler.compile(request, pipeline: Compiler.pipeline.filter { $0.name != "fuse" })
    func names(_ graph: GraphDef) -> Set<String> {
      var all: Set<String> = []
      for node in graph.nodes {
        all.insert(node.name)
        guard let body = node.op.asBodyOp?.body else { continue }
        for inner in names(body) { all.insert(node.name + ":" + inner) }
      }
      return all
    }
    let apart = names(fused.graph.unfused)
    for name in names(plain.graph) where !name.contains("broadcast") {
      #expect(apart.contains(name), "\(name)")
    }
  }

  // MARK: Text

  private static let program = """
    %x = placeholder() {dtype = f32, shape = [batch,4]} : f32[batch,4]
    %p = fused(%x) {domain = [batch,4], body = {
      %x = fused_input() {position = 0, dtype = f32, shape = [batch,4]} : f32[batch,4]
      %tanh = tanh(%x) : f32[batch,4]
      %mul = mul(%tanh, %x) : f32[batch,4]
      return %mul
    }} : f32[batch,4]
    return %p

    """

  @Test func programsReadBack() throws {
    let text = header + "\n" + Self.program
    #expect(try GraphDef(parsing: text, catalogue: .standard).text == text)
  }

  @Test(arguments: [
    ("fused_input() {position = 0", "fused_input() {position = 1", "input 0 is missing"),
    (
      "dtype = f32, shape = [batch,4]} : f32[batch,4]\n  %tanh",
      "dtype = f32, shape = [batch,5]} : f32[batch,5]\n  %tanh", "gives f32[batch,5] here"
    ),
    (
      "placeholder() {dtype = f32, shape = [batch,4]} : f32[batch,4]",
      "placeholder() {dtype = f32, shape = [batch,5]} : f32[batch,5]",
      "is f32[batch,4] in the program but f32[batch,5] outside"
    ),
    ("mul(%tanh, %x)", "softmax(%tanh)", "`softmax` is run by itself"),
    ("domain = [batch,4]", "domain = [batch,3]", "not made of pieces [batch,3]"),
    ("domain = [batch,4]", "domain = [batch,0]", "not made of pieces [batch,0]"),
    ("domain = [batch,4]", "domain = [4]", "not made of pieces [4]"),
    ("domain = [batch,4]", "domain = [1,1,1,1,1,1,1,batch,4]", "9 axes"),
    ("  return %mul\n", "", "returns nothing"),
    ("fused(%x)", "fused(%x, %x)", "takes 1 operands, not 2"),
    ("domain = [batch,4], ", "", "`domain` is missing"),
  ])
  func malformedProgramsAreRefused(_ part: String, _ other: String, _ message: String) throws {
    let text = header + "\n" + Self.program.replacing(part, with: other)
    #expect(text != header + "\n" + Self.program)
    do {
      _ = try GraphDef(parsing: text, catalogue: .standard)
      Issue.record("\(other) is read")
    } catch {
      #expect(error.description.contains(message), "\(error)")
    }
  }

  /// C4 and C5, met and one beyond: a piece lies in one operand, and neither nodes nor instructions are without end.
  ///
  /// The program puts columns together and has so many functions of them.
  @Test(
    arguments: [
      (2, "[2,2]", 0, nil), (2, "[2,1]", 0, nil), (1, "[2,1]", 0, nil),
      (1, "[2,2]", 0, "a piece [2,2] lies across operands of `both`"),
      (2, "[2,4]", 0, "a piece [2,4] lies across"),
      (2, "[1,2]", 0, "not made of pieces [1,2]"),
      (2, "[2,2]", 1021, nil), (2, "[2,2]", 1022, "has 1025 nodes"),
      (1, "[2,3]", 0, "not made of pieces [2,3]"),
    ] as [(Int, String, Int, String?)])
  func programsHaveLimits(_ columns: Int, _ domain: String, _ length: Int, _ says: String?) throws {
    let (left, right) = ("[2,\(columns)]", "[2,\(4 - columns)]")
    var text = header + "\n"
    for (name, shape) in [("x", left), ("y", right)] {
      text += "%\(name) = placeholder() {dtype = f32, shape = \(shape)} : f32\(shape)\n"
    }
    text += "%p = fused(%x, %y) {domain = \(domain), body = {\n"
    for (position, (name, shape)) in [("x", left), ("y", right)].enumerated() {
      text +=
        "%\(name) = fused_input() {position = \(position), dtype = f32, shape = \(shape)} : f32\(shape)\n"
    }
    text += "%both = concat(%x, %y) {axis = 1} : f32[2,4]\n" + chain(length, from: "both", "f32[2,4]")
    text += "}} : f32[2,4]\nreturn %p\n"
    try expectReading(text, says)
  }

  /// Five pieces of each of so many functions, and of what they are of.
  @Test(arguments: [(818, nil), (819, "more than 4096 instructions")] as [(Int, String?)])
  func instructionsAreCounted(_ length: Int, _ says: String?) throws {
    let text =
      header + "\n%x = placeholder() {dtype = f32, shape = [5]} : f32[5]\n"
      + "%p = fused(%x) {domain = [1], body = {\n"
      + "%x = fused_input() {position = 0, dtype = f32, shape = [5]} : f32[5]\n"
      + chain(length, from: "x", "f32[5]") + "}} : f32[5]\nreturn %p\n"
    try expectReading(text, says)
  }

  private func chain(_ length: Int, from first: String, _ type: String) -> String {
    let names = [first] + (0..<length).map { "t\($0)" }
    return zip(names, names.dropFirst()).map { "%\($1) = tanh(%\($0)) : \(type)\n" }.joined()
      + "return %\(names[length])\n"
  }

  private func expectReading(_ text: String, _ says: String?) throws {
    let read = Result { try GraphDef(parsing: text, catalogue: .standard) }
    guard let says else { return try read.get().verify() }
    let error = #expect(throws: FirnError.self) { try read.get() }
    #expect(error?.description.contains(says) == true, "\(error.map { "\($0)" } ?? "")")
  }

  /// A loop gives its body nothing but loop inputs, a program nothing but its own.
  @Test func inputsOfAnotherOpAreRefused() throws {
    let program = header + "\n" + Self.program
    let loop =
      header + """

        %x = placeholder() {dtype = f32, shape = [4]} : f32[4]
        %s = scan(%x) {carries = 1, slices = 0, captures = 0, length = 3, reversed = false, body = {
          %c = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [4]} : f32[4]
          return %c
        }} : f32[4]
        return %s

        """
    let (inLoop, inProgram) = (
      "loop_input() {kind = \"carry\", position = 0", "fused_input() {position = 0"
    )
    _ = try parsed(loop)
    for (text, part, other, message) in [
      (loop, inLoop, inProgram, "`c` is no input of a loop: `fused_input` is given by another op"),
      (program, inProgram, inLoop, "takes 0 operands, not 1"),
    ] {
      #expect(text.contains(part))
      do {
        _ = try GraphDef(parsing: text.replacing(part, with: other), catalogue: .standard)
        Issue.record("\(other) is read")
      } catch {
        #expect(error.description.contains(message), "\(error)")
      }
    }
  }

  // MARK: Plans

  /// One pass over value, gradient and moments for each variable, and one over scalars.
  @Test func anUpdateIsOneStepAVariable() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let loss = square(Dense(5, name: "head")(x)).mean()
    func steps(_ pipeline: [Pass]) throws -> [String] {
      let compilation = try Compiler.compile(
        CompilationRequest(
          graph: graph.definition, fetches: [],
          training: .init(loss: loss.value, optimizer: Adam(learningRate: 0.01))), pipeline: pipeline)
      let plan = try Plan(compilation.graph.mapping(.binding(["batch": 4])))
      return plan.steps.map(\.name).filter { $0.hasPrefix("update/head/kernel") }
    }
    let fused = try steps(Compiler.pipeline)
    let plain = try steps(Compiler.pipeline.filter { $0.name != "fuse" })
    #expect(fused.count == 2, "\(fused)")
    #expect(plain.count > 10, "\(plain)")
  }

  /// The passes take one walk: ten times the nodes, not a hundred times the work.
  @Test func chainsOfAnyLengthAreCutIntoPrograms() throws {
    let graph = Graph()
    var value = graph.placeholder("x", shape: ["batch", 4])
    for _ in 0..<3000 { value = tanh(value) }
    var definition = graph.definition
    definition.outputs = [value.value]
    let programs = programs(definition.fused())
    #expect(programs.joined().count == 3000)
    #expect(programs.allSatisfy { $0.count <= 96 })
  }
}
