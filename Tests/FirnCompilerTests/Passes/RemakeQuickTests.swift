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
    %half = placeholder() {dtype = f32, shape = [batch,20]} : f32[batch,20]
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

  /// One that reads it as another shape, or when variables are written, has it kept.
  @Test func otherReadersKeepIt() throws {
    func names(_ reader: String) throws -> [String] {
      try remade(
        """
        %a = add(%y, %ones) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %y) : f32[batch,40] @backward
        \(reader)
        return %t, %g, %h
        """
      ).names
    }
    #expect(try names("%h = neg(%a) : f32[batch,40] @backward") == ["a"])
    #expect(try names("%h = neg(%a) : f32[batch,40] @update") == [])
    #expect(
      try names(
        "%r = reshape(%a) {shape = [40*batch]} : f32[40*batch] @backward\n%h = neg(%r) : f32[40*batch] @backward"
      )
        == [])
  }

  /// A mask is less to read than what it is made of; what an assignment hands on, or several are put together to, is
  /// not made of what is at hand.
  @Test func whatIsMoreToReadIsKept() throws {
    #expect(
      try remade(
        """
        %a = less(%y, %ones) : bool[batch,40]
        %t = select(%a, %y, %z) : f32[batch,40]
        %g = select(%a, %y, %z) : f32[batch,40] @backward
        return %t, %g
        """
      ).names == [])
    #expect(
      try remade(
        """
        %p = exp(%half) : f32[batch,20]
        %q = sin(%half) : f32[batch,20]
        %c = concat(%p, %q) {axis = 1} : f32[batch,40]
        %a = add(%c, %ones) : f32[batch,40]
        %t = tanh(%a) : f32[batch,40]
        %g = mul(%a, %z) : f32[batch,40] @backward
        %h = mul(%p, %q) : f32[batch,20] @backward
        return %t, %g, %h
        """
      ).names == [])
  }

  /// What is small counts once, whoever reads it, and only together with what else is newly kept.
  @Test func smallValuesAreCountedTogether() throws {
    let sources = """
      %y = placeholder() {dtype = f32, shape = [2,40]} : f32[2,40]
      %e = exp(%y) : f32[2,40]
      %m = reduce_mean(%e) {axes = [0], keeps_axes = false} : f32[40]
      %n = reduce_sum(%e) {axes = [0], keeps_axes = false} : f32[40]
      %wm = broadcast(%m) {shape = [2,40]} : f32[2,40]
      %wn = broadcast(%n) {shape = [2,40]} : f32[2,40]

      """
    func names(_ text: String) throws -> [String] {
      let graph = try parsed(header + sources + text).removingDeadNodes(keepingAssignments: true)
      let (result, remade) = graph.remakingQuickValues()
      try result.verify()
      return remade.map(\.name)
    }
    // One of half its bytes, twice.
    #expect(
      try names(
        """
        %v = broadcast(%m) {shape = [2,40]} : f32[2,40]
        %a = mul(%wm, %v) : f32[2,40]
        %t = tanh(%a) : f32[2,40]
        %g = mul(%a, %y) : f32[2,40] @backward
        return %t, %g
        """) == ["a"])
    // Two of half its bytes are as much.
    #expect(
      try names(
        """
        %a = add(%wm, %wn) : f32[2,40]
        %t = tanh(%a) : f32[2,40]
        %g = mul(%a, %y) : f32[2,40] @backward
        return %t, %g
        """) == [])
    // What is kept for one need not be kept anew for the next.
    #expect(
      try names(
        """
        %a = add(%y, %wm) : f32[2,40]
        %b = add(%wm, %wn) : f32[2,40]
        %t = tanh(%a) : f32[2,40]
        %u = tanh(%b) : f32[2,40]
        %g = mul(%a, %b) : f32[2,40] @backward
        return %t, %u, %g
        """) == ["a", "b"])
    // And what was not to be kept is, where something else is made of it.
    #expect(
      try names(
        """
        %q = mul(%m, %m) : f32[40]
        %wq = broadcast(%q) {shape = [2,40]} : f32[2,40]
        %a = add(%y, %wq) : f32[2,40]
        %t = tanh(%a) : f32[2,40]
        %h = mul(%q, %m) : f32[40] @backward
        %g = mul(%a, %y) : f32[2,40] @backward
        return %t, %g, %h
        """) == ["a"])
  }

  /// A view between two readers holds nothing up.
  @Test func behindAViewTheSameCopyIsRead() throws {
    let (result, names) = try remade(
      """
      %a = add(%y, %ones) : f32[batch,40]
      %t = tanh(%a) : f32[batch,40]
      %g = mul(%a, %y) : f32[batch,40] @backward
      %r = reshape(%x) {shape = [40*batch]} : f32[40*batch] @backward
      %h = mul(%a, %g) : f32[batch,40] @backward
      return %t, %h, %r
      """)
    #expect(names == ["a"])
    #expect(result.nodes.count { $0.mnemonic == "add" && $0.phase == .backward } == 1)
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
