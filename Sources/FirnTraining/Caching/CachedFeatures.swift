import FirnCompiler
import FirnGraph
import FirnRuntime
import FirnWorlds

/// A program over one data set, its frozen features stored: what a training loop asks for batches.
final class CachedFeatures {
  /// What is run in the place of the program.
  let step: Program
  /// Where the program is divided.
  let cut: FrozenBoundary.Cut
  let data: DataSet
  let divided: DividedProgram
  let layout: FeatureLayout
  private let session: Session
  private let constants: Feeds
  private let place: FeaturePlace
  private let digests: ExampleDigests
  private let prefixColumns: [Feeds.Entry]
  private let stepColumns: [Feeds.Entry]
  private let prefixConstants: [Feeds.Entry]
  private let stepConstants: [Feeds.Entry]
  /// How many examples the prefix is to be fed; nil for any number.
  let fixedCount: Int?
  private var store: any FeatureStore
  /// The versions of the frozen variables that `store` is of.
  private var revisions: [Int]
  /// Where these variables stand in the session.
  private let variablePlaces: [Int]
  /// By example, the number of its record as far as it was looked for; -1 where it was not, or is not there.
  private var places: [Int]
  /// How many examples went through the prefix so far.
  private(set) var computedCount = 0
  /// By example, whether all members of a world were handed its record.
  private var isHandedOut: [Bool]

  /// - Parameters:
  ///   - constants: what the program is fed besides, the same in every run.
  ///   - trained: variables that move besides those the program writes.
  /// - Throws: `.invalidArgument` where nothing can be cached or the features do not fit, with the reasons; as a run
  ///   does where the data does not fit the program.
  init(
    _ program: Program, over data: DataSet, in session: Session, _ caching: Caching,
    constants: Feeds = [:], trained: Set<String> = []
  ) throws(FirnError) {
    try caching.validate()
    let prefix = try session.frozenPrefix(
      of: program, columns: data.sample(for: program), constants: constants, trained: trained)
    let cut = try prefix.cut(for: caching, examples: data.count)
    self.cut = FrozenBoundary.Cut(cut, of: prefix)
    divided = try session.divide(program, prefix, at: cut)
    (step, place) = (divided.step, caching.place)
    (self.session, self.data, self.constants) = (session, data, constants)
    layout = FeatureLayout(divided.ports)
    let (before, after) = (Set(divided.prefix.placeholderNames), Set(divided.step.placeholderNames))
    prefixColumns = data.columns.filter { before.contains($0.name) }
    stepColumns = data.columns.filter { after.contains($0.name) }
    prefixConstants = constants.entries.filter { before.contains($0.name) }
    stepConstants = constants.entries.filter { after.contains($0.name) }
    fixedCount = divided.count
    digests = place.digests(of: prefixColumns.map { ($0.name, $0.array) })
    variablePlaces = session.places(of: divided.variables)
    (store, revisions) = try Self.open(divided, layout, constants, place, session)
    places = Array(repeating: -1, count: data.count)
    isHandedOut = Array(repeating: false, count: data.count)
  }

  private static func open(
    _ divided: DividedProgram, _ layout: FeatureLayout, _ constants: Feeds, _ place: FeaturePlace,
    _ session: Session
  ) throws(FirnError) -> (any FeatureStore, [Int]) {
    var digest = Digest()
    digest.add("firn features 4")
    // Not all kernels make the same last bits on all of them.
    digest.add(Session.instructionSet)
    digest.add(divided.text)
    for port in divided.ports {
      digest.add("\(port.name) \(port.axis) \(port.outer) \(port.inner) \(port.type)")
    }
    for name in divided.variables {
      digest.add(name)
      digest.add(try place.contents(of: name, in: session))
    }
    let names = Set(divided.prefix.placeholderNames)
    for constant in constants.entries where names.contains(constant.name) {
      digest.add(constant.name)
      digest.add(constant.array)
    }
    let store = place.store(
      of: FeatureKey(&digest), recordSize: layout.recordSize, warn: session.onWarning)
    return (store, divided.variables.map { session.revision(of: $0) })
  }

  /// What `step` is to be fed for these examples, in this order; what of them is not stored is computed and stored.
  ///
  /// - Throws: `.indexOutOfRange` for what is no example, and what a run throws.
  func feeds(_ indices: [Int]) throws(FirnError) -> Feeds {
    var entries = try stepColumns.map { column throws(FirnError) in
      (column.name, try column.array.rows(indices), column.home)
    }
    let values: [NDArray]
    if let stored = try storedValues(indices) {
      values = stored
    } else {
      let bytes = try records(indices)
      values = try layout.values(
        of: UnsafeRawBufferPointer(start: bytes.pointer, count: bytes.byteCount), count: indices.count)
    }
    for (port, value) in zip(divided.ports, values) {
      entries.append((port.placeholder, value, nil))
    }
    return Feeds(entries: entries + stepConstants)
  }

  /// The values of a batch straight from where they are stored; nil where one of them is not in memory.
  private func storedValues(_ indices: [Int]) throws(FirnError) -> [NDArray]? {
    try follow()
    // Looked at once: this is done in each step of a head that takes a few microseconds.
    let places = places
    var records: [Int] = []
    records.reserveCapacity(indices.count)
    for example in indices {
      guard places.indices.contains(example), places[example] >= 0 else { return nil }
      records.append(places[example])
    }
    guard let bytes = store.bytes(of: records) else { return nil }
    return try layout.values(of: bytes)
  }

  /// The records of these examples, one behind the other.
  func records(_ indices: [Int]) throws(FirnError) -> Storage {
    if let outside = indices.first(where: { !places.indices.contains($0) }) {
      throw FirnError(
        .indexOutOfRange, "there is no example \(outside)",
        remedy: "choose examples of 0 to \(data.count - 1)")
    }
    try follow()
    // Other members of the world have computed some since.
    if session.world.size > 1, store.isSeenByOthers, indices.contains(where: { record(of: $0) == nil }) {
      store.lookAgain()
    }
    try prove(indices)
    let size = layout.recordSize
    let bytes = Storage(byteCount: size.saturatingProduct(indices.count))
    let buffer = UnsafeMutableRawBufferPointer(start: bytes.pointer, count: bytes.byteCount)
    // Where the records go of those that are not stored; an example may be asked for twice.
    var missing: [Int] = []
    var rows: [Int: [Int]] = [:]
    for (row, example) in indices.enumerated() {
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[row * size..<(row + 1) * size])
      if let record = record(of: example), store.read(record, into: target) { continue }
      if rows[example] == nil { missing.append(example) }
      rows[example, default: []].append(row)
    }
    for part in parts(of: missing, batch: indices.count) {
      let made = try compute(part)
      let numbers = made.withUnsafeBytes { store.keep($0, under: part.map { digests[$0] }) }
      for (place, example) in part.enumerated() {
        places[example] = numbers?[place] ?? -1
        for row in rows[example] ?? [] where size > 0 {
          made.withUnsafeBytes { made in
            UnsafeMutableRawBufferPointer(rebasing: buffer[row * size..<(row + 1) * size])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: made[place * size..<(place + 1) * size]))
          }
        }
      }
    }
    return bytes
  }

  /// Has each member of a world compute its part of the examples of a batch whose features are not known to all, and
  /// hand them to the others: once for each example.
  ///
  /// Where members find each other's records in a folder, those are not sent: each computes its part of what is not
  /// there, and takes in what the others have put there when all have. All call it at the same place.
  ///
  /// - Parameter batch: the examples of all members together.
  /// - Throws: `.world` where a member is gone; what a run throws.
  func handOut(_ batch: [Int]) throws(FirnError) {
    let (rank, members) = (session.world.rank, session.world.size)
    guard members > 1 else { return }
    try follow()
    let missing = batch.filter { isHandedOut.indices.contains($0) && !isHandedOut[$0] }
    if missing.isEmpty { return }
    func part(_ rank: Int) -> [Int] { stride(from: rank, to: missing.count, by: members).map { missing[$0] } }
    var bytes: [UInt8] = []
    do throws(FirnError) {
      if store.isSeenByOthers {
        let new = part(rank).filter { record(of: $0) == nil }
        if !new.isEmpty { _ = try records(new) }
      } else {
        let own = try records(part(rank))
        bytes = Array(UnsafeRawBufferPointer(start: own.pointer, count: own.byteCount))
      }
    } catch {
      // The others wait for it.
      throw session.told(error)
    }
    let all = try session.collecting(bytes)
    if store.isSeenByOthers {
      store.lookAgain()
    } else {
      for (other, records) in all.enumerated() where other != rank { keep(records, of: part(other)) }
    }
    for example in missing { isHandedOut[example] = true }
  }

  /// Keeps what another member has computed, but for what is here already.
  private func keep(_ records: [UInt8], of examples: [Int]) {
    let size = layout.recordSize
    for (place, example) in examples.enumerated()
    where size * (place + 1) <= records.count && record(of: example) == nil {
      let kept = records.withUnsafeBytes {
        store.keep(
          UnsafeRawBufferPointer(rebasing: $0[size * place..<size * (place + 1)]), under: [digests[example]])
      }
      places[example] = kept?.first ?? -1
    }
  }

  private func record(of example: Int) -> Int? {
    if places[example] < 0 { places[example] = store.record(of: digests[example]) ?? -1 }
    return places[example] < 0 ? nil : places[example]
  }

  /// The examples in parts of few sizes, since each has a plan of its own: all of a batch, or powers of two.
  private func parts(of examples: [Int], batch: Int) -> [[Int]] {
    if let fixedCount {
      return stride(from: 0, to: examples.count, by: max(1, fixedCount)).map {
        Array(examples[$0..<min($0 + fixedCount, examples.count)])
      }
    }
    if examples.isEmpty { return [] }
    if examples.count == batch { return [examples] }
    var parts: [[Int]] = []
    var rest = examples[...]
    while !rest.isEmpty {
      var size = 1
      while size * 2 <= rest.count { size *= 2 }
      parts.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return parts
  }

  /// The records of examples, one behind the other.
  private func compute(_ examples: [Int]) throws(FirnError) -> [UInt8] {
    var fed = examples
    // A batch of fixed size is filled up; whatever stands in other rows, these are the same.
    if let fixedCount, let first = examples.first {
      fed += Array(repeating: first, count: max(0, fixedCount - examples.count))
    }
    let entries = try prefixColumns.map { column throws(FirnError) in
      (column.name, try column.array.rows(fed), column.home)
    }
    let values = try session.runUncounted(
      divided.prefix, feeding: Feeds(entries: entries + prefixConstants))
    computedCount += examples.count
    var made = [UInt8](repeating: 0, count: layout.recordSize * examples.count)
    made.withUnsafeMutableBytes { layout.gather(values, count: examples.count, into: $0) }
    return made
  }

  /// Looks for other records where a frozen variable was given another value.
  private func follow() throws(FirnError) {
    if session.isStill(at: variablePlaces, revisions) { return }
    (store, revisions) = try Self.open(divided, layout, constants, place, session)
    places = Array(repeating: -1, count: data.count)
    isHandedOut = Array(repeating: false, count: data.count)
  }

  /// Computes one of the examples that each of the others has stored, as another version of the kernels may have made
  /// another last bit: then what that process has stored is of no use.
  private func prove(_ indices: [Int]) throws(FirnError) {
    for example in indices {
      guard let record = record(of: example), store.isDoubtful(record) else { continue }
      var stored = [UInt8](repeating: 0, count: layout.recordSize)
      guard stored.withUnsafeMutableBytes({ store.read(record, into: $0) }) else { continue }
      if try compute([example]) == stored {
        store.trustMaker(of: record)
        continue
      }
      session.onWarning(
        "features that another version of Firn has stored are other ones: they are computed anew")
      store.rejectMaker(of: record)
      places = Array(repeating: -1, count: data.count)
    }
  }
}

extension Program {
  /// What its runs must be fed.
  fileprivate var placeholderNames: [String] { graph.placeholders.map(\.name) }
}

extension DataSet {
  /// As few examples as a run of `program` takes.
  fileprivate func sample(for program: Program) throws(FirnError) -> Feeds {
    let names = Set(columns.map(\.name))
    let fixed = program.graph.placeholders.first { names.contains($0.name) }?.type.shape.first?.value
    return try feeds(Array(repeating: 0, count: fixed ?? 1))
  }
}
