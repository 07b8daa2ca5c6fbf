import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// Which frozen factors and summands go where, with every way an operand can lie.
///
/// Vectors lie along the last axis; one along another is no channel's, and stays.
@Suite struct FoldedAxesTests {
  /// What a name's first letter says: `f` is frozen, `m` state, `t` trained.
  private func declared(_ names: [(name: String, shape: [Int])]) -> String {
    names.map { name, shape in
      let kind = name.hasPrefix("m") ? "state" : "parameter"
      let shape = shape.map(String.init).joined(separator: ",")
      return
        "variable \(name) : f32[\(shape)] {kind = \"\(kind)\", role = \"\", trainable = \(name.hasPrefix("t")), "
        + "initializer = [\"constant\", 1.0]}\n"
    }.joined()
      + names.map { name, shape in
        let shape = shape.map(String.init).joined(separator: ",")
        return "%\(name) = read() {variable = \"\(name)\", dtype = f32, shape = [\(shape)]} : f32[\(shape)]\n"
      }.joined()
  }

  /// The folds, and the mnemonics of what depends on `x` afterwards; the numbers are held to those of before.
  private func folded(
    _ variables: [(name: String, shape: [Int])], x: [Int] = [5, 3], _ text: String
  ) throws -> (folds: [Fold.Kind], moving: [String]) {
    let shape = x.map(String.init).joined(separator: ",")
    let source = try parsed(
      "firn 1\n" + declared(variables + [("fnone", [1])])
        + "%x = placeholder() {dtype = f32, shape = [\(shape)]} : f32[\(shape)]\n" + text
    ).removingDeadNodes(keepingAssignments: true)
    var context = try CompilationContext(CompilationRequest(graph: source, fetches: source.outputs))
    let result = try Compiler.foldFrozen.run(source, &context)
    try result.verify()
    var evaluator = PlainEvaluator()
    evaluator.feeds["x"] = try Initializer.normal().values(shape: x, name: "x")
    for (name, shape) in variables {
      evaluator.variables[name] = try Initializer.normal().values(shape: shape, name: name)
    }
    let (got, expected) = (try evaluator.values(of: result), try evaluator.values(of: source))
    for (a, b) in zip(result.outputs, source.outputs) {
      let (a, b) = (try #require(got[a]).doubles, try #require(expected[b]).doubles)
      #expect(
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) },
        "\(a) is not \(b)")
    }
    var isMoving = Set(result.nodes.indices.filter { result.nodes[$0].op.effect == .feeds })
    let moving = result.nodes.indices.compactMap { position -> String? in
      let node = result.nodes[position]
      guard node.inputs.contains(where: { isMoving.contains($0.node) }) else { return nil }
      isMoving.insert(position)
      return node.mnemonic
    }
    if context.folds.isEmpty { #expect(result.text == source.text) }
    return (context.folds.map(\.kind), moving)
  }

  private func product(_ name: String, _ a: String, _ b: String, _ ta: Bool, _ tb: Bool, _ shape: String)
    -> String
  {
    "%\(name) = matmul(%\(a), %\(b)) {transpose_a = \(ta), transpose_b = \(tb)} : f32[\(shape)]\n"
  }

  /// A vector along an axis of a matrix.
  private func spread(_ name: String, _ axis: Int, _ rows: Int, _ columns: Int) -> String {
    axis == 1
      ? "%r\(name) = broadcast(%\(name)) {shape = [\(rows),\(columns)]} : f32[\(rows),\(columns)]\n"
      : "%a\(name) = reshape(%\(name)) {shape = [\(rows),1]} : f32[\(rows),1]\n"
        + "%r\(name) = broadcast(%a\(name)) {shape = [\(rows),\(columns)]} : f32[\(rows),\(columns)]\n"
  }

  /// A factor of a product's columns goes into the right operand, if that one is frozen; one of rows stays.
  @Test(arguments: [false, true], [false, true]) func factorsOfProducts(_ ta: Bool, _ tb: Bool) throws {
    let x = ta ? [3, 5] : [5, 3]
    let right = try folded(
      [("fw", tb ? [2, 3] : [3, 2]), ("fs", [2])], x: x,
      product("y", "x", "fw", ta, tb, "5,2") + spread("fs", 1, 5, 2)
        + "%z = mul(%y, %rfs) : f32[5,2]\nreturn %z")
    #expect(right.folds == [.scale] && right.moving == ["matmul"])
    let left = try folded(
      [("fw", ta ? [3, 5] : [5, 3]), ("fs", [5])], x: tb ? [2, 3] : [3, 2],
      product("y", "fw", "x", ta, tb, "5,2") + spread("fs", 0, 5, 2)
        + "%z = mul(%y, %rfs) : f32[5,2]\nreturn %z")
    #expect(left.folds.isEmpty)
    // Along what moves there is no kernel to go into.
    let other = try folded(
      [("fw", tb ? [2, 3] : [3, 2]), ("fs", [5])], x: x,
      product("y", "x", "fw", ta, tb, "5,2") + spread("fs", 0, 5, 2)
        + "%z = mul(%y, %rfs) : f32[5,2]\nreturn %z")
    #expect(other.folds.isEmpty)
  }

  /// A factor along what is summed goes into the other operand, whichever that is; one along another axis does not.
  @Test(arguments: [false, true], [false, true]) func factorsOfOperands(_ ta: Bool, _ tb: Bool) throws {
    let (rows, columns) = ta ? (3, 5) : (5, 3)
    for summed in [true, false] {
      let axis = (ta ? 0 : 1) == (summed ? 1 : 0) ? 1 : 0
      let left = try folded(
        [("fw", tb ? [2, 3] : [3, 2]), ("fc", [axis == 0 ? rows : columns])], x: [rows, columns],
        spread("fc", axis, rows, columns) + "%m = mul(%x, %rfc) : f32[\(rows),\(columns)]\n"
          + product("z", "m", "fw", ta, tb, "5,2") + "return %z")
      #expect(left.folds == (summed && axis == 1 ? [.scale] : []), "left \(summed)")
    }
    let (k, n) = tb ? (2, 3) : (3, 2)
    for summed in [true, false] {
      let axis = (tb ? 1 : 0) == (summed ? 0 : 1) ? 0 : 1
      let right = try folded(
        [("fw", ta ? [3, 5] : [5, 3]), ("fc", [axis == 0 ? k : n])], x: [k, n],
        spread("fc", axis, k, n) + "%m = mul(%x, %rfc) : f32[\(k),\(n)]\n"
          + product("z", "fw", "m", ta, tb, "5,2") + "return %z")
      #expect(right.folds == (summed && axis == 1 ? [.scale] : []), "right \(summed)")
    }
  }

  /// Two products with a summand between are one, however the matrices lie; not where the second reads the first
  /// turned.
  @Test(arguments: [false, true], [false, true]) func productsOfProducts(_ tb: Bool, _ to: Bool) throws {
    for ta in [false, true] {
      let (one, two) = (("fw", tb ? [2, 3] : [3, 2]), ("fv", to ? [4, 2] : [2, 4]))
      let inner = product("y", "x", "fw", ta, tb, "5,2")
      let (made, between) = try (
        folded(
          [one, two], x: ta ? [3, 5] : [5, 3], inner + product("z", "y", "fv", false, to, "5,4") + "return %z"
        ),
        folded(
          [one, two, ("fb", [2]), ("fs", [4])], x: ta ? [3, 5] : [5, 3],
          inner + spread("fb", 1, 5, 2) + spread("fs", 1, 5, 4) + "%b = add(%y, %rfb) : f32[5,2]\n"
            + product("z", "b", "fv", false, to, "5,4")
            // What comes behind goes on through the summand.
            + "%s = mul(%z, %rfs) : f32[5,4]\nreturn %s")
      )
      #expect(made.folds == [.product] && made.moving == ["matmul"])
      #expect(between.folds == [.product, .scale] && between.moving == ["matmul", "add"], "\(between)")
    }
    let turned = try folded(
      [("fw", tb ? [2, 3] : [3, 2]), ("fv", to ? [4, 5] : [5, 4])],
      product("y", "x", "fw", false, tb, "5,2") + product("z", "y", "fv", true, to, "2,4") + "return %z")
    #expect(turned.folds.isEmpty)
  }

  /// A summand of rows is no summand of the product's columns; what is read besides stays; so does what is frozen
  /// whole.
  @Test func productsThatStay() throws {
    let matrices: [(name: String, shape: [Int])] = [
      ("fw", [3, 2]), ("fv", [2, 4]), ("fq", [5]), ("fb", [2]),
    ]
    let inner = product("y", "x", "fw", false, false, "5,2")
    let outer = product("z", "b", "fv", false, false, "5,4")
    #expect(
      try folded(
        matrices, inner + spread("fq", 0, 5, 2) + "%b = add(%y, %rfq) : f32[5,2]\n" + outer + "return %z"
      ).folds.isEmpty)
    #expect(
      try folded(
        matrices, inner + spread("fb", 1, 5, 2) + "%b = add(%y, %rfb) : f32[5,2]\n" + outer + "return %z, %y"
      ).folds.isEmpty)
    #expect(
      try folded(
        matrices + [("fx", [5, 3])],
        product("y", "fx", "fw", false, false, "5,2") + product("z", "y", "fv", false, false, "5,4")
          + product("o", "x", "fw", false, false, "5,2") + "return %z, %o"
      ).folds.isEmpty)
  }

  /// Vectors along different axes are not one; numbers go with either, and with one another.
  @Test func vectorsOfOtherAxesStay() throws {
    let vectors: [(name: String, shape: [Int])] = [("fs", [3]), ("fq", [5]), ("fh", [])]
    let all =
      spread("fs", 1, 5, 3) + spread("fq", 0, 5, 3) + "%rfh = broadcast(%fh) {shape = [5,3]} : f32[5,3]\n"
    for op in ["add", "mul"] {
      let kind: Fold.Kind = op == "add" ? .shift : .scale
      for (a, b, folds) in [
        ("fs", "fq", []), ("fq", "fs", []), ("fs", "fh", [kind]), ("fh", "fq", []), ("fh", "fh", [kind]),
      ] as [(String, String, [Fold.Kind])] {
        let found = try folded(
          vectors,
          all + "%e = exp(%x) : f32[5,3]\n%m = \(op)(%e, %r\(a)) : f32[5,3]\n"
            + "%n = \(op)(%r\(b), %m) : f32[5,3]\nreturn %n")
        #expect(found.folds == folds, "\(op) \(a) \(b)")
      }
    }
    // Nor does a factor go through a summand along another axis.
    let through = try folded(
      [("fw", [3, 2]), ("fs", [2]), ("fq", [5])],
      product("y", "x", "fw", false, false, "5,2") + spread("fs", 1, 5, 2) + spread("fq", 0, 5, 2)
        + "%b = add(%y, %rfq) : f32[5,2]\n%z = mul(%b, %rfs) : f32[5,2]\nreturn %z")
    #expect(through.folds.isEmpty)
  }

  /// Each of several factors goes through the bias into the kernel.
  @Test func factorsGoThroughABiasOneAfterTheOther() throws {
    let found = try folded(
      [("fw", [3, 2]), ("fb", [2]), ("fs", [2]), ("fr", [2])],
      product("y", "x", "fw", false, false, "5,2") + spread("fb", 1, 5, 2) + spread("fs", 1, 5, 2)
        + spread("fr", 1, 5, 2)
        + "%b = add(%y, %rfb) : f32[5,2]\n%m = mul(%b, %rfs) : f32[5,2]\n%n = mul(%m, %rfr) : f32[5,2]\nreturn %n"
    )
    #expect(found.folds == [.scale, .scale] && found.moving == ["matmul", "add"])
  }

  /// A kernel that is trained, in whole or in part of what it is made of, takes nothing in; nor do state and constants
  /// alone.
  @Test func whatIsNotFrozenTakesNothingIn() throws {
    let spreads = spread("fs", 1, 5, 2) + spread("fc", 1, 5, 3)
    for kernel in ["tw", "mix"] {
      let made = kernel == "mix" ? "%mix = mul(%fw, %tw) : f32[3,2]\n" : ""
      let variables: [(name: String, shape: [Int])] = [
        ("fw", [3, 2]), ("tw", [3, 2]), ("fs", [2]), ("fc", [3]),
      ]
      #expect(
        try folded(
          variables,
          spreads + made + product("y", "x", kernel, false, false, "5,2")
            + "%z = mul(%y, %rfs) : f32[5,2]\nreturn %z"
        ).folds.isEmpty)
      #expect(
        try folded(
          variables,
          spreads + made + "%m = mul(%x, %rfc) : f32[5,3]\n" + product("z", "m", kernel, false, false, "5,2")
            + "return %z"
        ).folds.isEmpty)
    }
    let states: [(name: String, shape: [Int])] = [("ms", [3]), ("mt", [3])]
    let both = spread("ms", 1, 5, 3) + spread("mt", 1, 5, 3)
    for op in ["add", "mul"] {
      #expect(
        try folded(
          states,
          both
            + "%e = exp(%x) : f32[5,3]\n%m = \(op)(%e, %rms) : f32[5,3]\n%n = \(op)(%m, %rmt) : f32[5,3]\nreturn %n"
        ).folds.isEmpty)
    }
  }

  /// What the program itself writes is not frozen, whatever it was declared.
  @Test func whatIsWrittenIsNotFrozen() throws {
    #expect(
      try folded(
        [("fw", [3, 2]), ("fs", [2])],
        product("y", "x", "fw", false, false, "5,2") + spread("fs", 1, 5, 2)
          + "%z = mul(%y, %rfs) : f32[5,2]\n%s = reduce_sum(%z) {axes = [0], keeps_axes = false} : f32[2]\n"
          + "%w = assign(%s) {variable = \"fs\"} : f32[2]\nreturn %z, %w"
      ).folds.isEmpty)
  }

  /// One number that lies in an axis of extent 1 is repeated along all of them, and a row of a matrix is no vector.
  @Test func whatIsNoVectorStays() throws {
    for shape in ["1", "1,2"] {
      let extents = shape.split(separator: ",").compactMap { Int($0) }
      let found = try folded(
        [("fw", [3, 2]), ("fo", extents)],
        product("y", "x", "fw", false, false, "5,2")
          + "%r = broadcast(%fo) {shape = [5,2]} : f32[5,2]\n%z = mul(%y, %r) : f32[5,2]\nreturn %z")
      #expect(found.folds.isEmpty, "\(shape)")
    }
    // Whole numbers are multiplied as they stand.
    let ints = """
      firn 1
      variable f : i32[] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 2.0]}
      %x = placeholder() {dtype = i32, shape = [4]} : i32[4]
      %f = read() {variable = "f", dtype = i32, shape = []} : i32[]
      %r = broadcast(%f) {shape = [4]} : i32[4]
      %m = mul(%x, %r) : i32[4]
      %n = mul(%m, %r) : i32[4]
      return %n
      """
    let graph = try parsed(ints)
    var context = try CompilationContext(CompilationRequest(graph: graph, fetches: graph.outputs))
    #expect(try Compiler.foldFrozen.run(graph, &context).text == graph.text)
  }

  /// Channels are a convolution's last axis; before one with groups a factor would be of other taps in each group.
  @Test func axesOfConvolutions() throws {
    let x = [2, 5, 4, 6]
    func convolved(
      _ name: String, _ input: String, groups: Int, features: Int = 6, _ size: String = "2,3,2"
    ) -> String {
      "%\(name) = conv2d(%\(input), %fk) {strides = [1,1], padding = [0,0,0,0], dilation = [1,1], "
        + "groups = \(groups)} : f32[\(size),\(features)]\n"
    }
    for groups in [1, 2] {
      let kernel = ("fk", [3, 3, 6 / groups, 6])
      let behind = try folded(
        [kernel, ("fs", [6])], x: x,
        convolved("y", "x", groups: groups)
          + "%r = broadcast(%fs) {shape = [2,3,2,6]} : f32[2,3,2,6]\n%z = mul(%y, %r) : f32[2,3,2,6]\nreturn %z"
      )
      #expect(behind.folds == [.scale])
      let before = try folded(
        [kernel, ("fs", [6])], x: x,
        "%r = broadcast(%fs) {shape = [2,5,4,6]} : f32[2,5,4,6]\n%m = mul(%x, %r) : f32[2,5,4,6]\n"
          + convolved("z", "m", groups: groups) + "return %z")
      #expect(before.folds == (groups == 1 ? [.scale] : []))
      let rows = try folded(
        [kernel, ("fs", [3])], x: x,
        convolved("y", "x", groups: groups)
          + "%a = reshape(%fs) {shape = [3,1,1]} : f32[3,1,1]\n"
          + "%r = broadcast(%a) {shape = [2,3,2,6]} : f32[2,3,2,6]\n%z = mul(%y, %r) : f32[2,3,2,6]\nreturn %z"
      )
      #expect(rows.folds.isEmpty)
    }
    // Gradients of images: what is a factor of features before is one behind.
    let back = try folded(
      [("fk", [3, 3, 6, 4]), ("fs", [6]), ("fc", [4])], x: [2, 3, 2, 4],
      "%rc = broadcast(%fc) {shape = [2,3,2,4]} : f32[2,3,2,4]\n%m = mul(%x, %rc) : f32[2,3,2,4]\n"
        + "%y = conv2d_input_gradient(%m, %fk) {strides = [1,1], padding = [0,0,0,0], dilation = [1,1], groups = 1, "
        + "size = [5,4]} : f32[2,5,4,6]\n"
        + "%r = broadcast(%fs) {shape = [2,5,4,6]} : f32[2,5,4,6]\n%z = mul(%y, %r) : f32[2,5,4,6]\nreturn %z"
    )
    #expect(back.folds == [.scale, .scale] && back.moving == ["conv2d_input_gradient"])
  }
}
