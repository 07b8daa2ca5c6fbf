import FirnGraph
import FirnNotation

/// What one objective of a compilation is about: which variables it trains, and which it adds gradients to.
package struct ObjectiveScope: Sendable {
  /// Unique among the objectives of a program.
  package let name: String
  package let goal: CompilationRequest.Goal
  /// What it moves.
  package let trainability: Trainability
  /// What it is differentiated by: what it moves, and what others move to whose gradients it adds.
  package let targets: Trainability
  /// What the groups of its optimiser say.
  let groups: GroupSettings
}

extension [ObjectiveScope] {
  /// The objectives of a request, of which each part of a variable belongs to one.
  ///
  /// - Parameter base: what the compilation trains at all.
  /// - Returns: them, and what they train together.
  /// - Throws: what is wrong with their selections; where two would train one variable.
  static func resolved(
    _ request: CompilationRequest, _ base: Trainability
  ) throws(FirnError) -> (objectives: [ObjectiveScope], together: Trainability) {
    guard let training = request.training else { return ([], base) }
    let context = request.selectionContext
    let goals = training.goals
    let names = request.names(of: goals)
    if goals.count == 1, let goal = goals.first, goal.selection == nil, goal.adding == nil, goal.given.isEmpty
    {
      let groups = try GroupSettings(of: goal.optimizer, context, base)
      let only = ObjectiveScope(
        name: names[0], goal: goal, trainability: base, targets: base, groups: groups)
      return ([only], base)
    }
    var chosen: [[String: Region]] = []
    var added: [[String: Region]] = []
    for (goal, name) in zip(goals, names) {
      let adding = try goal.adding?.regions(in: context) ?? [:]
      var own = try goal.ownRegions(request, base, name)
      for (variable, region) in base.pairs(own) {
        own[variable.name] = try Region.difference(region, adding[variable.name], of: variable)
      }
      added.append(adding)
      chosen.append(own)
    }
    try requireApart(chosen, names, base)
    var together: [String: Region] = [:]
    for own in chosen {
      for (variable, region) in base.pairs(own) {
        together[variable.name] = try Region.union(together[variable.name], region, of: variable)
      }
    }
    var objectives: [ObjectiveScope] = []
    for (number, goal) in goals.enumerated() {
      let reason = goal.explanationOfRest
      let trainability = try base.restricted(to: chosen[number], because: reason)
      var targets = chosen[number]
      for (variable, region) in base.pairs(added[number]) {
        guard let own = base.trainedRegion(variable.name),
          let wanted = try Region.overlap(region, own, of: variable)
        else { continue }
        try requireOwner(of: variable, wanted, among: chosen, names, for: number)
        targets[variable.name] = wanted
      }
      objectives.append(
        ObjectiveScope(
          name: names[number], goal: goal, trainability: trainability,
          targets: try base.restricted(to: targets, because: reason),
          groups: try GroupSettings(of: goal.optimizer, context, trainability)))
    }
    return (objectives, try base.restricted(to: together, because: "no objective trains it"))
  }

  /// - Throws: where two objectives would train one variable, or one block of it.
  private static func requireApart(
    _ chosen: [[String: Region]], _ names: [String], _ base: Trainability
  ) throws(FirnError) {
    for second in chosen.indices {
      for first in 0..<second {
        var shared: [String] = []
        for (variable, region) in base.pairs(chosen[second]) {
          guard let other = chosen[first][variable.name] else { continue }
          let common: Region?
          do throws(FirnError) {
            common = try Region.overlap(region, other, of: variable)
          } catch {
            // Rows and columns meet wherever they are.
            common = .whole
          }
          switch common {
          case nil: continue
          case .whole: shared.append(variable.name)
          case .blocks(let blocks): shared += blocks.map { variable.name + $0.description }
          }
        }
        if shared.isEmpty { continue }
        let listed = shared.prefix(LossFlow.listed).map { "`\($0)`" }.joined(separator: ", ")
        let rest = shared.count - LossFlow.listed
        throw FirnError(
          .invalidSelection,
          "objectives `\(names[first])` and `\(names[second])` would both train \(listed)"
            + (rest > 0 ? " and \(rest) more" : ""),
          remedy:
            "let one of them train it by `training:`; where both are to, the other names it by `adding:`",
          place: names[second])
      }
    }
  }

  /// What is added to a part is added to all of it, as the part has one gradient.
  ///
  /// - Throws: where no other objective trains just this of a variable.
  private static func requireOwner(
    of variable: Variable, _ wanted: Region, among chosen: [[String: Region]], _ names: [String],
    for number: Int
  ) throws(FirnError) {
    let owners = chosen.enumerated().filter { $0.offset != number }.flatMap { other, regions in
      (regions[variable.name]?.pieces ?? []).map { (name: names[other], piece: $0) }
    }
    for piece in wanted.pieces where !owners.contains(where: { $0.piece == piece }) {
      let asked = variable.name + piece.place
      var met: [(name: String, piece: Region)] = []
      for owner in owners where try Region.overlap(piece, owner.piece, of: variable) != nil {
        met.append(owner)
      }
      guard let first = met.first else {
        throw FirnError(
          .invalidSelection,
          "objective `\(names[number])` adds to `\(asked)`, which no other objective trains",
          remedy: "name it by the `training:` of one of them", place: names[number])
      }
      guard met.count == 1 else {
        let listed = met.map { "`\(variable.name)\($0.piece.place)` by `\($0.name)`" }
        throw FirnError(
          .invalidSelection,
          "objective `\(names[number])` adds to `\(asked)`, which is trained in parts: "
            + listed.joined(separator: ", "),
          remedy: "let one of them train it, or give the sum of the losses to both", place: names[number])
      }
      throw FirnError(
        .invalidSelection,
        "objective `\(names[number])` adds to a part of `\(variable.name)\(first.piece.place)`, "
          + "which `\(first.name)` trains as one",
        remedy: "add to all of it, or let that one train parts: what `training:` names block by block",
        place: names[number])
    }
  }
}

extension Region {
  /// What has a gradient of its own.
  fileprivate var pieces: [Region] { self == .whole ? [.whole] : blocks.map { .blocks([$0]) } }

  /// As selections write it behind a name.
  fileprivate var place: String { blocks.map(\.description).joined() }
}

extension Trainability {
  /// Variables that are named, in creation order.
  fileprivate func pairs(_ regions: [String: Region]) -> [(Variable, Region)] {
    variables.compactMap { variable in regions[variable.name].map { (variable, $0) } }
  }
}

extension Selection {
  fileprivate func regions(in context: SelectionContext) throws(FirnError) -> [String: Region] {
    Dictionary(try resolve(in: context).map { ($0.variable.name, $0.region) }, uniquingKeysWith: { $1 })
  }
}

extension CompilationRequest {
  /// What objectives are called: as they say, else as their first tensor; numbered where that is not unique.
  ///
  /// Nodes and slots stand below that name, and the number of a result, `gradients:1`, is no part of a path.
  fileprivate func names(of goals: [Goal]) -> [String] {
    var taken = Set(goals.compactMap(\.name))
    return goals.map { goal in
      if let name = goal.name { return name }
      let base =
        (goal.loss ?? goal.given.first?.gradient).map { graph.name(of: $0) }?
        .replacing(":", with: "_") ?? "objective"
      var name = base
      var number = 0
      while !taken.insert(name).inserted {
        number += 1
        name = "\(base)_\(number)"
      }
      return name
    }
  }
}

extension CompilationRequest.Goal {
  /// What of each variable is its own to train, of what is trained at all.
  ///
  /// - Throws: what is wrong with its selection; where a gradient is given for what is frozen.
  fileprivate func ownRegions(
    _ request: CompilationRequest, _ base: Trainability, _ name: String
  ) throws(FirnError) -> [String: Region] {
    var chosen: [String: Region]?
    if case .gradients(let pairs) = source {
      var named: [String: Region] = [:]
      for pair in pairs {
        guard case .reads(let variable) = request.graph.nodes[pair.read.node].op.effect else {
          throw FirnError(
            .invalidArgument,
            "`\(request.graph.name(of: pair.read))` is no variable, so no gradient moves it",
            remedy: "name a variable, by its path or the tensor that reads it", place: name)
        }
        if !base.isTrained(variable) {
          throw FirnError(
            .invalidArgument,
            "a gradient is given for `\(variable)`, but \(base.decision(variable).explanation)",
            remedy: "name it by `thawing:`, or leave its gradient out", place: name)
        }
        if named.updateValue(.whole, forKey: variable) != nil {
          throw FirnError(
            .invalidArgument, "two gradients are given for `\(variable)`", remedy: "give their sum",
            place: name)
        }
      }
      chosen = named
    } else {
      chosen = try selection?.regions(in: request.selectionContext)
    }
    var result: [String: Region] = [:]
    for variable in base.variables {
      guard let region = base.trainedRegion(variable.name) else { continue }
      result[variable.name] =
        if let chosen {
          try Region.overlap(region, chosen[variable.name], of: variable)
        } else {
          region
        }
    }
    return result
  }

  /// Why what it does not train is not, to be told where it alone is asked about.
  fileprivate var explanationOfRest: String {
    if let selection { return "`training: \(selection)` does not name it" }
    if let adding { return "what it is trained by is another objective: `adding: \(adding)`" }
    return given.isEmpty ? "another objective trains it" : "its gradient is not among those given"
  }
}
