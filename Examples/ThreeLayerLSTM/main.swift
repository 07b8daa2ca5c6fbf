import Firn

// Three LSTMs, the first of which is to stay as it is: by name, by `stop_gradient`, and by a well-known recipe that puts
// the stop one layer too high.
//
// `stop_gradient(h)` cuts everything *below* h. Put on the second layer's output "to freeze the first", it starves the
// second as well: it is trainable, the loss depends on it, and it never moves. Nothing in TensorFlow or PyTorch
// (`detach()`) says so. `program.lint()` does.
reportingErrors {
  let sequences = try Initializer.normal(deviation: 1).values(shape: [32, 10, 3], seed: 2)
  let sums = sequences.rows.map { Float($0[0] - $0[1]) / 10 }
  let wanted = try NDArray((0..<32).map { sums[$0 * 10..<$0 * 10 + 10].reduce(0, +) }, shape: [32, 1])

  let recipes: [(title: String, frozen: Selection?, stop: Int?)] = [
    ("by name, freezing: \"layer_0\"", "layer_0", nil),
    ("by a stop on the first layer's output", nil, 0),
    ("by the recipe, a stop on the second layer's output", nil, 1),
  ]
  var ends: [Snapshot] = []
  for recipe in recipes {
    let graph = Graph()
    let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
    let target = graph.placeholder("target", shape: ["batch", 1])
    var h = sequence
    for layer in 0..<3 {
      h = LSTM(10, name: "layer_\(layer)").run(h).sequence
      if layer == recipe.stop { h = stopGradient(h) }
    }
    let last = h.sliced(axis: 1, from: -1).squeezed(axes: [1])
    let loss = meanSquaredError(Dense(1, name: "head")(last), target)

    let session = try Session(graph, seed: 1)
    session.onWarning = { _ in }  // the first layer is random here, on purpose
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.01), freezing: recipe.frozen)
    let before = try session.snapshot()
    for _ in 1...40 { try session.run(program, feeding: [sequence: sequences, target: wanted]) }
    ends.append(try session.snapshot())

    print(recipe.title)
    let moved = ends[ends.count - 1].changed(since: before)
    for row in program.status.variables where row.role == "kernel" {
      let what = moved.contains(row.name) ? "moved" : "kept its bits"
      print("  \(row.name): \(row.status.rawValue), \(what) - \(row.reason)")
    }
    for finding in try program.lint() {
      print("  \(finding.code.rawValue), \(finding.code.title): \(finding.subjects.joined(separator: ", "))")
      if finding.code == .stopBeyondItsScope {
        print("    \(finding.message)\n    remedy: \(finding.remedy)")
      }
    }
  }

  // The stop in the right place gives the other layers the very same bits as freezing does.
  print("by name and by the stop in its place, the same bits:", ends[1].changed(since: ends[0]).isEmpty)
  print("by the recipe, other bits in:", ends[2].changed(since: ends[0]).joined(separator: ", "))
}
