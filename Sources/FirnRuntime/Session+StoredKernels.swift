public import FirnCompiler
public import FirnGraph

extension Session {
  /// What a program computes once and holds in a smaller type, with what that changes in the results of a batch.
  ///
  /// The batch is run twice in inference mode, with kernels as stored and as `f32`; for each fetch of floating point, and
  /// each loss, the distance of the two is told. Variables, slots and the number of runs stay as they are.
  ///
  ///     let report = try session.frozenReport(of: program, measuredOn: [x: images, y: labels])
  ///     print(report)
  ///
  /// - Parameters:
  ///   - program: one that was compiled with `storingFrozen:`.
  ///   - feeds: a batch, as for a run.
  /// - Throws: `.invalidArgument` for a program that stores nothing, or was compiled by another session; what compiling
  ///   and running throw.
  /// - Complexity: two compilations and two runs.
  public func frozenReport(
    of program: Program, measuredOn feeds: Feeds
  ) throws(FirnError) -> FrozenReport {
    try requireOwn(program)
    let context = program.compilation.context
    guard context.request.storingFrozen != nil else {
      throw FirnError(
        .invalidArgument, "the program holds its kernels as `f32`: there is nothing to measure",
        remedy: "compile it with `storingFrozen:`")
    }
    var request = context.request
    request.fetches += request.training?.losses ?? []
    request.training = nil
    request.isTrainingMode = false
    // What the program trains it does not store.
    request.movedElsewhere = Set(program.writtenVariables)
    (request.keepingTrainingMode, request.keepingInferenceMode) = (nil, nil)
    (request.freezing, request.thawing) = (nil, nil)
    request.trainability = request.together ?? context.trainability
    let stored = try self.program(request, fetches: program.fetches)
    request.storingFrozen = nil
    let full = try self.program(request, fetches: program.fetches)
    // Fetched assignments write.
    let snapshot = full.writtenVariables.isEmpty ? nil : try self.snapshot()
    let got = try undoing(snapshot) { () throws(FirnError) in try run(stored, feeding: feeds) }
    let wanted = try undoing(snapshot) { () throws(FirnError) in try run(full, feeding: feeds) }
    var deviations: [StoredReport.Deviation] = []
    for (name, (a, b)) in zip(program.fetches, zip(got.arrays, wanted.arrays)) {
      guard let a, let b, a.dtype.isFloatingPoint else { continue }
      deviations.append(.init(of: name, a, from: b))
    }
    return FrozenReport(program.compilation).with(deviations)
  }

  /// What `body` returns; the number of runs, and what was written, is as it was before.
  private func undoing(
    _ snapshot: Snapshot?, _ body: () throws(FirnError) -> Results
  ) throws(FirnError) -> Results {
    let before = runs
    defer { runs = before }
    let results: Results
    do throws(FirnError) {
      results = try body()
    } catch {
      if let snapshot { try restore(snapshot) }
      throw error
    }
    if let snapshot { try restore(snapshot) }
    return results
  }
}
