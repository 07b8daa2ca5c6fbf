import FirnGraph
import FirnNotation
import FirnTestSupport
import Foundation
import Testing

@testable import FirnToyOps

@Suite struct GraphDOTTests {
  private static let removed = [
    GradientEdge(consumer: "stop_gradient", operand: 0, producer: "encoder/cell/scan"),
    GradientEdge(consumer: "encoder/dense/matmul", operand: 1, producer: "encoder/dense/kernel"),
    GradientEdge(consumer: "nowhere", operand: 0, producer: "x"),
  ]

  private func lines(_ options: DOTOptions = .init(depth: .max), _ text: String = Samples.partlyFrozen) throws
    -> [String]
  {
    try parsed(text).dot(options).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private func line(_ lines: [String], _ start: String) throws -> String {
    try #require(lines.first { $0.hasPrefix(start) }, "no line begins with \(start)")
  }

  @Test func sameGraphGivesSameText() throws {
    let graph = try parsed(Samples.partlyFrozen)
    let options = DOTOptions(title: "t", depth: 1, removedGradients: Self.removed, legend: true)
    #expect(graph.dot(options) == graph.dot(options))
  }

  @Test func scopesAreNestedClustersWithTheirReads() throws {
    let lines = try lines()
    let outer = try #require(lines.firstIndex(of: "subgraph \"cluster:encoder\" {"))
    let inner = try #require(lines.firstIndex(of: "subgraph \"cluster:encoder/dense\" {"))
    let read = try #require(lines.firstIndex { $0.hasPrefix("\"encoder/dense/kernel\" [") })
    let end = try #require(lines[inner...].firstIndex(of: "}"))
    #expect(outer < inner && inner < read && read < end)
    #expect(lines[inner + 1].contains("label=\"dense (frozen)\""))
    #expect(try line(lines, "\"encoder/dense/kernel\"").contains("label=\"kernel\\nf32[8,16]\\nfrozen\""))
  }

  @Test func statusShowsInShapeLineAndWord() throws {
    let lines = try lines()
    let trainable = try line(lines, "\"head/kernel\" [")
    let frozen = try line(lines, "\"encoder/cell/kernel\" [")
    let state = try line(lines, "\"head/mean\" [")
    #expect(
      trainable.contains("shape=\"cylinder\", style=\"solid,filled\"") && trainable.contains("\\ntrainable\"")
    )
    #expect(frozen.contains("shape=\"hexagon\", style=\"dashed,filled\"") && frozen.contains("\\nfrozen\""))
    #expect(state.contains("shape=\"folder\", style=\"dotted,filled\"") && state.contains("\\nstate\""))
  }

  @Test func frozenNamesAndStatusDecide() throws {
    let frozen = try lines(.init(depth: .max, frozen: ["head/kernel"]))
    #expect(try line(frozen, "\"head/kernel\" [").contains("frozen"))
    let thawed = try lines(.init(depth: .max) { _ in .trainable })
    #expect(try line(thawed, "\"encoder/dense/kernel\" [").contains("trainable"))
    #expect(!thawed.contains { $0.contains("(frozen)") })
  }

  @Test func partlyFrozenVariablesHaveALookOfTheirOwn() throws {
    let status: @Sendable (Variable) -> TrainingStatus = { $0.name == "head/kernel" ? .partly : .frozen }
    let lines = try lines(.init(depth: .max, legend: true, status: status))
    let partly = try line(lines, "\"head/kernel\" [")
    #expect(partly.contains("shape=\"cylinder\", style=\"dashed,filled\""))
    #expect(partly.contains("\\npartly frozen\"") && partly.contains("class=\"partly-frozen\""))
    #expect(partly.contains("variable head/kernel, partly frozen"))
    #expect(
      lines.contains { $0.hasPrefix("\"legend:partly:words\" [") && $0.contains("variable, partly frozen") })
    #expect(!lines.contains { $0.contains("label=\"head (frozen)\"") })
    let folded = try self.lines(.init(depth: 0, status: status))
    let head = try line(folded, "\"scope:head\" [")
    #expect(head.contains("64 partly frozen") && head.contains("class=\"folded partly-frozen\""))
  }

  @Test func kindsDifferInShape() throws {
    let lines = try lines()
    #expect(try line(lines, "\"x\" [").contains("shape=\"cds\""))
    #expect(try line(lines, "\"target\" [").contains("shape=\"note\""))
    #expect(try line(lines, "\"stop_gradient\" [").contains("shape=\"octagon\""))
    #expect(try line(lines, "\"output:0\" [").contains("shape=\"invhouse\""))
    #expect(try line(lines, "\"head/assign\" [").contains("shape=\"component\""))
    #expect(try line(lines, "\"gradients/head/matmul/matmul\" [").contains("style=\"rounded,filled\""))
    #expect(try line(lines, "\"head/assign\" -> \"head/mean\"").contains("next run"))
  }

  @Test func edgesCarryTypesAndTooltipsPaths() throws {
    let lines = try lines()
    let edge = try line(lines, "\"encoder/dense/matmul\" -> \"encoder/dense/add\"")
    #expect(edge.contains("label=\" f32[32,16]\""))
    #expect(edge.contains("tooltip=\"encoder/dense/matmul : f32[32,16]\""))
    let node = try line(lines, "\"loss/a_rather_long_name_for_what_is_only_a_sum\" [")
    #expect(node.contains("tooltip=\"loss/a_rather_long_name_for_what_is_only_a_sum = mul : f32[32,4]\""))
    #expect(node.contains("label=\"a_rather_long_…is_only_a_sum\\nmul\""))
  }

  @Test func randomOpsSaySoAndTheStateIsNotDrawn() throws {
    let lines = try lines()
    #expect(!lines.contains { $0.hasPrefix("\"random_state") || $0.contains("//random_state\"") })
    #expect(try line(lines, "\"encoder/dropout\" [").contains("dropout\\nrandom"))
    #expect(try line(lines, "\"encoder/cell/scan//noise/dropout\" [").contains("peripheries=\"2\""))
  }

  @Test func scalarConstantsStandAtEachUse() throws {
    let lines = try lines()
    #expect(lines.count { $0.hasPrefix("\"loss/half>loss/scale>") && $0.contains("label=\"0.5\"") } == 2)
  }

  @Test func loopsAreClustersFedByDashedEdges() throws {
    let lines = try lines()
    #expect(lines.contains("subgraph \"cluster:encoder/cell/scan\" {"))
    for (outer, inner) in [("encoder/dropout", "h"), ("steps", "x"), ("encoder/cell/kernel", "kernel")] {
      let edge = try line(lines, "\"\(outer)\" -> \"encoder/cell/scan//\(inner)\"")
      #expect(edge.contains("style=\"dashed\""))
    }
    #expect(try line(lines, "\"encoder/cell/scan//tanh\" -> \"encoder/cell/scan//h\"").contains("next step"))
    #expect(try line(lines, "\"encoder/cell/scan//tanh\" -> \"stop_gradient\"").contains("f32[32,16]"))
    let nested = try self.lines(.init(depth: .max), Samples.nested)
    #expect(nested.contains("subgraph \"cluster:cell/scan/inner\" {"))
    #expect(try line(nested, "\"cell/scan//add\" -> \"cell/scan//inner//row\"").contains("dashed"))
  }

  @Test func removedGradientsPointBack() throws {
    let lines = try lines(.init(depth: .max, removedGradients: Self.removed))
    let removed = lines.filter { $0.contains("label=\" no gradient\"") }
    #expect(removed.count == 2)
    #expect(removed[0].hasPrefix("\"stop_gradient\" -> \"encoder/cell/scan//tanh\""))
    #expect(removed[1].hasPrefix("\"encoder/dense/matmul\" -> \"encoder/dense/kernel\""))
    #expect(removed.allSatisfy { $0.contains("style=\"dotted\", arrowhead=\"tee\", constraint=\"false\"") })
  }

  @Test func backwardCanBeLeftOut() throws {
    let lines = try lines(.init(depth: .max, showsBackward: false))
    #expect(!lines.contains { $0.contains("gradients/") })
    #expect(!lines.contains { $0.hasPrefix("\"output:1\"") })
    #expect(lines.contains { $0.hasPrefix("\"output:2\"") })
  }

  @Test func deepScopesFold() throws {
    let lines = try lines(.init(depth: 0))
    #expect(try line(lines, "\"scope:encoder\" [").contains("label=\"encoder\\n8 ops\\n896 frozen\""))
    #expect(try line(lines, "\"scope:head\" [").contains("label=\"head\\n3 ops\\n64 trainable\\n128 state\""))
    #expect(try line(lines, "\"scope:encoder\" [").contains("dashed"))
    #expect(!lines.contains { $0.hasPrefix("subgraph") })
    #expect(lines.count { $0.hasPrefix("\"scope:head\" -> \"scope:loss\"") } == 1)
    let one = try self.lines(.init(depth: 1))
    #expect(one.contains("subgraph \"cluster:encoder\" {"))
    #expect(try line(one, "\"scope:encoder/dense\" [").contains("3 ops"))
    #expect(one.contains { $0.contains("label=\"encoder (frozen)\"") })
  }

  @Test func layersAndLoopsAreBoxesByDefault() throws {
    let lines = try lines(.init())
    #expect(try line(lines, "\"scope:encoder/cell\" [").contains("class=\"folded frozen\""))
    #expect(try line(lines, "\"scope:encoder/dense\" [").contains("class=\"folded frozen\""))
    let head = try line(lines, "\"scope:head\" [")
    #expect(head.contains("class=\"folded trainable\"") && head.contains("fillcolor=\"#e3eefc\""))
    #expect(head.contains("style=\"solid,filled\""))
    #expect(try line(lines, "\"scope:encoder/cell\" [").contains("style=\"dashed,filled\""))
    let opened = try self.lines(.init(opening: ["encoder/cell"]))
    #expect(opened.contains("subgraph \"cluster:encoder/cell/scan\" {"))
    #expect(opened.contains { $0.hasPrefix("\"encoder/cell/kernel\" [") })
    #expect(opened.contains { $0.hasPrefix("\"scope:encoder/dense\" [") })
  }

  /// 60 scopes in a row, which are more than anybody reads, and which in one column are too long.
  private static func chain(_ count: Int) -> String {
    var text = "firn 1\n\n%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\n"
    var last = "x"
    for number in 0..<count {
      // Each is of another kind, so that none repeats.
      let scope = "stage\(number)x"
      text += "%\(scope)/a = neg(%\(last)) : f32[2]\n%\(scope)/b = neg(%\(scope)/a) : f32[2]\n"
      last = scope + "/b"
    }
    return text
  }

  @Test func longChainsStandInColumns() throws {
    let text = Self.chain(60)
    let lines = try lines(.init(depth: 0), text)
    #expect(lines[1].contains("newrank=\"true\""))
    let heads = try line(lines, "{ rank=\"same\";").split(separator: ";").dropFirst().dropLast()
    #expect(heads.count == 5, "\(heads)")
    let turns = lines.filter { $0.contains("constraint=\"false\"") }
    #expect(turns.count == 4)
    #expect(!(try self.lines(.init(depth: 0), Self.chain(10))).contains { $0.contains("rank=\"same\"") })
  }

  @Test(.enabled(if: InstalledProgram.dot != nil, "Graphviz is not installed"))
  func columnsAndTheLegendAreAligned() throws {
    let drawing = try parsed(Self.chain(60)).dot(.init(depth: 0))
    let size = try #require(Self.layout(drawing).first).split(separator: " ").compactMap { Double($0) }
    let (width, height) = (size[1], size[2])
    #expect(height < 2.5 * width && width < 2.5 * height, "\(width) × \(height)")
    let options = DOTOptions(depth: .max, removedGradients: Self.removed, legend: true)
    let rows = Self.layout(try parsed(Samples.partlyFrozen).dot(options)).filter {
      $0.hasPrefix("node \"legend:")
    }
    // In inches; columns are more than three apart, and what stands in one differs by less than one.
    let places = rows.filter { $0.split(separator: " ")[1].hasSuffix(":words\"") }.compactMap {
      Double($0.split(separator: " ")[2])
    }.sorted()
    let gaps = zip(places, places.dropFirst()).map { $1 - $0 }
    #expect(
      rows.count > 20 && gaps.count { $0 > 3 } == 2 && gaps.allSatisfy { $0 > 3 || $0 < 1 }, "\(places)")
  }

  /// What Graphviz makes of a drawing, as lines of its plain form.
  private static func layout(_ drawing: String) -> [String] {
    guard let (_, output, _) = try? graphviz(drawing, "plain") else { return [] }
    return output.split(separator: "\n").map(String.init)
  }

  @Test func legendExplainsWhatOccurs() throws {
    let lines = try lines(.init(depth: .max, legend: true))
    let legend = lines.filter { $0.hasPrefix("\"legend:") }
    #expect(legend.contains { $0.contains("variable, frozen") })
    #expect(!legend.contains { $0.contains("no gradient") })
    #expect(!(try self.lines()).contains { $0.hasPrefix("\"legend:") })
  }

  @Test func textIsQuoted() throws {
    let lines = try lines(.init(title: "a \"b\" \\ c\nd"))
    #expect(lines[0] == #"digraph "a \"b\" \\ c\nd" {"#)
  }

  @Test func hugeGraphsWithOddNamesDraw() throws {
    for seed in 0..<40 {
      let graph = RandomGraph(seed: seed).graph
      for depth in [nil, 0, 1, 2, .max] {
        #expect(graph.dot(.init(depth: depth, legend: true)).hasSuffix("}\n"))
      }
    }
  }

  @Test(.enabled(if: InstalledProgram.dot != nil, "Graphviz is not installed"))
  func graphvizAcceptsEveryDrawing() throws {
    var drawings: [String] = []
    for depth in [nil, 0, 1, 2, .max] {
      let options = DOTOptions(
        title: "a \"b\" \\ c\nd", depth: depth, removedGradients: Self.removed, showsBackward: depth != 1,
        legend: depth != 2
      ) { $0.name.hasPrefix("head") ? .partly : .trainable }
      for text in [Samples.minimal, Samples.everything, Samples.nested, Samples.partlyFrozen] {
        drawings.append(try parsed(text).dot(options))
      }
      for seed in 0..<4 { drawings.append(RandomGraph(seed: seed).graph.dot(options)) }
    }
    for drawing in drawings {
      let (status, errors) = try Self.runGraphviz(drawing)
      #expect(status == 0 && errors.isEmpty, "\(errors)\n\(drawing)")
    }
  }

  private static func runGraphviz(_ drawing: String) throws -> (status: Int32, errors: String) {
    let (status, _, errors) = try graphviz(drawing, "svg")
    return (status, errors)
  }

  private static func graphviz(
    _ drawing: String, _ format: String
  ) throws -> (status: Int32, output: String, errors: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, target) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
    try drawing.write(to: source, atomically: true, encoding: .utf8)
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(filePath: try #require(InstalledProgram.dot))
    process.arguments = ["-T" + format, "-o", target.path, source.path]
    process.standardError = errors
    try process.run()
    let message = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let output = (try? String(contentsOf: target, encoding: .utf8)) ?? ""
    return (process.terminationStatus, output, String(decoding: message, as: UTF8.self))
  }
}
