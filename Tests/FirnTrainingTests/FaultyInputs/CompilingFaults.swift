import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining

/// What can be wrong with a request to compile.
extension FaultyInput {
  static let compiling: [FaultyInput] = fetching + selecting + minimizing + optimizing

  private static let fetching: [FaultyInput] = [
    FaultyInput("fetch with a typo", .unknownName, ["`risky/reduce_sim`", "did you mean risky/reduce_sum"]) {
      bench in
      _ = try bench.session.compile(fetching: ["risky/reduce_sim"])
    },
    FaultyInput("fetch of a result that is not there", .unknownName, ["`risky/log:1`"]) { bench in
      _ = try bench.session.compile(fetching: ["risky/log:1"])
    },
    FaultyInput("fetch from another graph", .unknownName, ["`w`", "graph the session was made of"]) { bench in
      _ = try bench.session.compile(fetching: [Graph().variable("w", shape: [])])
    },
    FaultyInput("fetch from inside a loop", .unknownName, ["another graph", "outputs of the loop"]) { bench in
      var leaked: Tensor?
      _ = scan(over: [bench.series], initial: []) { step in
        leaked = step.slices[0] * 2
        return ScanResult(carries: [], outputs: step.slices)
      }
      _ = try bench.session.compile(fetching: [leaked ?? bench.x])
    },
  ]

  private static let selecting: [FaultyInput] = [
    ("frozen scope with a typo", "encodr", ["`encodr` matches nothing", "did you mean encoder"]),
    ("half a component", "enc", ["`enc` matches nothing", "encoder"]),
    ("one part with a typo", "encoder | haed", ["`haed` matches nothing", "head"]),
    ("role with a typo", "role(kernal)", ["the role `kernal`", "kernel, bias, table"]),
    ("operator without operand", "encoder &", ["column 10", "expected a path"]),
    ("open parenthesis", "(encoder", ["expected `)`"]),
    ("two paths", "encoder head", ["column 9", "`&` or `|`"]),
    ("unknown function", "kind(bias)", ["column 1", "unknown function `kind`"]),
    ("empty component", "encoder//bias", ["empty component"]),
    ("nothing at all", "", ["column 1"]),
    ("no selection's character", "encoder?", ["unexpected `?`", "^"]),
    ("too deep", String(repeating: "(", count: 500), ["too deeply"]),
  ].map { name, text, says in
    FaultyInput("selection: " + name, .invalidSelection, says) { bench in
      _ = try bench.session.compile(
        minimizing: bench.loss, with: Adam(), freezing: Selection(stringLiteral: text))
    }
  }

  private static let minimizing: [FaultyInput] = [
    FaultyInput("loss that is no scalar", .notScalar, ["f32[batch,3]", "mean()", "x"]) { bench in
      _ = try bench.session.compile(minimizing: bench.x, with: Adam())
    },
    FaultyInput("loss that is an integer", .notScalar, ["i32[]", "floating-point"]) { bench in
      _ = try bench.session.compile(minimizing: bench.ids.sum(), with: Adam())
    },
    FaultyInput("loss without variables", .noGradient, ["nothing to train"]) { bench in
      _ = try bench.session.compile(minimizing: bench.risky, with: Adam())
    },
    FaultyInput("loss from another graph", .unknownName, ["graph the session was made of"]) { bench in
      let other = Graph()
      _ = try bench.session.compile(minimizing: other.variable("w", shape: []), with: Adam())
    },
    FaultyInput("everything frozen", .noGradient, ["nothing to train", "`freezing: encoder | head`"]) {
      bench in
      _ = try bench.session.compile(minimizing: bench.loss, with: Adam(), freezing: "encoder | head")
    },
    FaultyInput("negative clipping norm", .invalidArgument, ["clipping norm is -1.0"]) { bench in
      _ = try bench.session.compile(minimizing: bench.loss, with: Adam(), clippingNorm: -1)
    },
    FaultyInput("clipping norm that is no number", .invalidArgument, ["clipping norm is nan"]) { bench in
      _ = try bench.session.compile(minimizing: bench.loss, with: Adam(), clippingNorm: .nan)
    },
  ]

  private static let optimizing: [FaultyInput] = [
    (
      "too few slots updated", FaultyOptimizer { UpdatedParameter(value: $0.value) },
      ["`faulty`", "1 slots", "updates 0"]
    ),
    (
      "slot of another type", FaultyOptimizer { UpdatedParameter(value: $0.value, slots: [$0.value.sum()]) },
      ["makes f32[] of"]
    ),
    (
      "value of another type", FaultyOptimizer { UpdatedParameter(value: $0.value.sum(), slots: $0.slots) },
      ["makes f32[] of"]
    ),
    (
      "value from another graph",
      FaultyOptimizer { update in
        UpdatedParameter(value: Graph().variable("w", shape: update.value.shape), slots: update.slots)
      }, ["another graph"]
    ),
    (
      "value of nothing", FaultyOptimizer { UpdatedParameter(value: stack([]), slots: $0.slots) },
      ["`faulty`", "faulty expression"]
    ),
    ("name that is no path", FaultyOptimizer(name: "my optimizer"), ["my optimizer", "letters"]),
    ("two slots of one name", FaultyOptimizer(slots: ["a", "a"]), ["second variable"]),
    ("slot of open shape", FaultyOptimizer(type: TensorType(.f32, ["batch"])), ["f32[batch]"]),
  ].map { (name: String, optimizer: FaultyOptimizer, says: [String]) in
    FaultyInput(
      "optimizer: " + name,
      name.contains("type")
        ? .shapeMismatch : name.contains("another graph") ? .invalidGraph : .invalidArgument, says
    ) { bench in
      _ = try bench.session.compile(minimizing: bench.loss, with: optimizer, freezing: "encoder | head/bias")
    }
  }
}

/// An optimiser that gets something wrong.
private struct FaultyOptimizer: Optimizer {
  var name = "faulty"
  var slots = ["slot"]
  var type: TensorType?
  var body: @Sendable (ParameterUpdate) -> UpdatedParameter = { .init(value: $0.value, slots: $0.slots) }

  init(
    name: String = "faulty", slots: [String] = ["slot"], type: TensorType? = nil,
    _ body: @escaping @Sendable (ParameterUpdate) -> UpdatedParameter = {
      .init(value: $0.value, slots: $0.slots)
    }
  ) {
    self.name = name
    self.slots = slots
    self.type = type
    self.body = body
  }

  func slots(for part: TrainedPart) -> [OptimizerSlot] {
    slots.map { OptimizerSlot($0, type: type ?? part.type) }
  }

  func update(_ update: ParameterUpdate) -> UpdatedParameter { body(update) }
}
