/// An op the interpreter can run without knowing it: it makes a kernel for concrete types.
package protocol KernelOp: Op {
  /// The code for these types: `f32` by fast kernels, `f64` by a plain scalar path, where the op is defined for them.
  func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel
}

/// Prepared code for one node: everything that depends on shapes is worked out when it is made, so that running it
/// allocates nothing.
package struct Kernel: Sendable {
  /// Scratch it wants for each worker, a multiple of 64; contents do not survive the call.
  ///
  /// Whoever runs it provides `workspaceBytes * workers.count` bytes aligned to 64: worker `w` uses the part that
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

/// The buffers of one execution of a kernel.
package struct KernelCall: ~Copyable {
  private let table: UnsafePointer<UnsafeMutableRawPointer>
  private let operandSlots: UnsafePointer<Int>
  private let resultSlots: UnsafePointer<Int>
  package let workspace: UnsafeMutableRawPointer
  package let workers: any Workers

  package init(
    table: UnsafePointer<UnsafeMutableRawPointer>, operandSlots: UnsafePointer<Int>,
    resultSlots: UnsafePointer<Int>, workspace: UnsafeMutableRawPointer, workers: any Workers
  ) {
    self.table = table
    self.operandSlots = operandSlots
    self.resultSlots = resultSlots
    self.workspace = workspace
    self.workers = workers
  }

  package func operand<Element>(_ index: Int, as type: Element.Type = Element.self) -> UnsafePointer<Element>
  {
    UnsafePointer(table[operandSlots[index]].assumingMemoryBound(to: Element.self))
  }

  package func result<Element>(_ index: Int = 0, as type: Element.Type = Element.self)
    -> UnsafeMutablePointer<Element>
  {
    table[resultSlots[index]].assumingMemoryBound(to: Element.self)
  }
}

/// Splits work that is independent along one axis.
package protocol Workers: AnyObject, Sendable {
  /// How many pieces can run at once; `workspace` of a parallel kernel holds one part for each.
  var count: Int { get }

  /// Calls `body` on ranges that together cover `0..<count`, each of at least `grain` but the last; the second
  /// argument is the worker's number. Results must not depend on where the ranges are cut.
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void)
}
