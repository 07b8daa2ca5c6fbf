import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

@Suite struct GraphBuildingTests {
  private let graph = Graph()

  private func faults(_ graph: Graph) -> [FirnError] {
    guard let error = thrown({ () throws(FirnError) in try graph.validate() }) else { return [] }
    return error.causes.isEmpty ? [error] : error.causes
  }

  // MARK: Names and scopes

  @Test func namesAreMadeUnique() throws {
    let x = graph.placeholder("x", shape: [2])
    #expect(graph.apply(Map(.neg), x).name == "neg")
    #expect(graph.apply(Map(.neg), x).name == "neg_1")
    #expect(graph.placeholder("neg_2", shape: [2]).name == "neg_2")
    #expect(graph.apply(Map(.neg), x).name == "neg_3")
    #expect(graph.newScope("neg") { graph.apply(Map(.neg), x).name } == "neg_4/neg")
    #expect(graph.scope("neg") { graph.apply(Map(.neg), x).name } == "neg/neg")
    try graph.definition.verify()
  }

  @Test func newScopesAreMadeUnique() {
    func build() -> String { graph.newScope("dense") { graph.variable("kernel", shape: [2]).name } }
    #expect([build(), build(), build()] == ["dense/kernel", "dense_1/kernel", "dense_2/kernel"])
    #expect(faults(graph).isEmpty)
  }

  /// As `tf.variable_scope`: a scope is its path, however often it is entered.
  @Test func scopesAreEnteredAgain() {
    func make(_ name: String) -> String { graph.scope("body") { graph.variable(name, shape: [2]).name } }
    #expect([make("a"), make("b")] == ["body/a", "body/b"])
    let inner = graph.scope("a") { graph.scope("b/c") { graph.variable("w", shape: []).name } }
    let again = graph.scope("a/b") { graph.scope("c") { graph.variable("v", shape: []).name } }
    #expect([inner, again] == ["a/b/c/w", "a/b/c/v"])
    #expect(faults(graph).isEmpty)
    // Nothing numbered comes to be called as a scope that was entered by name.
    #expect(graph.newScope("body") { graph.scopePath } == "body_1")
    _ = make("a")
    #expect(faults(graph).map(\.code) == [.duplicateName])
  }

  @Test(arguments: [("towr", "tower"), ("tower/inner", "tower"), ("other", "leave `reuse: true` out")])
  func sharingAScopeThatIsNotThereIsAFault(_ name: String, _ remedy: String) throws {
    graph.scope("tower") { _ = graph.variable("w", shape: [2]) }
    graph.scope(name, reuse: true) {}
    let fault = try #require(faults(graph).first)
    #expect(fault.code == .unknownName && fault.message.contains("`\(name)`"), "\(fault)")
    #expect(fault.remedy?.contains(remedy) == true, "\(fault)")
    #expect(fault.location?.file.hasSuffix("GraphBuildingTests.swift") == true)
  }

  /// TensorFlow's `reuse=True`: what is not there cannot be shared, and is not made.
  @Test func sharingMakesNoVariables() throws {
    graph.scope("tower") { _ = graph.variable("kernel", shape: [2]) }
    graph.scope("tower", reuse: true) {
      #expect(graph.variable("kernl", shape: [2]).isPoisoned)
      graph.scope("inner") { _ = graph.variable("w", shape: [2]) }
    }
    let faults = faults(graph)
    #expect(faults.map(\.code) == [.unknownName, .unknownName] && graph.variables.count == 1)
    #expect(faults[0].place == "tower/kernl" && faults[0].remedy?.contains("tower/kernel") == true)
    #expect(faults[1].place == "tower/inner/w")
  }

  /// The second tower's layers are numbered as the first one's, so that none is shared by two.
  @Test func sharedScopesNumberAnew() {
    func tower(reuse: Bool?) -> [String] {
      graph.scope("tower", reuse: reuse) {
        (0..<3).map { _ in graph.newScope("dense") { graph.variable("kernel", shape: [2]).name } }
      }
    }
    let first = tower(reuse: nil)
    #expect(first == ["tower/dense/kernel", "tower/dense_1/kernel", "tower/dense_2/kernel"])
    #expect(tower(reuse: true) == first && tower(reuse: true) == first)
    #expect(faults(graph).isEmpty && graph.variables.count == 3)
  }

  @Test func integersAreNotTrainable() throws {
    #expect(graph.variable("n", shape: [2], dtype: .i32, initializer: .zeros, trainable: true).isPoisoned)
    #expect(faults(graph).map(\.code) == [.invalidArgument])
  }

  @Test func reuseSharesVariables() throws {
    let first = graph.scope("dense") { graph.variable("kernel", shape: [2]) }
    let second = graph.scope("dense", reuse: true) { graph.variable("kernel", shape: [2]) }
    #expect(first == second)
    #expect(graph.variables.map(\.name) == ["dense/kernel"])
    _ = graph.scope("dense", reuse: true) { graph.variable("kernel", shape: [3]) }
    let fault = try #require(faults(graph).first)
    #expect(fault.code == .shapeMismatch && fault.place == "dense/kernel")
  }

  @Test func secondVariableWithoutReuseIsAFault() throws {
    _ = graph.variable("w", shape: [2])
    #expect(graph.variable("w", shape: [2]).isPoisoned)
    let fault = try #require(faults(graph).first)
    #expect(fault.code == .duplicateName)
    #expect(fault.remedy?.contains("reuse: true") == true)
    #expect(fault.operands.first?.location?.file.hasSuffix("GraphBuildingTests.swift") == true)
    #expect(graph.variables.count == 1)
  }

  @Test func scopeDefaultsAreInherited() throws {
    graph.scope("outer", initializer: .ones, dtype: .f64) {
      _ = graph.variable("a", shape: [])
      graph.scope("inner", dtype: .f32) {
        _ = graph.variable("b", shape: [])
        _ = graph.variable("c", shape: [], dtype: .f64, initializer: .zeros)
      }
    }
    _ = graph.variable("d", shape: [])
    #expect(graph.variables.map(\.type.dtype) == [.f64, .f32, .f64, .f32])
    #expect(graph.variables.map(\.initializer) == [.ones, .ones, .zeros, .glorotUniform])
  }

  @Test func frozenScopesFreezeAllInside() {
    graph.scope("frozen", trainable: false) {
      _ = graph.variable("a", shape: [])
      graph.scope("inner", trainable: true) { _ = graph.variable("b", shape: [], trainable: true) }
    }
    _ = graph.variable("c", shape: [])
    _ = graph.variable("d", shape: [], trainable: false)
    _ = graph.variable("e", shape: [], kind: .state)
    _ = graph.variable("f", shape: [], dtype: .i32, initializer: .zeros)
    #expect(graph.variables.map(\.isTrainable) == [false, false, true, false, false, false])
  }

  @Test func locationsAreOfTheCall() {
    let x = graph.placeholder("x", shape: [])
    let line = #line - 1
    #expect(x.node?.location?.line == line)
    #expect(x.node?.location?.file == "FirnGraphTests/GraphBuildingTests.swift")
  }

  // MARK: Faults

  @Test func poisonSilencesWhatFollows() throws {
    let x = graph.placeholder("x", shape: [2])
    let y = graph.placeholder("y", shape: [3])
    let bad = graph.apply(Combine("add"), x, y)
    let worse = graph.apply(Combine("mul"), graph.apply(Map(.neg), bad), x)
    graph.assign(worse, to: x)
    #expect(worse.isPoisoned)
    let faults = faults(graph)
    #expect(faults.count == 1)
    #expect(faults[0].constraint == "C1")
    #expect(faults[0].operands.map(\.name) == ["x", "y"])
    #expect(faults[0].operands.map(\.label) == ["left", "right"])
  }

  @Test func faultsAreThrownTogether() throws {
    let x = graph.placeholder("x", shape: [2])
    _ = graph.apply(MatMul(), x, x)
    _ = graph.scope("head") { graph.variable("w", shape: ["batch"]) }
    let error = try #require(thrown { () throws(FirnError) in try graph.validate() })
    #expect(error.code == .invalidGraph && error.causes.count == 2)
    #expect(error.causes.map(\.place) == ["matmul", "head"])
    #expect(error.description.contains("\n  error[shape-mismatch]: matmul: operands must be matrices"))
  }

  @Test func mixingGraphsIsAFault() throws {
    let other = Graph()
    let x = graph.placeholder("x", shape: [2])
    let y = other.placeholder("y", shape: [2])
    #expect(graph.apply(Combine("add"), x, y).isPoisoned)
    let fault = try #require(faults(graph).first)
    #expect(fault.code == .invalidGraph && fault.message.contains("`y` belongs to another graph"))
    #expect(faults(other).isEmpty)
  }

  @Test func badNamesAndShapesAreFaults() {
    _ = graph.placeholder("a b", shape: [])
    _ = graph.placeholder("x", shape: [-1])
    _ = graph.placeholder("x", shape: ["no name"])
    _ = graph.variable("", shape: [])
    _ = graph.constant(NDArray(scalar: 1.0), name: "a:b")
    graph.scope("a//b") {}
    #expect(faults(graph).count == 6)
    #expect(graph.definition.nodes.isEmpty)
  }

  @Test func assignmentNeedsAVariableOfItsType() {
    let w = graph.variable("w", shape: [2])
    let x = graph.placeholder("x", shape: [2])
    let y = graph.placeholder("y", shape: [3])
    #expect(!graph.assign(x, to: w).isPoisoned)
    #expect(graph.assign(w, to: x).isPoisoned)
    #expect(graph.assign(y, to: w).isPoisoned)
    #expect(faults(graph).map(\.code) == [.invalidArgument, .shapeMismatch])
  }

  // MARK: Tensors, bodies, continuing

  @Test func tensorsAreFoundByName() {
    let x = graph.placeholder("x", shape: [4])
    let parts = graph.append(Split(2), [x], results: 2)
    #expect(graph.tensor(named: "x") == x)
    #expect(graph.tensor(named: "split:1") == parts[1])
    for name in ["", "y", "split:2", "split:x", "split:1:1", "split:-1"] {
      #expect(graph.tensor(named: name) == nil)
    }
    #expect(x.extent(-1) == 4 && x.extent(3) == 0)
  }

  @Test func bodiesCaptureWhatTheyUse() throws {
    let x = graph.placeholder("x", shape: [3, 2])
    let outside = graph.scope("outer") { graph.placeholder("a/b", shape: [2]) }
    let body = Graph(bodyIn: graph)
    let row = body.loopInput(.slice, 0, type: TensorType(.f32, [2]), name: "row")
    let sum = body.apply(Combine("add"), row, outside)
    #expect(body.apply(Combine("mul"), sum, outside).node?.inputs[1] == Value(1))
    #expect(body.captures.map(\.outer) == [outside])
    #expect((body.nodes[1].op as? LoopInput)?.slot == "capture 0")
    let kernel = body.variable("kernel", shape: [2])
    #expect(kernel.graph === graph && graph.variables.map(\.name) == ["kernel"])
    var definition = body.definition
    definition.outputs = [sum.value]
    _ = graph.append(Loop(carries: 0, body: definition), [x])
    try graph.validate()
    try graph.definition.verify()
    #expect(body.placeholder("no", shape: []).isPoisoned)
    #expect(faults(graph).count == 1)
  }

  @Test func continuingKeepsNamesUnique() throws {
    let x = graph.placeholder("x", shape: [2])
    _ = graph.apply(Map(.neg), x)
    let more = Graph(resuming: graph.definition)
    let again = more.section("gradients/x", phase: .backward) {
      more.apply(Map(.neg), Tensor(more, Value(0)))
    }
    #expect(again.name == "gradients/x/neg" && again.node?.phase == .backward)
    #expect(more.apply(Map(.neg), again).name == "neg_1")
    try more.definition.verify()
  }

  @Test func gradientRequestsHaveTheTypesOfTheirTargets() throws {
    let x = graph.placeholder("x", shape: [2])
    let y = graph.apply(Map(.neg), x)
    let labels = graph.placeholder("labels", shape: [2], dtype: .i32)
    let gradients = graph.gradients(of: [y], withRespectTo: [x, y], seeds: [y], unconnected: .zero)
    #expect(gradients.map(\.type) == [x.type, y.type])
    try graph.definition.verify()
    #expect(try parsed(graph.definition.text) == graph.definition)
    _ = graph.gradients(of: [], withRespectTo: [x])
    _ = graph.gradients(of: [y], withRespectTo: [labels])
    _ = graph.gradients(of: [y], withRespectTo: [x], seeds: [labels])
    #expect(faults(graph).map(\.constraint) == [nil, "C1", "C2"])
  }
}
