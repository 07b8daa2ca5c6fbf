import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTestSupport
import FirnTraining
import Testing

/// Random models with random parts of their variables frozen, against training them whole (rule 13).
@Suite struct RandomPartsTests {
  /// Blocks along a random axis, by the bits of `random`; nil where the variable has no axis to cut.
  private func region(of variable: Variable, _ random: inout RandomSource) -> Region? {
    let axes = variable.type.shape.indices.filter { (variable.type.shape[$0].value ?? 0) > 1 }
    guard !axes.isEmpty, let axis = Optional(axes[random.below(axes.count)]),
      let extent = variable.type.shape[axis].value
    else { return nil }
    let taken = (0..<extent).filter { _ in random.below(2) == 0 }.map { $0..<$0 + 1 }
    guard let region = Region.along(axis, taken, extent: extent), region != .whole else { return nil }
    return region
  }

  @Test(arguments: 0..<320) func trainedBlocksMoveAsUnfrozen(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    try model.graph.validate()
    var random = RandomSource(seed: seed)
    var frozen: [String: Region] = [:]
    for variable in model.graph.variables where variable.kind == .parameter {
      frozen[variable.name] = region(of: variable, &random)
    }
    guard let whole = try trained(model, []) else { return }
    let selected = model.graph.variables.compactMap { variable in
      frozen[variable.name].map { SelectedVariable(variable: variable, region: $0, matchedBy: []) }
    }
    // One at a time, so that the first step of everything else is that of the unfrozen run.
    for only in selected {
      let same = whole.session
      guard let part = try trained(model, [only])?.session else { continue }
      let name = only.variable.name
      let before = try Session(model.graph, threads: 1).value(of: name)
      for variable in model.graph.variables {
        let (a, b) = (try part.value(of: variable.name), try same.value(of: variable.name))
        if variable.name != name {
          #expect(isSame(a.doubles, b.doubles), "\(variable.name) with part of \(name) frozen")
          continue
        }
        let axis = only.region.blocks[0].axis
        let inner = a.shape[(axis + 1)...].reduce(1, *)
        for (element, (x, y)) in zip(a.doubles, b.doubles).enumerated() {
          let place = element / inner % a.shape[axis]
          let isFrozen = only.region.blocks.contains { $0.range.contains(place) }
          let expected = isFrozen ? before.doubles[element] : y
          #expect(isSame([x], [expected]), "\(name)[\(element)], \(isFrozen ? "frozen" : "trained")")
        }
      }
    }
    if selected.isEmpty { return }
    // All of them at once, twice: what is frozen stays.
    guard let all = try trained(model, selected, steps: 2, momentum: 0.9) else { return }
    let slots = try trained(model, [], momentum: 0.9)?.program.cost.slotBytes.value ?? 0
    #expect((all.program.cost.slotBytes.value ?? .max) <= slots)
    for part in selected {
      let before = try Session(model.graph, threads: 1).value(of: part.variable.name).doubles
      let after = try all.session.value(of: part.variable.name)
      let axis = part.region.blocks[0].axis
      let inner = after.shape[(axis + 1)...].reduce(1, *)
      for (element, value) in after.doubles.enumerated() {
        let place = element / inner % after.shape[axis]
        guard part.region.blocks.contains(where: { $0.range.contains(place) }) else { continue }
        #expect(value.bitPattern == before[element].bitPattern, "\(part.variable.name)[\(element)]")
      }
    }
  }

  /// A session after some steps; nil where nothing can learn.
  private func trained(
    _ model: RandomModel, _ freezing: [SelectedVariable], steps: Int = 1, momentum: Double = 0
  ) throws -> (session: Session, program: Program)? {
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    var request = CompilationRequest(
      graph: model.graph.definition, fetches: [],
      training: .init(loss: model.loss.value, optimizer: SGD(learningRate: 0.5, momentum: momentum)))
    request.trainability = try Trainability(model.graph.variables, freezing: freezing, thawing: [])
    let program: Program
    do {
      program = try session.compile(request)
    } catch {
      if error.code == .noGradient { return nil }
      throw error
    }
    let feeds = Feeds(model.feeds.map { (name: $0.tensor.name, array: $0.array) })
    for _ in 0..<steps { try session.run(program, feeding: feeds) }
    return (session, program)
  }

  private func isSame(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }
}
