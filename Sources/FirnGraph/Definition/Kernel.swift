/// An op the interpreter can run without knowing it: it makes a kernel for concrete types.
package protocol KernelOp: Op {
  /// The code for these types: `f32` by fast kernels, `f64` by a plain scalar path, where the op is defined for them.
  func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel
}

/// Prepared code for one node: everything that depends on shapes is worked out when it is made, so that running it
/// allocates nothing.
///
/// A class, so that who holds one for a plan's life runs it without counting references: what never changes in it needs
/// none.
package final class Kernel: Sendable {
  /// Scratch it wants for each worker, a multiple of 64; contents do not survive the call.
  ///
  /// Whoever runs it provides `workspaceBytes` for each of the workers, aligned to 64: worker `w` uses the part that
  /// begins at `w * workspaceBytes`.
  package let workspaceBytes: Int
  package let run: @Sendable (borrowing KernelCall) throws(FirnError) -> Void

  package init(
    workspaceBytes: Int = 0, run: @escaping @Sendable (borrowing KernelCall) throws(FirnError) -> Void
  ) {
    self.workspaceBytes = workspaceBytes
    self.run = run
  }
}

/// The buffers of one execution of a kernel, and the workers it may hand pieces to.
package struct KernelCall: ~Copyable {
  private let table: UnsafePointer<UnsafeMutableRawPointer>
  private let operandSlots: UnsafePointer<Int>
  private let resultSlots: UnsafePointer<Int>
  package let workspace: UnsafeMutableRawPointer
  private let workers: UnretainedWorkers
  private let splitsAll: Bool

  /// - Parameters:
  ///   - workers: outlive the call: its maker holds them.
  ///   - splitsAll: whether work is handed out however little there is, which tests want.
  package init(
    table: UnsafePointer<UnsafeMutableRawPointer>, operandSlots: UnsafePointer<Int>,
    resultSlots: UnsafePointer<Int>, workspace: UnsafeMutableRawPointer, workers: UnretainedWorkers,
    splitsAll: Bool = false
  ) {
    self.table = table
    self.operandSlots = operandSlots
    self.resultSlots = resultSlots
    self.workspace = workspace
    self.workers = workers
    self.splitsAll = splitsAll
  }

  /// The members that compute together, of which whoever runs this is one; nil where it is alone.
  package var world: (any Collectives)? { workers.world }

  package func operand<Element>(_ index: Int, as type: Element.Type = Element.self) -> UnsafePointer<Element>
  {
    UnsafePointer(table[operandSlots[index]].assumingMemoryBound(to: Element.self))
  }

  package func result<Element>(_ index: Int = 0, as type: Element.Type = Element.self)
    -> UnsafeMutablePointer<Element>
  {
    table[resultSlots[index]].assumingMemoryBound(to: Element.self)
  }

  /// Calls `body` on ranges that together cover `0..<count`, each of at least `grain`, and with the number of the worker
  /// that runs it; here and now where there is no more than one.
  ///
  /// Work is split along an axis that is not reduced: where it is cut changes no bit.
  @inline(__always)
  package borrowing func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    if workers.count == 1 || count / 2 < grain && !splitsAll {
      if count > 0 { body(0..<count, 0) }
    } else {
      workers.split(count, grain: grain, body)
    }
  }
}

/// Splits work that is independent along one axis.
package protocol Workers: AnyObject, Sendable {
  /// How many pieces can run at once; `workspace` of a parallel kernel holds one part for each.
  var count: Int { get }

  /// Calls `body` on ranges that together cover `0..<count`, each of at least `grain`; the second argument is the
  /// worker's number. Results must not depend on where the ranges are cut.
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void)

  /// The members that compute together, of which these workers are one's; nil where it is alone. Default: nil.
  var world: (any Collectives)? { get }
}

extension Workers {
  package var world: (any Collectives)? { nil }
}

/// Workers that somebody else holds, as plain words: asking them for something counts no reference, which calling a
/// member of `any Workers` does.
package struct UnretainedWorkers {
  private let type: any Workers.Type
  private let object: UnsafeRawPointer
  package let count: Int

  package init(_ workers: any Workers) {
    type = Swift.type(of: workers)
    object = UnsafeRawPointer(Unmanaged.passUnretained(workers as AnyObject).toOpaque())
    count = workers.count
  }

  package var world: (any Collectives)? { type.world(of: object) }

  package func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    type.split(count, grain: grain, body, by: object)
  }
}

extension Workers {
  fileprivate static func split(
    _ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void, by object: UnsafeRawPointer
  ) {
    Unmanaged<Self>.fromOpaque(object)._withUnsafeGuaranteedRef { $0.split(count, grain: grain, body) }
  }

  fileprivate static func world(of object: UnsafeRawPointer) -> (any Collectives)? {
    Unmanaged<Self>.fromOpaque(object)._withUnsafeGuaranteedRef { $0.world }
  }
}
