import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import Testing

/// Which values the backward program makes anew, and which are kept.
@Suite struct RemakeQuickTests {
  private let base = """
    %x = placeholder() {dtype = f32, shape = [batch,40]} : f32[batch,40]
    %y = exp(%x) : f32[batch,40]
    %z = sin(%x) : f32[batch,40]
    %one = constant() {value = f32[](1.0)} : f32[]
    %ones = broadcast(%one) {shape = [batch,40]} : f32[batch,40]

    """

  private func remade(_ text: String) throws -> (graph: GraphDef, names: [String]) {
    let graph = try parsed(header + base + text).removingDeadNodes(keepingAssignments: true)
    let (result, remade) = graph.remakingQuickValues()
    try result.verify()
    #expect(result.outputs.map { result.type(of: $0) } == graph.outputs.map { graph.type(of: $0) })
    #expect(result.remakingQuickValues().graph == result)
    return (result, remade.map(\.name))
  }

  /// What is made of something that nobody reads later would keep that instead, which is as much.
  @Test func whatItIsMadeOfMustBeAtHand() throws {
    #expect(
      try remade(
        """
        %a = add(%y, %ones) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %a) : f32[batch,40] @backward
        return %t, %g
        """
      ).names == [])
  }

  /// What is fed is at hand, and a chain is made of what it begins with.
  @Test func chainsAreMadeOfTheirBeginning() throws {
    let (result, names) = try remade(
      """
      %a = add(%x, %ones) : f32[batch,40]
      %b = mul(%a, %a) : f32[batch,40]
      %t = tanh(%b) : f32[batch,40]
      %g = mul(%a, %a) : f32[batch,40] @backward
      %h = sub(%b, %g) : f32[batch,40] @backward
      return %t, %h
      """)
    #expect(names == ["a", "b"])
    #expect(Cost(result).keptBytes == 0)
    // One copy of what both are made of: they are of one program.
    #expect(
      result.nodes.filter { $0.phase == .backward }.map(\.name) == [
        "recomputed/ones", "recomputed/a", "g", "recomputed/b", "h",
      ])
  }

  /// Two that are large are more to read than the value.
  @Test func twoLargeOperandsAreMoreToRead() throws {
    func names(_ other: String) throws -> [String] {
      try remade(
        """
        %a = add(%y, \(other)) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %y) : f32[batch,40] @backward
        %h = mul(%g, %z) : f32[batch,40] @backward
        return %t, %h
        """
      ).names
    }
    #expect(try names("%z") == [])
    #expect(try names("%y") == ["a"])
  }

  /// A product, or a loop, would have it written out; what is returned is there to the end.
  @Test func onlyInstructionsMakeItInPassing() throws {
    #expect(
      try remade(
        """
        %a = add(%y, %ones) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %y) : f32[batch,40] @backward
        %s = reduce_sum(%a) {axes = [0], keeps_axes = false} : f32[40] @backward
        return %t, %g, %s
        """
      ).names == [])
    #expect(
      try remade(
        """
        %a = add(%y, %ones) : f32[batch,40]
        %g = mul(%a, %y) : f32[batch,40] @backward
        return %a, %g
        """
      ).names == [])
  }

  /// Transcendental functions take longer than reading what they made.
  @Test func whatIsSlowIsKept() throws {
    for (function, names) in [("tanh", []), ("square", ["a"]), ("sqrt", []), ("relu", ["a"])] {
      #expect(
        try remade(
          """
          %a = \(function)(%y) : f32[batch,40]
          %t = tanh(%a) : f32[batch,40]
          %g = mul(%a, %y) : f32[batch,40] @backward
          return %t, %g
          """
        ).names == names, "\(function)")
    }
    // Five instructions are too many.
    func chain(_ count: Int) throws -> [String] {
      let steps = (1...count).map { number in
        "%a\(number) = neg(%\(number == 1 ? "y" : "a\(number - 1)")) : f32[batch,40]\n"
      }
      return try remade(
        steps.joined() + """
          %t = tanh(%a\(count)) : f32[batch,40]
          %g = mul(%a\(count), %y) : f32[batch,40] @backward
          return %t, %g
          """
      ).names
    }
    #expect(try chain(4) == ["a4"] && chain(5) == [])
  }

  /// A copy that had to wait for a product would be held meanwhile; two are not.
  @Test func behindWhatIsNoProgramAnotherIsMade() throws {
    let (result, names) = try remade(
      """
      %a = add(%y, %ones) : f32[batch,40]
      %t = tanh(%a) : f32[batch,40]
      %g = mul(%a, %y) : f32[batch,40] @backward
      %s = reduce_sum(%g) {axes = [0], keeps_axes = false} : f32[40] @backward
      %b = broadcast(%s) {shape = [batch,40]} : f32[batch,40] @backward
      %h = mul(%a, %b) : f32[batch,40] @backward
      return %t, %h
      """)
    #expect(names == ["a"])
    #expect(result.nodes.count { $0.mnemonic == "add" && $0.phase == .backward } == 2)
    #expect(
      Cost(result).keptBytes
        == Cost(try parsed(header + base + "%g = neg(%y) : f32[batch,40] @backward\nreturn %g")).keptBytes)
  }

  /// A mean is kept for it where it is less than half of it, and not where it is not.
  @Test func smallValuesAreKeptForIt() throws {
    for (axes, shape, names) in [("[0]", "[40]", ["a"]), ("[]", "[batch,40]", [])] {
      let (result, found) = try remade(
        """
        %m = reduce_mean(%y) {axes = \(axes), keeps_axes = false} : f32\(shape)
        %w = broadcast(%m) {shape = [batch,40]} : f32[batch,40]
        %a = sub(%y, %w) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %y) : f32[batch,40] @backward
        return %t, %g
        """)
      #expect(found == names)
      if !names.isEmpty {
        let kept = MemoryReport.keptNames(of: result)
        #expect(kept == ["y", "m"])
      }
    }
  }
}

extension MemoryReport {
  /// Results of forward nodes that later ones read, seen through broadcasts.
  fileprivate static func keptNames(of graph: GraphDef) -> [String] {
    var names: [String] = []
    for node in graph.nodes where node.phase != .forward {
      for input in node.inputs where graph.nodes[input.node].phase == .forward {
        guard graph.nodes[input.node].op.effect == .none, !names.contains(graph.name(of: input)) else {
          continue
        }
        names.append(graph.name(of: input))
      }
    }
    return names.sorted { graph.index(ofNodeNamed: $0) ?? 0 < graph.index(ofNodeNamed: $1) ?? 0 }
  }
}
