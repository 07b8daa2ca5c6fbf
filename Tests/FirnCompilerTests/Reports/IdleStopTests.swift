import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// F003 and F007 against taking a stop away and compiling again.
@Suite struct IdleStopTests {
  /// A stop has a finding where the adjoints are the same without it, and only there.
  @Test(arguments: 0..<4) func findingsAreTheStopsThatCanGo(_ block: Int) throws {
    var (inLoops, idleInLoops, zeros) = (0, 0, 0)
    for seed in block * 10..<block * 10 + 10 {
      let model = RandomModel(seed: seed)
      for (number, place) in places(in: model.graph.definition).enumerated() where number % 2 == seed % 2 {
        func request(_ kind: PassThrough.Kind) -> CompilationRequest {
          CompilationRequest(
            graph: place.graph(PassThrough(kind)), fetches: [],
            training: .init(loss: model.loss.value, optimizer: SGD(learningRate: 0.1)),
            freezing: number % 3 == 0 ? "a | d" : nil)
        }
        let findings = try Explanation(request(.stopGradient)).lint().filter {
          $0.code == .stopWithoutEffect || $0.code == .stopBehindStop
        }
        let isIdle = findings.contains { $0.places.first?.path == place.path }
        let (closed, open) = (text(request(.stopGradient)), text(request(.identity)))
        if isIdle { #expect(closed == open, "seed \(seed): \(place.path)") }
        // A gradient that passes may turn out to be zero by a derivative's own arithmetic; stops there are left in peace.
        if !isIdle, closed == open { zeros += 1 }
        guard place.path.contains("›") else { continue }
        inLoops += 1
        if isIdle { idleInLoops += 1 }
      }
    }
    #expect(inLoops > 10 && idleInLoops > 2 && idleInLoops < inLoops && zeros < 2)
  }

  /// The program with its adjoints, before algebra can find that one of them is zero; nil where no gradient is left.
  private func text(_ request: CompilationRequest) -> String? {
    let passes = Compiler.pipeline.lastIndex { $0.name == "expand-gradients" } ?? 0
    let pipeline = Array(Compiler.pipeline.prefix(through: passes))
    return (try? Compiler.compile(request, pipeline: pipeline))?.graph.text
      .replacing("stop_gradient(", with: "identity(")
  }

  private struct Place {
    var path: String
    /// The graph with `op` there.
    var graph: (PassThrough) -> GraphDef
  }

  /// Nodes whose result has the type of their first operand, so that a stop can stand instead, bodies of loops included.
  private func places(in graph: GraphDef) -> [Place] {
    graph.nodes.indices.flatMap { position -> [Place] in
      let node = graph.nodes[position]
      if let loop = node.op as? Scan {
        return places(in: loop.body).map { inner in
          Place(path: "\(node.name) › \(inner.path)") { op in
            var graph = graph
            graph.nodes[position].op = loop.with(body: inner.graph(op))
            return graph
          }
        }
      }
      guard node.types.count == 1, node.types[0].dtype.isFloatingPoint, let input = node.inputs.first,
        graph.type(of: input) == node.types[0], case .none = node.op.effect
      else { return [] }
      return [
        Place(path: node.name) { op in
          var graph = graph
          graph.nodes[position].op = op
          graph.nodes[position].inputs = [input]
          return graph
        }
      ]
    }
  }
}
