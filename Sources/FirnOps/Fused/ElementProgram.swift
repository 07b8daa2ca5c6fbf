internal import FirnGraph

/// What a fused program does for each element of its domain: steps in order, each one value.
///
/// A value of the body is made for what is seen of it through a window alone, so that of the pieces a value is split
/// into each is made where it is read, and of those that are put together each where it belongs. The pieces of one value
/// have no element in common, or the same work would be done twice; whoever makes a program sees to that.
struct ElementProgram: Sendable {
  enum Step: Sendable {
    /// The elements of an operand that a window shows.
    case load(operand: Int, Window)
    /// The op of a node of the body on values of steps before.
    case instruction(any InstructionOp, operands: [Int])
  }

  /// One of the pieces a result is put together from, each of the domain's shape.
  struct Piece: Sendable {
    var step: Int
    /// Where it begins along the result's axis of pieces.
    var start: Dim
  }

  struct Result: Sendable {
    var type: TensorType
    /// Along which pieces lie one after the other.
    var axis: Int
    var pieces: [Piece]
  }

  private(set) var steps: [Step] = []
  /// The element type of each step's value.
  private(set) var dtypes: [DType] = []
  private(set) var results: [Result] = []
  /// What it begins with; nil where that is an instruction.
  private(set) var start: Start?

  /// A node that makes all elements of the domain, of operands read whole.
  struct Start: Sendable {
    /// Its place in the body.
    var node: Int
    /// What its elements are loaded as: an operand more than there are.
    var number: Int
    /// The operands that it reads.
    var operands: [Int]
    /// The result it makes its elements in, which is written over them.
    var home: Int
  }

  private let body: GraphDef
  private let roles: [FusionRole]
  private let index: ValueIndex
  /// What values are seen through, each once; first the window that shows all of the domain.
  private var windows: [Window] = []
  private var windowNumbers: [Window: Int] = [:]
  /// By value, the step that makes all of it, as most are seen; -1 where none does.
  private var wholes: [Int]
  private var known: [Seen: Int] = [:]

  private struct Seen: Hashable, Sendable {
    var value: Value
    /// Its number.
    var window: Int
  }

  static let mostAxes = 8
  static let mostNodes = 1024
  static let mostSteps = 4096

  /// - Throws: C3, C4, C5 or C6 of a program that cannot be run, or what one of its nodes would be refused for.
  init(_ fused: Fused) throws(FirnError) {
    let (body, domain) = (fused.pattern, fused.domain)
    self.body = body
    try require(
      domain.rank <= Self.mostAxes, "C5", .invalidArgument, "the program goes through \(domain.rank) axes",
      remedy: "at most \(Self.mostAxes) are allowed")
    try require(
      body.nodes.count <= Self.mostNodes, "C5", .invalidArgument, "the program has \(body.nodes.count) nodes",
      remedy: "cut it into several of at most \(Self.mostNodes)")
    roles = body.nodes.indices.map { position in
      body.nodes[position].traits.contains(.instruction)
        ? .instruction : body.nodes[position].op.fusionRole(in: body.types(round: position))
    }
    index = ValueIndex(body)
    wholes = Array(repeating: -1, count: index.count)
    for (position, node) in body.nodes.enumerated() where node.fusedInput == nil {
      try requireTypes(of: position, in: fused)
      if node.traits.contains(.start) {
        try begin(with: position, fused)
        continue
      }
      if case .none = roles[position] {
        throw FirnError(
          .invalidArgument, "`\(node.name)` is no elementwise work: `\(node.mnemonic)` is run by itself",
          remedy: "move it out of the program", constraint: "C3")
      }
    }
    try require(
      !body.outputs.isEmpty, "C4", .invalidArgument, "the program returns nothing",
      remedy: "end it with `return`")
    windows.append(Window(rank: domain.rank))
    for output in body.outputs { try add(output, body.type(of: output), domain) }
    try placeStart()
    (windows, windowNumbers, known, wholes) = ([], [:], [:], [])
  }

  /// What named dimensions left open is decided here, as it is for a node by itself: a window beyond the end of what it
  /// shows would be read.
  ///
  /// - Throws: what the node would be refused for, with its name and place.
  private func requireTypes(of position: Int, in fused: Fused) throws(FirnError) {
    let node = body.nodes[position]
    do throws(FirnError) {
      let types = try node.op.resultTypes(of: node.inputs.map { body.type(of: $0) })
      if types == node.types { return }
      throw FirnError(.shapeMismatch, "is \(types), not \(node.types)")
    } catch {
      var error = error
      let named = fused.body.nodes[position]
      error.message = "\(node.mnemonic): \(error.message)"
      (error.place, error.location) = (named.name, named.location)
      throw error
    }
  }

  /// - Throws: C6 unless the node alone makes all elements of the domain, of inputs.
  private mutating func begin(with position: Int, _ fused: Fused) throws(FirnError) {
    let node = body.nodes[position]
    let operands = node.inputs.map { body.nodes[$0.node].fusedInput?.position }
    try require(
      start == nil && node.types.map(\.shape) == [fused.domain] && !operands.contains(nil)
        && body.nodes[position].op is any StartingOp,
      "C6", .invalidArgument,
      "`\(node.name)` is not the one node that makes all elements of \(fused.domain), of inputs alone",
      remedy: "begin the program with it, and put what it reads outside")
    start = Start(node: position, number: fused.inputs.count, operands: operands.compactMap(\.self), home: 0)
  }

  /// Finds the result that is written where the start has made its elements, when nothing reads them any more.
  ///
  /// - Throws: C6 where there is none.
  private mutating func placeStart() throws(FirnError) {
    guard let start else { return }
    let lastUses = lastUses
    let loads = steps.indices.filter {
      if case .load(start.number, _) = steps[$0] { true } else { false }
    }
    let last = loads.map { lastUses[$0] }.max() ?? -1
    let type = body.nodes[start.node].types[0]
    let home = results.indices.first { number in
      guard results[number].type == type, results[number].pieces.count == 1, loads.count == 1,
        case .instruction(let op, let operands) = steps[results[number].pieces[0].step],
        !results[..<number].contains(where: {
          $0.pieces.contains { $0.step == results[number].pieces[0].step }
        })
      else { return false }
      let writer = results[number].pieces[0].step
      let choices = op.aliasing.inPlace(results: 1)[0]
      return last < writer
        || last == writer && operands.indices.allSatisfy { operands[$0] != loads[0] || choices.contains($0) }
    }
    guard let home else {
      throw FirnError(
        .invalidArgument, "no result can be written over what `\(body.nodes[start.node].name)` makes",
        remedy: "return a value of its type that is made when nothing reads it any more", constraint: "C6")
    }
    self.start?.home = home
  }

  private mutating func add(_ output: Value, _ type: TensorType, _ domain: Shape) throws(FirnError) {
    guard let (axis, count) = Self.pieces(of: type.shape, domain) else {
      throw FirnError(
        .shapeMismatch, "`\(body.name(of: output))` is \(type), which is not made of pieces \(domain)",
        remedy: "go through the shape that the results have in common", constraint: "C4")
    }
    var result = Result(type: type, axis: axis, pieces: [])
    for piece in 0..<count {
      var window = windows[0]
      let start = count == 1 ? 0 : domain[axis] * Dim(piece)
      if count > 1 { window.starts[axis] = start }
      result.pieces.append(Piece(step: try value(output, number(of: window), domain), start: start))
    }
    results.append(result)
  }

  /// The axis along which pieces of `domain` lie in `shape`, and how many; nil where it is not made of such.
  private static func pieces(of shape: Shape, _ domain: Shape) -> (axis: Int, count: Int)? {
    guard shape.rank == domain.rank else { return nil }
    let differing = shape.indices.filter { shape[$0] != domain[$0] }
    guard let axis = differing.first else { return (0, 1) }
    guard differing.count == 1, domain[axis] != 0,
      let count = shape[axis].divided(exactlyBy: domain[axis])?.value, (1...mostNodes).contains(count)
    else { return nil }
    return (axis, count)
  }

  /// The step that makes what the window of this number shows of a value.
  private mutating func value(_ value: Value, _ window: Int, _ domain: Shape) throws(FirnError) -> Int {
    let seen = Seen(value: value, window: window)
    if window == 0, wholes[index[value]] >= 0 { return wholes[index[value]] }
    if window != 0, let known = known[seen] { return known }
    let node = body.nodes[value.node]
    let step: Int
    switch roles[value.node] {
    case .none:
      let isStart = node.traits.contains(.start)
      try require(
        !isStart || window == 0, "C6", .invalidArgument, "a part of `\(node.name)` is read alone",
        remedy: "read it whole, where it is made")
      let operand = isStart ? start?.number : node.fusedInput?.position
      step = try append(.load(operand: operand ?? 0, windows[window]), node.types[0].dtype)
    case .instruction:
      guard let op = node.op as? any InstructionOp else { firnBug("fused", "`\(node.mnemonic)` has no code") }
      var operands: [Int] = []
      for input in node.inputs { operands.append(try self.value(input, window, domain)) }
      step = try append(.instruction(op, operands: operands), node.types[0].dtype)
    case .windows(let shown):
      let through = windows[window].onto(shown[value.result])
      step = try self.value(node.inputs[0], number(of: through), domain)
    case .joined(let axis):
      let (operand, inner) = try part(of: node, axis, windows[window], domain)
      step = try self.value(node.inputs[operand], number(of: inner), domain)
    }
    if window == 0 { wholes[index[value]] = step } else { known[seen] = step }
    return step
  }

  private mutating func number(of window: Window) -> Int {
    if window == windows[0] { return 0 }
    if let known = windowNumbers[window] { return known }
    windowNumbers[window] = windows.count
    windows.append(window)
    return windows.count - 1
  }

  /// The one operand that lies where `window` shows what is put together along `axis`.
  private func part(
    of node: Node, _ axis: Int, _ window: Window, _ domain: Shape
  ) throws(FirnError) -> (operand: Int, window: Window) {
    var extent = Dim(1)
    if let along = window.axes.firstIndex(of: axis) {
      extent = (domain[along] - 1) * Dim(window.steps[along]) + 1
    }
    var start = window.starts[axis]
    for (operand, input) in node.inputs.enumerated() {
      let size = body.type(of: input).shape[axis]
      if let before = start.value, before >= 0,
        start + extent == size || (size - start - extent).value ?? -1 >= 0
      {
        var inner = window
        inner.starts[axis] = start
        return (operand, inner)
      }
      start = start - size
    }
    throw FirnError(
      .invalidArgument, "a piece \(domain) lies across operands of `\(node.name)`",
      remedy: "put together pieces of the shape that the program goes through", constraint: "C4")
  }

  private mutating func append(_ step: Step, _ dtype: DType) throws(FirnError) -> Int {
    try require(
      steps.count < Self.mostSteps, "C5", .invalidArgument,
      "the program takes more than \(Self.mostSteps) instructions", remedy: "cut it into several")
    steps.append(step)
    dtypes.append(dtype)
    return steps.count - 1
  }
}
