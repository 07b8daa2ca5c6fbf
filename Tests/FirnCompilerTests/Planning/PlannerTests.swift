import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// Plans, held against a memory that knows which value every byte belongs to.
@Suite struct PlannerTests {
  /// Checks the plan of `graph`, and that it takes less than all buffers side by side.
  @discardableResult
  private func check(
    _ graph: GraphDef, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws -> Plan {
    let plan = try Plan(graph, workers: 3)
    var checker = PlanChecker()
    do {
      try checker.check(plan, of: graph)
    } catch let fault as PlanChecker.Fault {
      Issue.record("\(fault)\n\(graph.text)\n\(plan)", sourceLocation: sourceLocation)
    }
    return plan
  }

  private func check(_ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> Plan
  {
    try check(parsed(text), sourceLocation: sourceLocation)
  }

  // MARK: Random graphs

  @Test(arguments: 0..<300, [false, true]) func randomGraphsArePlannedSoundly(_ seed: Int, _ isCompiled: Bool)
    throws
  {
    let model = RandomModel(seed: seed)
    try model.graph.validate()
    let fetches = model.outputs + model.assignments + [model.loss]
    var graph = model.graph.definition
    graph.outputs = fetches.map(\.value)
    if isCompiled {
      let request = CompilationRequest(graph: graph, fetches: graph.outputs, isTrainingMode: true)
      graph = try Compiler.compile(request).graph
    }
    try check(graph.mapping(.binding(model.binding)))
  }

  @Test(arguments: 0..<300) func randomTrainingProgramsArePlannedSoundly(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    let training = CompilationRequest.Training(
      loss: model.loss.value, optimizer: Adam(), clippingNorm: seed % 2 == 0 ? 1 : nil)
    let request = CompilationRequest(
      graph: model.graph.definition, fetches: model.assignments.map(\.value), training: training)
    do {
      try check(Compiler.compile(request).graph.mapping(.binding(model.binding)))
    } catch let error as FirnError {
      #expect(error.code == .noGradient, "\(error)")
    }
  }

  /// The checker must see a plan go wrong: no op of this graph works in place, so no result may lie on an operand.
  @Test func brokenPlansAreFound() throws {
    let graph = try parsed(Self.chain)
    let plan = try Plan(graph)
    var tried = 0
    for step in plan.steps {
      for operand in step.operands {
        guard case .arena = plan.placements[operand] else { continue }
        var broken = plan
        broken.placements[step.results[0]] = plan.placements[operand]
        tried += 1
        #expect(throws: PlanChecker.Fault.self, "`\(step.name)` over \(operand)") {
          var checker = PlanChecker()
          try checker.check(broken, of: graph)
        }
      }
    }
    #expect(tried == 6)
    var misaligned = plan
    misaligned.placements = misaligned.placements.map {
      if case .arena(let at) = $0 { .arena(at + 8) } else { $0 }
    }
    #expect(throws: PlanChecker.Fault.self) {
      var checker = PlanChecker()
      try checker.check(misaligned, of: graph)
    }
    var reordered = plan
    reordered.steps.swapAt(0, 1)
    #expect(throws: PlanChecker.Fault.self) {
      var checker = PlanChecker()
      try checker.check(reordered, of: graph)
    }
  }

  // MARK: Straight lines

  /// Every value is 100 bytes and thus 128 of the arena; at most three are alive.
  private static let chain = #"""
    firn 1
    %x = placeholder() {dtype = f32, shape = [5,5]} : f32[5,5]
    %a = transpose(%x) {permutation = [1,0]} : f32[5,5]
    %b = transpose(%a) {permutation = [1,0]} : f32[5,5]
    %c = matmul(%a, %b) {transpose_a = false, transpose_b = false} : f32[5,5]
    %d = matmul(%c, %b) {transpose_a = false, transpose_b = false} : f32[5,5]
    %e = matmul(%d, %x) {transpose_a = false, transpose_b = false} : f32[5,5]
    return %e
    """#

  @Test func lifetimesShareTheArena() throws {
    let plan = try check(Self.chain)
    #expect(plan.steps.count == 5)
    // Three buffers, and the scratch of one product.
    let scratch = plan.steps.map(\.workspaceBytes).max() ?? 0
    #expect(plan.arenaBytes <= 3 * 128 + scratch)
  }

  @Test func elementwiseChainsTakeOneBuffer() throws {
    let plan = try check(
      #"""
      firn 1
      %x = placeholder() {dtype = f32, shape = [4,8]} : f32[4,8]
      %a = exp(%x) : f32[4,8]
      %b = tanh(%a) : f32[4,8]
      %c = add(%b, %x) : f32[4,8]
      %d = mul(%x, %c) : f32[4,8]
      %e = reshape(%d) {shape = [32]} : f32[32]
      %f = neg(%e) : f32[32]
      return %f
      """#)
    #expect(plan.arenaBytes == 128)
  }

  /// What is still wanted is not written over: by a later step, an output, or as the other operand by other bytes.
  @Test func valuesStillWantedAreKept() throws {
    let plan = try check(
      #"""
      firn 1
      %x = placeholder() {dtype = f32, shape = [4,8]} : f32[4,8]
      %a = exp(%x) : f32[4,8]
      %b = tanh(%a) : f32[4,8]
      %view = reshape(%a) {shape = [32]} : f32[32]
      %c = sin(%view) : f32[32]
      %d = reshape(%c) {shape = [4,8]} : f32[4,8]
      %e = add(%b, %d) : f32[4,8]
      return %e, %view
      """#)
    #expect(plan.arenaBytes == 3 * 128)
  }

  /// An assignment in the same run reads what the variable was, however assignments cross.
  @Test func variablesThatSwapAreNotEachOthersSource() throws {
    let plan = try check(
      #"""
      firn 1
      variable a : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
      variable b : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 1.0]}
      variable c : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 2.0]}
      %a = read() {variable = "a", dtype = f32, shape = [3]} : f32[3]
      %b = read() {variable = "b", dtype = f32, shape = [3]} : f32[3]
      %view = reshape(%a) {shape = [3]} : f32[3]
      %to_a = assign(%b) {variable = "a"} : f32[3]
      %to_b = assign(%view) {variable = "b"} : f32[3]
      %again = identity(%to_b) : f32[3]
      %to_c = assign(%again) {variable = "c"} : f32[3]
      return %a, %again
      """#)
    #expect(plan.commits.map(\.name) == ["a", "b", "c"])
    for commit in plan.commits {
      if case .variable = plan.placements[commit.slot] {
        Issue.record("`\(commit.name)` is taken from a variable")
      }
    }
  }

  /// Rows and the indices that name them are read when the run ends, so neither may be a variable that is written then.
  @Test func rowsAreNotTakenFromVariables() throws {
    let plan = try check(
      #"""
      firn 1
      variable a : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
      variable b : f32[7] {kind = "state", role = "", trainable = false, initializer = ["constant", 1.0]}
      variable i : i32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 2.0]}
      %a = read() {variable = "a", dtype = f32, shape = [3]} : f32[3]
      %i = read() {variable = "i", dtype = i32, shape = [3]} : i32[3]
      %x = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %to_b = assign_rows(%a, %i) {variable = "b", start = 0, limit = 7} : f32[3]
      %more = add(%a, %x) : f32[3]
      %to_a = assign_rows(%more) {variable = "a", start = 0, limit = 3} : f32[3]
      %next = add(%i, %i) : i32[3]
      %to_i = assign(%next) {variable = "i"} : i32[3]
      return %x
      """#)
    #expect(plan.commits.map(\.name) == ["b", "a", "i"])
    #expect(plan.commits.map(\.rows) == [0..<7, 0..<3, nil])
    #expect(plan.commits.map { $0.indices != nil } == [true, false, false])
    #expect(plan.commits.map(\.isInPlace) == [false, false, true])
    for commit in plan.commits where !commit.isInPlace {
      for slot in [commit.slot] + [commit.indices].compactMap({ $0 }) {
        if case .variable = plan.placements[slot] {
          Issue.record("`\(commit.name)` is taken from a variable")
        }
      }
    }
  }

  @Test func emptyArraysHaveAPlace() throws {
    _ = try check(
      #"""
      firn 1
      %x = placeholder() {dtype = f32, shape = [0,8]} : f32[0,8]
      %a = exp(%x) : f32[0,8]
      %b = transpose(%a) {permutation = [1,0]} : f32[8,0]
      %c = reduce_sum(%b) {axes = [1], keeps_axes = false} : f32[8]
      return %a, %c
      """#)
  }

  @Test func openDimensionsAreAnError() throws {
    let graph = try parsed(
      "firn 1\n%x = placeholder() {dtype = f32, shape = [n]} : f32[n]\n%y = exp(%x) : f32[n]\nreturn %y\n")
    let error = #expect(throws: FirnError.self) { try Plan(graph) }
    #expect(error?.code == .missingFeed)
  }

  // MARK: Loops

  /// A loop over `[2, 3]` steps of `[3]` with the given carries and body.
  private func loop(_ body: String, carries: Int, outputs: Int, length: Int = 2, reversed: Bool = false)
    -> String
  {
    let operands = (["%h", "%k", "%l"].prefix(carries) + ["%x", "%m"]).joined(separator: ", ")
    let types =
      Array(repeating: "f32[3]", count: carries) + Array(repeating: "f32[\(length),3]", count: outputs)
    let count = carries + outputs
    let names = (0..<count).map { $0 == 0 ? "%scan" : "%scan:\($0)" }.joined(separator: ", ")
    let carried = (0..<carries).map {
      "%c\($0) = loop_input() {kind = \"carry\", position = \($0), dtype = f32, shape = [3]} : f32[3]"
    }.joined(separator: "\n")
    return """
      firn 1
      %x = placeholder() {dtype = f32, shape = [\(length),3]} : f32[\(length),3]
      %h = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %k = exp(%h) : f32[3]
      %l = sin(%h) : f32[3]
      %m = transpose(%h) {permutation = [0]} : f32[3]
      %scan\(count == 1 ? "" : ":\(count)") = scan(\(operands)) {carries = \(carries), slices = 1, captures = 1, length = \(length), reversed = \(reversed), body = {
      \(carried)
      %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [3]} : f32[3]
      %m = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3]} : f32[3]
      \(body)
      }} : \(types.joined(separator: ", "))
      return \(names)
      """
  }

  @Test(
    arguments: [
      // Takes over the carry's buffer, in place and not.
      ("%a = add(%c0, %x) : f32[3]\nreturn %a", 1, 0),
      (
        "%a = transpose(%c0) {permutation = [0]} : f32[3]\n%b = transpose(%a) {permutation = [0]} : f32[3]\nreturn %b",
        1, 0
      ),
      // Read once more after the next carry exists.
      ("%a = add(%c0, %x) : f32[3]\n%b = mul(%c0, %a) : f32[3]\nreturn %a, %b", 1, 1),
      ("%a = add(%c0, %x) : f32[3]\n%b = mul(%c0, %a) : f32[3]\nreturn %a, %a, %b", 1, 2),
      ("%a = add(%c0, %c1) : f32[3]\n%b = mul(%c0, %c1) : f32[3]\nreturn %b, %a, %a, %b, %a", 2, 3),
      // One value as carry and output; the old carry as output; both.
      ("%a = add(%c0, %x) : f32[3]\nreturn %a, %a", 1, 1),
      ("%a = add(%c0, %x) : f32[3]\nreturn %a, %c0", 1, 1),
      ("%a = add(%c0, %x) : f32[3]\nreturn %a, %c0, %a, %a", 1, 3),
      // Unchanged, swapped, rotated, doubled.
      ("return %c0", 1, 0), ("return %c1, %c0", 2, 0), ("return %c1, %c2, %c0", 3, 0),
      ("return %c0, %c0", 2, 0),
      ("%a = add(%c0, %c1) : f32[3]\nreturn %a, %a", 2, 0),
      ("%a = add(%c0, %c1) : f32[3]\nreturn %c1, %a, %a", 3, 0),
      ("%a = exp(%c0) : f32[3]\n%b = exp(%c1) : f32[3]\nreturn %b, %a", 2, 0),
      ("%a = exp(%c1) : f32[3]\n%b = exp(%c0) : f32[3]\nreturn %a, %b, %c0", 2, 1),
      // Through views.
      ("%v = reshape(%c1) {shape = [3]} : f32[3]\n%w = identity(%c0) : f32[3]\nreturn %v, %w", 2, 0),
      ("%a = add(%c0, %x) : f32[3]\n%v = reshape(%a) {shape = [3]} : f32[3]\nreturn %v, %a", 1, 1),
      // Captures, slices and constants handed back.
      ("return %m", 1, 0), ("return %x", 1, 0), ("return %c0, %m, %x, %c0", 1, 3), ("return %m, %x", 0, 2),
      ("%k = constant() {value = f32[3](1.0, 2.0, 3.0)} : f32[3]\nreturn %k, %k", 1, 1),
      // Chains that die inside.
      ("%a = exp(%x) : f32[3]\n%b = exp(%a) : f32[3]\n%d = add(%b, %m) : f32[3]\nreturn %d", 0, 1),
    ], [(0, false), (1, false), (3, true)])
  func loopsAreSound(_ body: (String, Int, Int), _ form: (Int, Bool)) throws {
    let text = loop(body.0, carries: body.1, outputs: body.2, length: form.0, reversed: form.1)
    try check(parsed(text))
    let request = try CompilationRequest(graph: parsed(text), fetches: parsed(text).outputs)
    try check(Compiler.compile(request).graph)
  }

  /// Steps of an output are written where they belong, and the next carry over the last: a body needs no bytes.
  @Test func bodiesWriteOutwards() throws {
    let text = loop(
      "%a = add(%c0, %x) : f32[3]\n%b = sin(%x) : f32[3]\nreturn %a, %b", carries: 1, outputs: 1)
    let plan = try check(text)
    guard case .loops(let loops)? = plan.steps.last?.work, let loop = loops.first else {
      throw CancellationError()
    }
    #expect(loop.body.arenaBytes == 0)
    #expect(loop.carries[0].next == loop.carries[0].parameter)
    #expect(loop.outputs[0].isDirect)
  }

  /// A next carry that the old one outlives is stacked where it belongs, and the next step reads it there.
  @Test func nextCarriesAreWrittenOutwards() throws {
    let text = loop(
      "%a = add(%c0, %x) : f32[3]\n%b = mul(%c0, %a) : f32[3]\nreturn %a, %a, %b", carries: 1, outputs: 2)
    let plan = try check(text)
    guard case .loops(let loops)? = plan.steps.last?.work, let loop = loops.first else {
      throw CancellationError()
    }
    #expect(loop.body.arenaBytes == 0)
    #expect(
      loop.carries[0].next == loop.outputs[0].inner && loop.carries[0].next != loop.carries[0].parameter)
    #expect(loop.outputs.map(\.isDirect) == [true, true])
    #expect(loop.carries[0].home == .made(output: 0))
  }

  /// A carry that is stacked as steps find it lives in the stack: each step writes where the following one reads.
  @Test func carriesLiveWhereTheyAreStacked() throws {
    let text = loop(
      "%a = add(%c0, %x) : f32[3]\n%b = mul(%c0, %a) : f32[3]\nreturn %a, %b, %c0, %a", carries: 1, outputs: 3
    )
    let plan = try check(text)
    guard case .loops(let loops)? = plan.steps.last?.work, let loop = loops.first else {
      throw CancellationError()
    }
    #expect(loop.body.arenaBytes == 0 && loop.carries[0].home == .found(output: 1))
    // The next carry is stacked as well, of which one is a copy.
    #expect(loop.outputs.map(\.isDirect) == [true, true, false])
  }

  /// The result of an inner loop takes over the outer one's carry, and another inner loop reads it there.
  @Test func carriesMadeByInnerLoopsAreTakenOver() throws {
    func inner(_ name: String, _ operand: String) -> String {
      """
      %\(name) = scan(%\(operand)) {carries = 1, slices = 0, captures = 0, length = 2, reversed = false, body = {
        %i = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [3]} : f32[3]
        %e = exp(%i) : f32[3]
        return %e
      }} : f32[3]

      """
    }
    let body =
      "%a = sin(%c0) : f32[3]\n" + inner("next", "a") + inner("read", "next") + "return %next, %read"
    let plan = try check(loop(body, carries: 1, outputs: 1))
    guard case .loops(let loops)? = plan.steps.last?.work, let outer = loops.first else {
      throw CancellationError()
    }
    #expect(outer.carries[0].next == outer.carries[0].parameter)
  }

  @Test func countersAreKept() throws {
    _ = try check(
      #"""
      firn 1
      %n = constant() {value = i32[](3)} : i32[]
      %scan:3 = scan(%n) {carries = 1, slices = 0, captures = 0, length = 4, reversed = true, body = {
        %t = loop_input() {kind = "index", position = 0, dtype = i32, shape = []} : i32[]
        %c = loop_input() {kind = "carry", position = 0, dtype = i32, shape = []} : i32[]
        %a = add(%c, %t) : i32[]
        %b = neg(%t) : i32[]
        return %t, %t, %b
      }} : i32[], i32[4], i32[4]
      return %scan, %scan:1, %scan:2
      """#)
  }
}
