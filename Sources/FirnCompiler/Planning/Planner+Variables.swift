import FirnGraph

extension Planner {
  /// Has steps write what a variable becomes over what it was, so that nothing is copied when the run ends and the arena
  /// has no room for it: the new values and moments of all that is trained are as large as what is trained.
  ///
  /// That is done where a variable is wholly assigned, once, by a step that may write over the operand that reads it, and
  /// nothing wants the old value any more. From that step on no step may fail, since a run that does leaves every variable
  /// as it was; so it is never done where numerics are checked.
  ///
  /// - Parameters:
  ///   - representative: for each buffer the one whose place it takes; still its own.
  ///   - last: for each buffer the last step that wants it.
  /// - Complexity: linear in buffers and steps.
  mutating func overwriteVariables(_ representative: inout [Int], _ last: inout [Int]) {
    if commits.isEmpty || checks != nil { return }
    var uses: [String: (writes: Int, reads: Int)] = Dictionary(minimumCapacity: commits.count)
    for commit in commits { uses[commit.name, default: (0, 0)].writes += 1 }
    // Of several buffers that are one variable none can be told to be the last that is read.
    for case .variable(let name) in placements {
      if let place = uses.index(forKey: name) { uses.values[place].reads += 1 }
    }
    var makers = [Int](repeating: -1, count: placements.count)
    for position in steps.indices {
      for slot in steps[position].results { makers[slot] = position }
    }
    for number in commits.indices {
      let (name, made) = (commits[number].name, commits[number].slot)
      let maker = makers[made]
      guard commits[number].rows == nil, uses[name].map({ $0 == (1, 1) }) == true, maker > lastFailing,
        arenaBytes[made] == commits[number].type.byteCount, representative[made] == made
      else { continue }
      let operands = steps[maker].operands
      for (result, choices) in zip(steps[maker].results, steps[maker].inPlace) where result == made {
        let place = choices.lazy.map { operands[$0] }.first { slot in
          guard case .variable(name) = placements[slot] else { return false }
          return last[slot] == maker && Self.isFree(slot, for: choices, operands)
        }
        guard let place else { continue }
        representative[made] = place
        arenaBytes[made] = nil
        last[place] = last[made]
        commits[number].isInPlace = true
      }
    }
  }
}
