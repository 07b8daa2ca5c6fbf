internal import CFirnKernels
public import FirnCompiler
public import FirnGraph
import FirnNotation
import FirnOps

/// A program in two, each to be run by the session that compiled it.
package struct DividedProgram {
  /// Returns the stored values for the examples it is fed, and changes nothing.
  package let prefix: Program
  /// Is run in the place of the program, fed the stored values and what else it still reads.
  package let step: Program
  package let ports: [SplitProgram.Port]
  /// How many examples the prefix is to be fed; nil for any number.
  package let count: Int?
  /// What the prefix computes, in words that are the same for equal ones.
  package let text: String
  /// The variables that the prefix is made of, read in its runs or when they are bound, in the order of the graph.
  package let variables: [String]
}

extension Program {
  /// The variables that move though its runs do not write them: in a program that trains nothing, what its selections
  /// leave to be trained by others.
  package var movedVariables: Set<String> {
    let trainability = compilation.context.trainability
    guard compilation.context.request.training == nil else { return [] }
    return Set(trainability.variables.map(\.name).filter(trainability.isTrained))
  }

  /// Where it can be divided so that what is frozen is computed once for each example, and what that saves.
  ///
  /// Placeholders whose first axis has the extent that most of them share are taken to have an example a row, as the
  /// columns of a data set have.
  ///
  /// - Parameter binding: sizes of named dimensions by which cuts are weighed; an extent that is not named counts as
  ///   16.
  /// - Complexity: a smallest cut for each that is listed; nothing is run.
  public func frozenBoundary(binding: DimBinding = [:]) -> FrozenBoundary {
    FrozenBoundary(compilation, trained: movedVariables, binding: binding)
  }
}

/// Dividing programs, for caching.
extension Session {
  /// What caching knows of a program that is fed so.
  ///
  /// - Parameters:
  ///   - columns: a batch of one example or more: placeholders that have a row for each.
  ///   - constants: what is fed the same in every run.
  ///   - trained: variables that move besides those the program writes.
  /// - Throws: as a run does where feeds do not fit.
  package func frozenPrefix(
    of program: Program, columns: Feeds, constants: Feeds = [:], trained: Set<String> = []
  ) throws(FirnError) -> FrozenPrefix {
    try requireOwn(program)
    var binding = try program.feedCheck.binding(of: Feeds(entries: columns.entries + constants.entries))
    let fed = Set(columns.entries.map(\.name))
    let examples = program.compilation.graph.placeholders.filter { fed.contains($0.name) }
    // The batch keeps its name, all else is what it is in this data.
    let count = examples.lazy.compactMap(\.type.shape.first).first ?? 1
    for name in count.names { binding[name] = nil }
    // With what is computed once in it: what that is made of may be moved by another program.
    let graph = program.compilation.whole.unfused.mapping(.binding(binding))
    return FrozenPrefix(
      graph, trained: trained,
      inputs: PrefixInputs(
        examples: Set(examples.map(\.name)), constants: Set(constants.entries.map(\.name)),
        count: count.bound(by: binding), binding: binding))
  }

  /// `program` in two.
  package func divide(
    _ program: Program, _ analysis: FrozenPrefix, at cut: PrefixCut
  ) throws(FirnError) -> DividedProgram {
    try requireOwn(program)
    let split = SplitProgram(analysis, at: cut)
    let prefix = program.compilation.part(split.prefix)
    // What was hoisted out of it is made of frozen variables, too.
    var seen: Set<String> = []
    let variables = (prefix.bound.nodes + prefix.graph.nodes).compactMap { node -> String? in
      guard case .reads(let name) = node.op.effect, seen.insert(name).inserted else { return nil }
      return name
    }
    return DividedProgram(
      prefix: part(
        of: program, prefix, fetches: split.ports.map(\.name),
        known: split.prefix.placeholders),
      step: part(
        of: program, program.compilation.with(graph: split.step), fetches: program.fetches,
        known: graph.definition.placeholders + split.ports.map { ($0.placeholder, $0.type) }),
      ports: split.ports, count: analysis.rows.count.value,
      text: prefix.bound.computation + prefix.graph.computation,
      variables: variables)
  }

  private func part(
    of program: Program, _ compilation: Compilation, fetches: [String],
    known: [(name: String, type: TensorType)]
  ) -> Program {
    Program(
      compilation: compilation, session: program.session, home: program.home, fetches: fetches,
      outputs: compilation.fetchOutputs,
      feedCheck: FeedCheck(compilation.graph, known: known, home: program.home),
      isExchanging: compilation.graph.exchanges,
      trainedBlocks: program.trainedBlocks, warnings: program.warnings, slotReport: program.slotReport)
  }

  /// Runs a program that draws nothing and writes nothing, without its counting as a run: what is random later stays
  /// what it would have been.
  package func runUncounted(_ program: Program, feeding feeds: Feeds) throws(FirnError) -> [NDArray] {
    let runs = runs
    defer { self.runs = runs }
    let results = try run(program, feeding: feeds)
    return try program.fetches.map { name throws(FirnError) in try results[name] }
  }

  /// The instruction set that kernels use, on which the last bits of a result can depend.
  package static var instructionSet: String { String(cString: firn_isa_name()) }

  /// Tells it from every other session that somebody holds the token of.
  package var token: AnyObject { identity }

  /// What a program reads of these variables, as it is now.
  package func contents(of variable: String) throws(FirnError) -> NDArray { try store.value(of: variable) }
}

extension GraphDef {
  /// Its text with the variables that it reads alone, by name and type: of a variable that another part declares, and of
  /// first values, nothing is made here.
  fileprivate var computation: String {
    var read: Set<String> = []
    for node in nodes {
      if case .reads(let name) = node.op.effect { read.insert(name) }
    }
    var bare = self
    bare.lossName = nil
    bare.variables = variables.filter { read.contains($0.name) }.map {
      Variable(name: $0.name, type: $0.type, initializer: .zeros)
    }
    return bare.text
  }
}
