import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

/// A small random graph of scalars with scopes, stops and other cuts: a function of the seed.
struct RandomScopes {
  let graph = Graph()
  let loss: Tensor
  let freezing: Selection?
  let thawing: Selection?

  init(seed: Int) throws {
    var source = RandomSource(seed: seed)
    let graph = graph
    var pool = [graph.placeholder("x", shape: [], dtype: .f64)]
    let scopes = ["a", "a/b", "c", "c/d", "c/d/e"]
    var names: [String] = []
    for number in 0..<(3 + source.below(5)) {
      let scope = source.pick(scopes)
      let isTrainable = !source.chance(15)
      names.append("\(scope)/w\(number)")
      let start = 0.5 + Double(source.below(100)) / 100
      pool.append(
        graph.section(scope, phase: .forward) {
          graph.variable(
            "w\(number)", shape: [], dtype: .f64, initializer: .constant(start), trainable: isTrainable)
        })
    }
    for _ in 0..<(6 + source.below(14)) {
      let (a, b) = (source.pick(pool), pool[max(source.below(pool.count), source.below(pool.count))])
      let choice = source.below(12)
      let scope = source.pick(scopes + [""])
      let made = graph.section(scope, phase: .forward) { () -> Tensor in
        switch choice {
        case 0, 1, 2: stopGradient(b)
        // One for every number: a cut that differences see as one.
        case 3: floor(sin(b) * 0.25 + 1.5)
        case 4: (sin(b) * 0.25 + 1.5).cast(to: .i32).cast(to: .f64)
        case 5: sin(b) + 0.3 * a
        case 6, 7: a * b + 0.1
        default: tanh(a * 0.3 + b * 0.7) + 0.2
        }
      }
      pool.append(made)
    }
    loss = pool.suffix(2).reduce(graph.constant(0, dtype: .f64)) { $0 + sin($1 * 0.5) }
    freezing = source.chance(60) ? try Selection(source.pick(names)) : nil
    thawing = source.chance(20) ? try Selection(source.pick(names)) : nil
  }

  func explanation() throws -> Explanation {
    try Explanation(
      graph: graph.definition, loss: loss.value, freezing: freezing, thawing: thawing)
  }
}

/// Gradient edges found by mnemonic, walked one variable at a time.
struct SlowReach {
  let graph: GraphDef
  private static let cutting: Set<String> = ["stop_gradient", "floor", "cast"]

  func isCut(_ node: Node) -> Bool {
    Self.cutting.contains(node.mnemonic) && (node.mnemonic != "cast" || node.types[0].dtype == .i32)
  }

  /// Whether a way leads from `variable` to `loss` past no node of `closed`.
  func reaches(_ variable: String, _ loss: Int, closed: (Node) -> Bool) -> Bool {
    var seen: Set<Int> = []
    var pending = [loss]
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      let node = graph.nodes[next]
      if node.mnemonic == "read", node.name == variable { return true }
      if !closed(node) { pending += node.inputs.map(\.node) }
    }
    return false
  }
}
