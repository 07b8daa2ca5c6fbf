package import FirnGraph

/// How a bound graph is run: steps in order, and where every buffer lives.
///
/// Immutable; a run only follows it.
package struct Plan: Sendable {
  /// Where the bytes of one buffer are.
  package enum Placement: Sendable {
    /// At this offset of the arena, or of the loop's part of it.
    case arena(Int)
    /// Data of the graph itself.
    case constant(NDArray)
    /// The placeholder at this position of `feeds`.
    case feed(Int)
    case variable(String)
    case randomState
    /// The value of this name of the bound program.
    case bound(String)
    /// Set by the enclosing loop, anew for every iteration where it moves.
    case external
  }

  /// One node to run.
  package struct Step: Sendable {
    package var name: String
    /// Where the node was made, for errors of a run; nil where nothing says it.
    package var location: CallSite?
    package var operands: [Int]
    package var results: [Int]
    package var resultTypes: [ArrayType]
    /// For each result the operands whose buffer it may take over.
    package var inPlace: [[Int]] = []
    /// Arithmetic of running it once; for a loop, of all its iterations.
    package var flops = 0
    /// Offset of its scratch in the arena.
    package var workspace: Int
    package var workspaceBytes: Int
    package var work: Work
    /// Of a loop in shares that can fail: the whole loop, run after a share has failed to say what failed first.
    ///
    /// It has the scratch of the shares.
    package var whole: Loop?
    /// What is looked at where numerics are checked.
    package var check = NumericCheck()
  }

  package indirect enum Work: Sendable {
    case kernel(Kernel)
    /// One loop, or one for each share of the rows of what it goes over, that run side by side and share nothing they
    /// write.
    case loops([Loop])
  }

  /// A loop and how its body's buffers hang on the outer ones.
  package struct Loop: Sendable {
    package var body: Plan
    /// The rows it makes; nil for all there are.
    package var rows: Range<Int>?
    /// Offset of its arena in the step's scratch.
    package var workspace = 0
    package var length: Int
    package var isReversed: Bool
    package var index: Int?
    package var carries: [Carry]
    package var slices: [Moving]
    package var captures: [Capture]
    package var outputs: [Output]

    package struct Carry: Sendable {
      package var initial: Int
      /// The outer result, which is the carry's buffer throughout where it has no home.
      package var final: Int
      package var parameter: Int?
      package var next: Int
      package var byteCount: Int
      /// Where its rows begin.
      package var offset = 0
      /// A stacked output in which it lives, so that no step copies it.
      package var home: Home?
    }

    /// A stacked output that holds what a carry is in each step: each step finds it where it was stacked.
    package enum Home: Sendable, Equatable {
      /// The output stacks the carry as steps find it: a step writes the next one where the following step's is.
      case found(output: Int)
      /// The output stacks the next carry: a step reads where the one before wrote.
      case made(output: Int)
    }

    package struct Capture: Sendable {
      package var outer: Int
      package var inner: Int
      package var offset = 0
    }

    package struct Moving: Sendable {
      package var outer: Int
      package var inner: Int
      package var stride: Int
      package var offset = 0
    }

    package struct Output: Sendable {
      package var outer: Int
      package var inner: Int
      package var stride: Int
      package var byteCount: Int
      package var offset = 0
      /// Whether the step's part of the stacked result is the body's buffer, rather than a copy of it.
      package var isDirect: Bool
    }
  }

  package struct Port: Sendable {
    package var name: String
    package var slot: Int
    package var type: ArrayType
  }

  /// What is written into a variable when the run ends.
  package struct Commit: Sendable {
    /// The variable's.
    package var name: String
    /// Where the values are.
    package var slot: Int
    /// Of the values.
    package var type: ArrayType
    /// The rows that may be written; nil where the values are the whole.
    package var rows: Range<Int>?
    /// Where it stands which row each is; nil where they are all of `rows`.
    package var indices: Int?
    /// Whether a step has written it over the variable's old value, so that nothing is left to be copied.
    package var isInPlace = false
  }

  package var placements: [Placement]
  package var steps: [Step]
  package var feeds: [Port]
  package var outputs: [Port]
  /// Variables written when the run ends.
  package var commits: [Commit]
  /// Bytes of working memory a run takes.
  package var arenaBytes: Int
  /// The largest sum of bytes that are needed at one step, which no layout can be smaller than; loops' bodies as they
  /// were laid out.
  package var leastArenaBytes: Int
}

extension Plan.Loop {
  /// The same loop among outer buffers that have other numbers.
  func mappingOuter(_ slot: (Int) -> Int) -> Plan.Loop {
    var loop = self
    for index in carries.indices {
      loop.carries[index].initial = slot(carries[index].initial)
      loop.carries[index].final = slot(carries[index].final)
    }
    for index in slices.indices { loop.slices[index].outer = slot(slices[index].outer) }
    for index in captures.indices { loop.captures[index].outer = slot(captures[index].outer) }
    for index in outputs.indices { loop.outputs[index].outer = slot(outputs[index].outer) }
    return loop
  }
}

extension Plan {
  /// Steps, those of loops' bodies included.
  package var stepCount: Int {
    steps.reduce(0) { count, step in
      if case .loops(let loops) = step.work {
        loops.reduce(count + 1) { $0 + $1.body.stepCount }
      } else {
        count + 1
      }
    }
  }

  /// Arithmetic of one run.
  package var flops: Int { steps.reduce(0) { $0.saturatingSum($1.flops) } }
}

extension Plan: CustomStringConvertible {
  /// A listing: placements, then steps.
  package var description: String {
    var lines = ["arena \(arenaBytes) bytes"]
    for (slot, placement) in placements.enumerated() {
      switch placement {
      case .arena(let offset): lines.append("buffer \(slot) at \(offset)")
      case .constant(let array): lines.append("buffer \(slot) constant \(array.type)")
      case .feed(let index): lines.append("buffer \(slot) feed \(feeds[index].name)")
      case .variable(let name): lines.append("buffer \(slot) variable \(name)")
      case .bound(let name): lines.append("buffer \(slot) bound \(name)")
      case .randomState: lines.append("buffer \(slot) random state")
      case .external: lines.append("buffer \(slot) external")
      }
    }
    for step in steps {
      lines.append("\(step.name) \(step.operands) -> \(step.results)")
      if case .loops(let loops) = step.work {
        for loop in loops {
          let rows = loop.rows.map { ", rows \($0)" } ?? ""
          lines.append("  \(loop.length) times" + rows)
          lines += loop.body.description.split(separator: "\n").map { "  " + $0 }
        }
      }
    }
    return lines.joined(separator: "\n")
  }
}
