import FirnGraph
import Testing

@testable import FirnToyOps

/// What can change, and where a gradient exists, on graphs small enough to check by eye.
@Suite struct AnalysisTests {
  /// A frozen layer below a trained one, whose value also goes round by a stop.
  ///
  /// x ─ matmul(frozen) ─ tanh ─┬─ matmul(head) ─ add ─ loss
  ///                            └─ stop ─ matmul(side) ─┘
  private static let text = #"""
    firn 1

    variable base : f32[4,4] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 0.0]}
    variable head : f32[4,4] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 0.0]}
    variable mean : f32[2,4] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}

    %x = placeholder() {dtype = f32, shape = [2,4]} : f32[2,4]
    %state = random_state() : i32[4]
    %base = read() {variable = "base", dtype = f32, shape = [4,4]} : f32[4,4]
    %head = read() {variable = "head", dtype = f32, shape = [4,4]} : f32[4,4]
    %mean = read() {variable = "mean", dtype = f32, shape = [2,4]} : f32[2,4]
    %two = constant() {value = f32[](2.0)} : f32[]
    %folded = tanh(%base) : f32[4,4]
    %low = matmul(%x, %folded) {transpose_a = false, transpose_b = false} : f32[2,4]
    %noisy = dropout(%low, %state) {rate = 0.5} : f32[2,4]
    %high = matmul(%noisy, %head) {transpose_a = false, transpose_b = false} : f32[2,4]
    %stop = stop_gradient(%high) : f32[2,4]
    %both = add(%high, %stop) : f32[2,4]
    %steps = floor(%both) : f32[2,4]
    %rank = rank(%both) : i32[2,4]
    %pick = pick(%steps, %both) : f32[2,4]
    %loss = mul(%both, %mean) : f32[2,4]
    %assign = assign(%low) {variable = "mean"} : f32[2,4]
    return %loss

    """#

  private let graph: GraphDef

  init() throws { graph = try parsed(Self.text) }

  private func value(_ name: String) throws -> Value { Value(try #require(graph.index(ofNodeNamed: name))) }

  // MARK: Dependence

  @Test func dependenceFollowsSources() throws {
    let analysis = DependenceAnalysis(graph, trained: ["head"])
    let expected: [(String, Dependence)] = [
      ("x", .data), ("base", []), ("folded", []), ("two", []), ("head", .trainable), ("mean", .state),
      ("low", .data), ("noisy", [.data, .random]), ("high", [.data, .random, .trainable]),
      ("stop", [.data, .random, .trainable]), ("loss", [.data, .random, .trainable, .state]),
      ("assign", .data),
    ]
    for (name, dependence) in expected { #expect(analysis[try value(name)] == dependence, "\(name)") }
    #expect(Dependence([.data, .step]).description == "{data, step}")
  }

  @Test func nothingTrainedMeansNothingTrainable() throws {
    let analysis = DependenceAnalysis(graph)
    #expect(analysis[try value("head")] == [])
    #expect(analysis[try value("high")] == [.data, .random])
    let all = DependenceAnalysis(graph, trained: ["head", "base"])
    #expect(all[try value("folded")] == .trainable)
  }

  @Test func parametersVaryAsTheLoopSays() throws {
    let body = try #require(try parsed(Samples.nested).nestedGraph(of: 3))
    let steps = DependenceAnalysis(body)
    #expect(steps[Value(4)] == .step)
    let mixed = DependenceAnalysis(body) { node in
      (node.op as? LoopInput)?.kind == .capture
        ? [] : (node.op as? LoopInput)?.kind == .slice ? [.step, .data] : .step
    }
    #expect(mixed[Value(3)] == [] && mixed[Value(5)] == [.step, .data])
  }

  // MARK: Liveness

  private func live(_ source: String, _ targets: [String], stopping: [String] = []) throws -> [String] {
    let flow = FlowGraph(graph.nodes, holding: try stopping.map(value))
    let liveness = flow.liveness(of: [try value(source)], withRespectTo: try targets.map(value))
    return graph.nodes.indices.filter { liveness.isLive(Value($0)) }.map { graph.nodes[$0].name }
  }

  @Test func adjointsExistOnlyBetweenTargetAndSource() throws {
    #expect(try live("loss", ["head"]) == ["head", "high", "both", "loss"])
    #expect(try live("loss", ["base"]) == ["base", "folded", "low", "noisy", "high", "both", "loss"])
    #expect(try live("loss", ["mean"]) == ["mean", "loss"])
    #expect(try live("low", ["head"]).isEmpty)
    #expect(try live("loss", []).isEmpty)
  }

  @Test func nothingBehindACutIsLive() throws {
    #expect(try live("stop", ["head"]).isEmpty)
    #expect(try live("steps", ["head"]).isEmpty)
    #expect(try live("rank", ["head"]).isEmpty)
    #expect(try live("pick", ["head"]).isEmpty)
    #expect(try live("loss", ["head"], stopping: ["both"]).isEmpty)
    #expect(try live("loss", ["high"], stopping: ["noisy", "high"]) == ["high", "both", "loss"])
  }

  @Test func liveEdgesNameConsumerOperandAndProducer() throws {
    let flow = FlowGraph(graph.nodes)
    let liveness = flow.liveness(of: [try value("loss")], withRespectTo: [try value("head")])
    #expect(
      flow.edges(of: graph, carrying: liveness) == [
        GradientEdge(consumer: "high", operand: 1, producer: "head"),
        GradientEdge(consumer: "both", operand: 0, producer: "high"),
        GradientEdge(consumer: "loss", operand: 0, producer: "both"),
      ])
  }

  // MARK: Definitions

  @Test func consumersAreListedOnce() throws {
    let consumers = graph.consumers[try value("both").node].map { graph.nodes[$0].name }
    #expect(consumers == ["steps", "rank", "pick", "loss"])
    let split = try parsed(Samples.everything)
    #expect(split.consumers[try #require(split.index(ofNodeNamed: "parts"))].count == 1)
    let index = ValueIndex(split)
    #expect(index.count == split.nodes.reduce(0) { $0 + $1.types.count })
  }
}
