import FirnGraph
import FirnOps
import Testing

@testable import FirnRuntime

/// Labels and lengths of the loss of alignments, which is a loop.
@Suite struct AlignmentLabelsTests {
  enum Operand: CaseIterable { case labels, inputLengths, labelLengths }

  /// What names a class counts from no end, and lengths are within what they are of.
  @Test(arguments: Operand.allCases) func whatIsOutsideIsRefused(_ operand: Operand) throws {
    func run(_ numbers: [Int32]) throws {
      let graph = Graph()
      let given = graph.placeholder("given", shape: [2], dtype: .i32)
      let scores = graph.constant(NDArray([Double](repeating: -1, count: 12))).reshaped(to: [2, 2, 3])
      let labels = graph.constant(NDArray([1, 2] as [Int32])).reshaped(to: [2, 1])
      let loss =
        switch operand {
        case .labels: ctcLoss(logProbabilities: scores, labels: given.reshaped(to: [2, 1]))
        case .inputLengths: ctcLoss(logProbabilities: scores, labels: labels, inputLengths: given)
        case .labelLengths: ctcLoss(logProbabilities: scores, labels: labels, labelLengths: given)
        }
      let session = try Session(graph, threads: 1)
      try session.run(session.compile(fetching: [loss]), feeding: [given: NDArray(numbers)])
    }
    try run([1, 1])
    for outside in [-1, 4] as [Int32] {
      let error = #expect(throws: FirnError.self) { try run([1, outside]) }
      #expect(error?.code == .indexOutOfRange, "\(error as Any)")
    }
  }
}
