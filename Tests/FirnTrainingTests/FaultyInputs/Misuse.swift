import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// A public entry given what its type admits and sense does not; a result or an error becomes of it, never a trap.
struct Misuse<Value: Sendable>: Sendable {
  let name: String
  let attempt: @Sendable (Workbench, Value) throws -> Void

  init(_ name: String, _ attempt: @escaping @Sendable (Workbench, Value) throws -> Void) {
    self.name = name
    self.attempt = attempt
  }

  /// An expression, which is then compiled, counted and planned for batches of none and of two.
  static func building(
    _ name: String, _ build: @escaping @Sendable (Workbench, Value) throws -> [Tensor]
  ) -> Misuse {
    Misuse(name) { bench, value in
      let tensors = try build(bench, value)
      let program = try bench.session.compile(fetching: tensors)
      try program.examine()
    }
  }

  /// Does it with each value, and looks after each whether the session is as it was.
  func attempt(with values: [Value]) throws {
    for value in values {
      // A graph keeps its faults, so each has one of its own.
      let own = try Workbench()
      do {
        try attempt(own, value)
      } catch let fault as FirnError {
        for fault in fault.causes.isEmpty ? [fault] : fault.causes {
          #expect(fault.remedy != nil, "\(name), \(value): no remedy in\n\(fault)")
          #expect(!fault.message.contains("\n"), "\(name), \(value)")
        }
      }
      try own.expectUnharmed()
    }
  }
}

extension Program {
  /// What can be asked of it without running it.
  func examine() throws {
    let cost = cost
    for part in [cost.flops, cost.bytes, cost.keptBytes, cost.gradientBytes, cost.slotBytes] {
      if let number = part.value { #expect(number >= 0, "\(cost)") }
    }
    #expect(!cost.description.isEmpty && !graph.text.isEmpty && !graph.dot(DOTOptions(depth: .max)).isEmpty)
    for batch in [0, 2, 1 << 40, .max, -1] {
      let bound = graph.mapping(.binding(["batch": batch, "time": batch]))
      // What the plan refuses is no fault here; that it comes back is.
      guard let plan = try? Plan(bound) else { continue }
      #expect(plan.arenaBytes >= 0 && plan.flops >= 0)
    }
  }
}
