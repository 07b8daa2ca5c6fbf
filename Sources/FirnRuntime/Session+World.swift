import FirnCompiler
public import FirnGraph
import FirnNotation
import FirnOps
import FirnWorlds

/// What the members of a world have found alike, and what has moved apart since.
struct Agreement {
  /// The programs whose members have compared what they hold.
  fileprivate var programs: [WeakProgram] = []
  /// How often variables had been given values then.
  fileprivate var changes = -1
  /// State that runs have written, which each member moves by its own examples.
  var moved: Set<String> = []

  fileprivate struct WeakProgram {
    weak var identity: ProgramIdentity?
  }

  /// Notes that a run has written these variables.
  mutating func note(_ names: some Sequence<String>, in store: VariableStore) {
    for name in names where store[name]?.variable.kind == .state { moved.insert(name) }
  }
}

extension Session {
  /// Makes state that training has moved, such as moving averages, the same on all members.
  ///
  /// Numbers of floating point become their mean over the members, summed in the order of ranks; others those of rank
  /// 0. All members call it at the same place. `Trainer` does before each checkpoint and when a training ends; where a
  /// session is alone nothing happens.
  ///
  /// - Throws: `.world` where a member is gone.
  public func makeStateEqual() throws(FirnError) {
    guard world.size > 1, !agreement.moved.isEmpty else { return }
    let names = store.variables.map(\.name).filter(agreement.moved.contains)
    for name in names {
      let value = try store.value(of: name)
      let type = value.type
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, type.byteCount), alignment: 64)
      value.withUnsafeBytes { if !$0.isEmpty { copy.copyMemory(from: $0) } }
      guard let start = copy.baseAddress else { continue }
      func average<T: BinaryFloatingPoint>(_: T.Type) throws(FirnError) {
        try link.finish(link.startSum(start, count: type.elementCount, of: type.dtype))
        let elements = start.assumingMemoryBound(to: T.self)
        let divisor = T(world.size)
        for index in 0..<type.elementCount { elements[index] /= divisor }
      }
      do throws(FirnError) {
        switch type.dtype {
        case .f32: try average(Float.self)
        case .f64: try average(Double.self)
        case .i32, .bool:
          try link.broadcast(UnsafeMutableRawBufferPointer(rebasing: copy[..<type.byteCount]), from: 0)
        }
      } catch {
        // Not given back: a message may still be on its way there.
        throw told(error)
      }
      store.write(start, to: name, by: workers)
      copy.deallocate()
    }
    agreement.moved = []
  }

  /// How much a run weighs among those of all members.
  func exchangeWeight() throws(FirnError) -> CompilationRequest.Exchange.Weight {
    if let weighing { return .value(try value(weighing)) }
    let counting = try Dim.ofExamples(
      in: graph.definition.placeholders.map(\.type.shape), remedy: "give the session `weighingBy:` a scalar")
    return counting.map { .extent($0) } ?? .one
  }

  // MARK: Agreeing

  /// Compares what all members hold, before the first run of a program and after variables were given values.
  ///
  /// - Throws: `.world` with what differs, and the ranks.
  func agree(on program: Program) throws(FirnError) {
    let isKnown = agreement.programs.contains { $0.identity === program.identity }
    if isKnown, agreement.changes == store.changes { return }
    try makeStateEqual()
    let own = try digests(of: program).map { "\($0.kind)\t\($0.name)\t\($0.digest)" }
    let world = self.world
    let all: [String]
    do throws(FirnError) {
      all = try WorldLink.translating { () throws(WorldError) in
        try world.gather(comparing: own.joined(separator: "\n"))
      }
    } catch {
      throw isKnown ? loadedAlone(error) : error
    }
    store.forgetGiven()
    if let difference = Self.difference(all) { throw difference }
    if agreement.changes != store.changes { agreement.programs = [] }
    agreement.programs.removeAll { $0.identity == nil }
    agreement.programs.append(.init(identity: program.identity))
    agreement.changes = store.changes
  }

  /// What others did not join in comparing, with what made this member compare.
  private func loadedAlone(_ error: FirnError) -> FirnError {
    let names = store.givenNames
    guard !names.isEmpty else { return error }
    var error = error
    let more = names.count > 3 ? " and \(names.count - 3) more" : ""
    error.message +=
      "; since the last step rank \(world.rank) was given values of "
      + names.prefix(3).map { "`\($0)`" }.joined(separator: ", ") + more
    error.place = error.place ?? names[0]
    return error
  }

  /// What must be alike: by kind, name and digest.
  private func digests(
    of program: Program
  ) throws(FirnError) -> [(kind: String, name: String, digest: String)] {
    // What is computed once has read the frozen variables that the step does not.
    let (graph, bound) = (program.compilation.graph, program.compilation.bound)
    let request = program.compilation.context.request
    let selection =
      [request.freezing, request.thawing, request.keepingTrainingMode, request.keepingInferenceMode]
      .map { $0.map { "\($0)" } ?? "nothing" }.joined(separator: "; ")
      + (request.storingFrozen.map { "; \($0)" } ?? "")
    let trained = program.trainedParts.map(\.description).joined(separator: ", ")
    var result = [
      ("version", "of Firn", FirnVersion.text),
      ("graph", "the graph", BitDigest.of(request.graph.text)),
      ("selection", "what is trained", BitDigest.of(selection + "; " + trained)),
      ("program", "the program", BitDigest.of(graph.text + bound.text)),
    ]
    var seen: Set<String> = []
    for node in bound.nodes + graph.nodes where !node.traits.isDisjoint(with: [.reads, .writes]) {
      let name: String
      switch node.op.effect {
      case .reads(let variable), .writes(let variable): name = variable
      default: continue
      }
      guard seen.insert(name).inserted else { continue }
      var digest = BitDigest()
      try store.value(of: name).withUnsafeBytes { digest.update($0) }
      result.append(("variable", name, digest.text))
    }
    result.append(("runs", "the number of runs", "\(runs)"))
    return result
  }

  /// Compares what else is to be the same on all members, such as what they train on; all call it at the same place.
  ///
  /// - Throws: `.world` with what differs, and the ranks.
  package func requireAlike(_ facts: [(name: String, value: String)]) throws(FirnError) {
    guard world.size > 1 else { return }
    let own = facts.map { "data\t\($0.name)\t\($0.value)" }.joined(separator: "\n")
    let all = try collecting(Array(own.utf8)).map { String(decoding: $0, as: UTF8.self) }
    if let difference = Self.difference(all) { throw told(difference) }
  }

  /// The first thing that members hold differently.
  private static func difference(_ texts: [String]) -> FirnError? {
    if texts.allSatisfy({ $0 == texts[0] }) { return nil }
    let lists = texts.map { text in
      text.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    }
    for place in 0..<(lists.map(\.count).max() ?? 0) {
      let lines = lists.map { $0.indices.contains(place) ? $0[place] : [] }
      if lines.allSatisfy({ $0 == lines[0] }) { continue }
      let fields = lines.first { $0.count == 3 } ?? []
      let (kind, name) = (String(fields.first ?? ""), String(fields.dropFirst().first ?? ""))
      var groups: [(digest: String, ranks: [Int])] = []
      for (rank, line) in lines.enumerated() {
        let digest = line.count == 3 ? String(line[2]) : "nothing"
        if let known = groups.firstIndex(where: { $0.digest == digest }) {
          groups[known].ranks.append(rank)
        } else {
          groups.append((digest, [rank]))
        }
      }
      let who = groups.map { group in
        let ranks = group.ranks.map(String.init)
        return (ranks.count == 1 ? "rank " : "ranks ") + ranks.joined(separator: ", ") + ": " + group.digest
      }.joined(separator: "; ")
      return error(kind, name, who)
    }
    return nil
  }

  private static func error(_ kind: String, _ name: String, _ who: String) -> FirnError {
    switch kind {
    case "variable":
      FirnError(
        .world, "the members hold different values of `\(name)`: \(who)",
        remedy: "give all sessions one seed, and load the same files on all ranks", place: name)
    case "selection":
      FirnError(
        .world, "the members train different variables: \(who)",
        remedy: "compile with the same selections on all ranks")
    case "data":
      FirnError(
        .world, "\(name) is not the same on all members: \(who)",
        remedy:
          "give all ranks the same files, options and seeds: each trains on its own part of the same examples"
      )
    case "version":
      FirnError(.world, "the members are of different versions of Firn: \(who)", remedy: "start one program")
    case "runs":
      FirnError(
        .world, "the members have made different numbers of runs: \(who)",
        remedy: "resume from the same checkpoint on all ranks, and run the same programs")
    default:
      FirnError(
        .world, "\(name) is not the same on all members: \(who)",
        remedy: "build and compile the same on all ranks; `program.graph.text` prints what was compiled")
    }
  }

  /// Has rank 0 do something for all, who wait until it is done; whoever is alone does it.
  package func byFirstMember(_ body: () throws(FirnError) -> Void) throws(FirnError) {
    guard world.size > 1 else { return try body() }
    do throws(FirnError) {
      if world.rank == 0 { try body() }
      let world = self.world
      try WorldLink.translating { () throws(WorldError) in try world.meet() }
    } catch {
      throw told(error)
    }
  }

  /// What each member hands in, in the order of ranks; all call it at the same place.
  package func collecting(_ own: [UInt8]) throws(FirnError) -> [[UInt8]] {
    guard world.size > 1 else { return [own] }
    do throws(FirnError) {
      let world = self.world
      return try WorldLink.translating { () throws(WorldError) in try world.gather(own) }
    } catch {
      throw told(error)
    }
  }

  // MARK: Running along

  /// One step of a member that has no example: it runs along with the others, and what would only be its own doing is
  /// undone.
  func runAlong(_ program: Program, feeding feeds: Feeds) throws(FirnError) -> Results {
    // Held, they are copied before they are written.
    let before = try program.ownState.map { name throws(FirnError) in (name, try store.value(of: name)) }
    let results = try step(program, feeding: feeds)
    for (name, value) in before {
      value.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress, !bytes.isEmpty { store.write(start, to: name, by: workers) }
      }
    }
    return results
  }

  // MARK: Failing

  /// Ends the other members too, and says why once.
  package func told(_ error: FirnError) -> FirnError {
    let error = describesFault(error)
    let place = error.place.map { " at `\($0)`" } ?? ""
    let remedy = error.remedy ?? "see what rank \(world.rank) says"
    world.abort(WorldError(rank: world.rank, error.message + place, remedy: remedy))
    world.settle()
    return error
  }
}
