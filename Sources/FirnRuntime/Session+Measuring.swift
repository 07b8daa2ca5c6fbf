package import FirnGraph

/// What tests and benchmarks measure.
extension Session {
  /// How often runs so far have handed work to other threads and waited for it.
  package var barrierCount: Int { workers.barrierCount }

  /// The steps of a run alone, on what was fed last: nothing is copied in or out, and no variable changes: what steps
  /// write over are copies, which go on from one call to the next.
  ///
  /// For measurements; the program must have been run with this binding before.
  package func steps(
    of program: Program, binding: DimBinding
  ) throws(FirnError) -> () throws(FirnError) -> Void {
    try requireOwn(program)
    let execution = try self.execution(of: program, binding: binding)
    var copies = store.forked()
    // Now, since copying is not what is measured.
    try execution.bind(to: &copies)
    return { () throws(FirnError) in
      try execution.bind(to: &copies)
      try execution.run(checksNumerics: false)
    }
  }
}
