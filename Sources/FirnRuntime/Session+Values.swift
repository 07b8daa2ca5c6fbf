import FirnCompiler
public import FirnGraph
public import FirnNotation

/// Values of variables, one by one and by selection.
///
/// A reference names a variable by its declaration, the tensor that reads it or its path; a path may end in a block, such
/// as `lstm/bias[gate: forget]` or `table[0..<3]`. An optimiser's memory of one has a path too. Every change is checked first and made whole or not at all.
extension Session {
  /// Every variable held, optimiser slots included, in the order they were made.
  public var variables: [Variable] { store.variables }

  /// The value now of a variable, or of a block of it.
  ///
  /// - Complexity: O(1), as it shares the variable's storage until that is written; a block is copied.
  /// - Throws: `.unknownName`; `.invalidSelection` where a block is faulty.
  public func value(of reference: any TensorReference) throws(FirnError) -> NDArray {
    try value(of: place(reference))
  }

  /// The value now of the one variable, or the one block, that a selection names.
  ///
  /// - Throws: `.invalidSelection` where it names none or more than one.
  public func value(of selection: Selection) throws(FirnError) -> NDArray {
    try value(of: place(selection))
  }

  /// Gives a variable, or a block of it, a value; the whole counts as loaded from then on, a block changes nothing
  /// about that.
  ///
  /// - Throws: `.unknownName`, and `.shapeMismatch` or `.typeMismatch` with the difference.
  public func setValue(_ array: NDArray, of reference: any TensorReference) throws(FirnError) {
    try apply([change(place(reference), to: array)])
  }

  /// Gives the one variable, or the one block, that a selection names a value.
  ///
  /// - Throws: `.invalidSelection` where it names none or more than one; `.shapeMismatch` or `.typeMismatch`.
  public func setValue(_ array: NDArray, of selection: Selection) throws(FirnError) {
    try apply([change(place(selection), to: array)])
  }

  /// Gives several variables or blocks their values: `session.setValues(["head/kernel": a, bias: b])`.
  ///
  /// - Throws: one error that lists all that is wrong: `.unknownName`, `.shapeMismatch`, `.typeMismatch`, and
  ///   `.duplicateName` where an element is given two values; then nothing has changed.
  public func setValues(_ values: KeyValuePairs<any TensorReference, NDArray>) throws(FirnError) {
    try set(values.map { ($0.key, $0.value) })
  }

  // A literal is pairs: a name that stands there twice is then an error, in a dictionary it would be a trap.
  /// Gives variables or blocks the values that stand under their names, such as a converted network's.
  ///
  /// - Throws: one error that lists all that is wrong, by name; then nothing has changed.
  @_disfavoredOverload
  public func setValues(_ values: [String: NDArray]) throws(FirnError) {
    try set(values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  private func set(_ values: [(any TensorReference, NDArray)]) throws(FirnError) {
    var changes: [VariableChange] = []
    var faults: [FirnError] = []
    for (reference, array) in values {
      do throws(FirnError) {
        changes.append(change(try place(reference), to: array))
      } catch {
        faults.append(error)
      }
    }
    try FirnError.throwing(faults, "\(faults.count) values cannot be set, so none was")
    try apply(changes)
  }

  /// Draws the selected variables or blocks anew (all by default); they count as random again.
  ///
  /// - Parameters:
  ///   - initializer: for each of them; by default its own. A block is drawn as an array of its shape, but with its own
  ///     initialiser it gets its part of what the whole would get. `.blocks` speaks of the blocks each variable has
  ///     names for.
  ///   - seed: decides the values, with the names; the session's by default, which gives the first values again.
  ///   - includingSlots: whether the optimisers' memory of these variables starts over too.
  /// - Throws: `.invalidSelection`; what the initialiser cannot do for a shape. Then nothing has changed.
  public func initialize(
    _ selection: Selection? = nil, with initializer: Initializer? = nil, seed: UInt64? = nil,
    includingSlots: Bool = false
  ) throws(FirnError) {
    var changes: [VariableChange] = []
    let places = try places(selection)
    for (variable, block) in places {
      guard var type = ArrayType(variable.type) else { continue }
      var array: NDArray?
      var isGiven = variable.initializer.isGiven
      let seed = seed ?? self.seed
      if let initializer {
        if let block { type.shape[block.axis] = block.range.count }
        let name = variable.name + (block?.description ?? "")
        let own = try initializer.resolved(
          for: type, blocks: block == nil ? variable.blocks : nil, name: name)
        array = try own.sample(type, seed: seed, name: name)
        isGiven = own.isGiven
      } else if block != nil || seed != self.seed {
        let whole = try variable.initializer.sample(type, seed: seed, name: variable.name)
        array = block.map(whole.block) ?? whole
      }
      // Together with its source a shadow begins as that does.
      if selection == nil, variable.shadow != nil { (array, isGiven) = (nil, false) }
      changes.append(
        VariableChange(
          variable.name, block: block, to: array,
          origin: isGiven ? .loaded : .initialized))
    }
    if includingSlots {
      for slot in slots(of: places, selection) {
        changes.append(VariableChange(slot.name, to: nil, origin: .initialized))
      }
    }
    try apply(changes)
  }

  /// Gives variables the values, and with them the provenance, they have in another session.
  ///
  /// - Parameters:
  ///   - selection: what to copy, in the other session's words; all but optimiser slots by default.
  ///   - scope: where the variables are in the other session; the root by default.
  ///   - target: where they are here: `replacing: "teacher/encoder", with: "student/encoder"`.
  /// - Throws: `.invalidSelection` for what lies outside `scope`; `.unknownName`, `.shapeMismatch` or `.typeMismatch`
  ///   where a variable is missing here, or another type. Then nothing has changed.
  /// - Complexity: O(1) for each variable: both share storage until one writes.
  public func copyValues(
    from other: Session, _ selection: Selection? = nil, replacing scope: String = "", with target: String = ""
  ) throws(FirnError) {
    var snapshot = try other.snapshot(selection)
    for index in snapshot.values.indices {
      let name = snapshot.values[index].name
      guard scope.isEmpty || name.hasPrefix(scope + "/") else {
        throw FirnError(
          .invalidSelection, "`\(name)` is selected but does not stand in `\(scope)`",
          remedy: "select variables of the scope that is replaced", place: name)
      }
      snapshot.values[index].name = Path.joined(
        target, scope.isEmpty ? name : String(name.dropFirst(scope.count + 1)))
    }
    try restore(snapshot)
  }

  // MARK: Snapshots

  /// The values of the selected variables and blocks; all but optimiser slots by default.
  ///
  /// - Parameter includingSlots: whether the optimisers' memory of these variables comes along.
  /// - Throws: `.invalidSelection`.
  /// - Complexity: O(1) for each variable, as in a ``Snapshot``; blocks are copied.
  public func snapshot(
    _ selection: Selection? = nil, includingSlots: Bool = false
  ) throws(FirnError) -> Snapshot {
    var chosen = try places(selection)
    if includingSlots { chosen += slots(of: chosen, selection).map { ($0, nil) } }
    return Snapshot(
      values: try chosen.map { variable, block throws(FirnError) in
        var entry = Snapshot.Entry(
          name: variable.name, block: block, array: try value(of: (variable.name, block)))
        entry.origin = try origin(of: (variable.name, block))
        return entry
      })
  }

  /// Gives everything in a snapshot its value, also one taken in another session; what was random then is random again
  /// (rule 11).
  ///
  /// - Throws: `.unknownName`, `.shapeMismatch` or `.typeMismatch` where a variable is missing or has another type;
  ///   then nothing has changed.
  public func restore(_ snapshot: Snapshot) throws(FirnError) {
    try apply(
      snapshot.values.map {
        VariableChange(
          $0.name, block: $0.block, to: $0.array, origin: $0.origin)
      })
  }

  // MARK: Names

  private typealias Place = (name: String, block: Block?)

  private func change(_ place: Place, to array: NDArray) -> VariableChange {
    VariableChange(
      place.name, block: place.block, to: array, origin: .loaded)
  }

  private func origin(of place: Place) throws(FirnError) -> Origin {
    guard let entry = store[place.name] else { throw unknown(place.name) }
    guard let block = place.block else { return entry.origin }
    let isInitial: Bool
    do throws(FirnError) {
      let left = try Region.difference(.blocks([block]), entry.origin.initialRegion, of: entry.variable)
      isInitial = left != .blocks([block])
    } catch {
      isInitial = true
    }
    return isInitial ? .initialized : .loaded
  }

  private func value(of place: Place) throws(FirnError) -> NDArray {
    let whole = try store.value(of: place.name)
    return place.block.map(whole.block) ?? whole
  }

  private func place(_ reference: any TensorReference) throws(FirnError) -> Place {
    try graph.identity.require(reference)
    var name = reference.tensorName
    if let tensor = reference as? Tensor, let variable = tensor.variable { name = variable.name }
    if store[name] != nil { return (name, nil) }
    if name.hasSuffix("]") { return try place(try Selection(name)) }
    throw unknown(name)
  }

  private func place(_ selection: Selection) throws(FirnError) -> Place {
    // The graph, in which selections look, has no slots.
    if let slot = store[selection.description]?.variable, slot.kind == .slot { return (slot.name, nil) }
    let places = try self.places(selection)
    guard places.count == 1, let place = places.first else {
      throw FirnError(
        .invalidSelection,
        "`\(selection)` names \(places.count) things: "
          + places.prefix(4).map { $0.variable.name + ($0.block?.description ?? "") }.joined(separator: ", ")
          + (places.count > 4 ? ", …" : ""), remedy: "name one variable or one block, or take a snapshot")
    }
    return (place.variable.name, place.block)
  }

  /// What a selection names, in creation order; everything but slots where it is nil.
  private func places(_ selection: Selection?) throws(FirnError) -> [(variable: Variable, block: Block?)] {
    guard let selection else { return store.variables.filter { $0.kind != .slot }.map { ($0, nil) } }
    return try selected(selection).flatMap { selected -> [(variable: Variable, block: Block?)] in
      selected.region == .whole
        ? [(selected.variable, nil)] : selected.region.blocks.map { (selected.variable, $0) }
    }
  }

  /// The variables of the graph a selection names, in whole or in part.
  package func selected(_ selection: Selection) throws(FirnError) -> [SelectedVariable] {
    try addVariables()
    try requireOwn([selection])
    let values = knownValues
    return try selection.resolve(
      in: SelectionContext(graph.definition, loaded: values.loaded, trained: values.trained))
  }

  /// Names of variables that hold something better than a random value.
  var knownValues: (loaded: Set<String>, trained: Set<String>) {
    let given = store.entries.filter {
      $0.origin.provenance == .initialized && $0.variable.initializer.isGiven
    }
    return (store.names(.loaded).union(given.map(\.variable.name)), store.names(.trained))
  }

  /// The optimisers' memory of what a selection names, all of it where that is nil; in the order it was made.
  private func slots(
    of places: [(variable: Variable, block: Block?)], _ selection: Selection?
  ) -> [Variable] {
    let slots = store.variables.filter { $0.kind == .slot }
    if selection == nil { return slots }
    let names = Set(places.map(\.variable.name))
    return slots.filter { slot in
      ledger[slot.name]?.part.map { names.contains($0.variable.name) } ?? false
    }
  }
}
