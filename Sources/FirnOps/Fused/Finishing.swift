internal import FirnGraph

/// An op that a fused program can begin with: it makes its elements by rows, and the program works on them before they
/// leave the cache.
protocol StartingOp: KernelOp {
  /// Its kernel, with what is done with its result; nothing where it is run by itself.
  ///
  /// What begins with it has no fewer operands and results, in another order: `finishing` says which are its own.
  func kernel(operands: [ArrayType], results: [ArrayType], finishing: Finishing?) -> Kernel
}

/// What a program does with what its start has made, by whole rows of the last axis, as soon as these are made.
///
/// Rows may be finished in any order and by any worker, each once.
struct Finishing: Sendable {
  private let runner: BlockRunner
  /// Which of a call's operands are those of the start.
  let operands: [Int]
  /// Which of a call's results the start makes its elements in.
  let home: Int

  init(runner: BlockRunner, operands: [Int], home: Int) {
    (self.runner, self.operands, self.home) = (runner, operands, home)
  }

  /// Scratch for each worker, a multiple of 64.
  var workspaceBytes: Int { runner.workspaceBytes }

  /// To be called once in a call, with the scratch of the first worker.
  func prepare(_ call: borrowing KernelCall, at scratch: UnsafeMutableRawPointer) {
    runner.prepare(call, at: scratch)
  }

  /// To be called by each worker that finishes something, with its own scratch and that of the first one.
  func begin(at scratch: UnsafeMutableRawPointer, shared: UnsafeMutableRawPointer) -> BlockRunner.Table {
    runner.begin(at: scratch, shared: shared)
  }

  func run(_ elements: Range<Int>, _ table: BlockRunner.Table) { runner.run(elements, table) }

  /// Finishes everything, after `prepare`; each worker has its scratch `step` bytes behind that of the one before.
  func runAll(_ call: borrowing KernelCall, _ scratch: UnsafeMutableRawPointer, step: Int) {
    if runner.count > 0 { runner.runAll(call, scratch, step: step) }
  }
}

extension Finishing? {
  /// The numbers of a start's two operands and of its result, in a call.
  var places: (a: Int, b: Int, result: Int) {
    self.map { ($0.operands[0], $0.operands[1], $0.home) } ?? (0, 1, 0)
  }
}

extension Kernel {
  /// Zeros, with what is done with them.
  static func zeros(_ type: ArrayType, _ finishing: Finishing?) -> Kernel {
    let (to, workspace) = (finishing.places.result, finishing?.workspaceBytes ?? 0)
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      fill(call.result(to, as: UInt8.self), type, with: 0)
      finishing?.prepare(call, at: call.workspace)
      finishing?.runAll(call, call.workspace, step: workspace)
    }
  }
}
