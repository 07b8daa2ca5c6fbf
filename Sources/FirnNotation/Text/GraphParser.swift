package import FirnGraph

extension GraphDef {
  /// Reads what `text` prints.
  ///
  /// The result types of every node are worked out anew and compared with those written, so a graph that was read is a
  /// graph that verifies.
  ///
  /// - Throws: `.parse` with line, column, the line itself and a caret under the fault.
  package init(parsing text: String, catalogue: OpCatalogue) throws(FirnError) {
    var parser = try GraphParser(text, catalogue: catalogue)
    self = try parser.parse()
  }
}

/// Reads the text form: recursive descent, one token ahead.
struct GraphParser {
  private(set) var lexer: GraphLexer
  private(set) var token: GraphLexer.Token
  private let catalogue: OpCatalogue
  private let mnemonics: Set<String>
  private var variables: [Variable] = []
  private var variablePositions: [String: Int] = [:]
  /// How many lists, and how many graphs, enclose the current token.
  private var listDepth = 0
  private var graphDepth = 0

  init(_ text: String, catalogue: OpCatalogue) throws(FirnError) {
    self.catalogue = catalogue
    mnemonics = Set(catalogue.mnemonics)
    lexer = GraphLexer(text)
    token = try lexer.next()
  }

  mutating func parse() throws(FirnError) -> GraphDef {
    guard isWord("firn") else {
      throw fault("expected `firn \(GraphSyntax.version)`", remedy: "a Firn graph begins with that line")
    }
    try advance()
    let version = token
    guard try word("the version of the form") == String(GraphSyntax.version) else {
      throw fault(
        "this is version `\(lexer.text(version))` of the form", at: version,
        remedy: "this Firn reads version \(GraphSyntax.version)")
    }
    var graph = try graph(isNested: false)
    guard token.kind == .end else { throw unexpected("a node, a variable, `loss`, `return` or the end") }
    graph.variables = variables
    return graph
  }

  // MARK: Graphs

  /// The nodes read so far of one graph.
  private struct Scope {
    var isNested: Bool
    var graph = GraphDef()
    var positions: [String: Int] = [:]
    var parameters: Set<String> = []
  }

  private mutating func graph(isNested: Bool) throws(FirnError) -> GraphDef {
    var scope = Scope(isNested: isNested)
    while true {
      if token.kind == .value {
        try node(in: &scope)
      } else if isWord("variable") {
        if isNested {
          throw fault(
            "a loop body declares no variables", remedy: "declare it at the top and capture its value")
        }
        try variable()
      } else {
        break
      }
    }
    if isWord("loss") {
      guard !isNested else {
        throw fault("a loop body has no loss", remedy: "name the loss at the end of the whole graph")
      }
      try advance()
      scope.graph.lossName = try loss(in: scope)
    }
    if isWord("return") {
      try advance()
      scope.graph.outputs = try values(in: scope)
    }
    return scope.graph
  }

  /// A graph in braces, as the value of an attribute.
  mutating func nestedGraph() throws(FirnError) -> GraphDef {
    try requireDepth(graphDepth)
    graphDepth += 1
    defer { graphDepth -= 1 }
    try expect("{", "a graph")
    let result = try graph(isNested: true)
    guard isPunctuation("}") else { throw unexpected("a node, `return` or the `}` that ends this graph") }
    try advance()
    return result
  }

  /// Counts one list; the caller leaves it.
  mutating func enter() throws(FirnError) {
    try requireDepth(listDepth)
    listDepth += 1
  }

  mutating func leave() { listDepth -= 1 }

  private func requireDepth(_ depth: Int) throws(FirnError) {
    guard depth < Nesting.limit else {
      throw fault("nested more than \(Nesting.limit) deep", remedy: "flatten it")
    }
  }

  /// - Parameter scopes: how many may be around what is called so.
  private func requireDepth(
    of name: String, below scopes: Int = Nesting.limit, at token: GraphLexer.Token
  ) throws(FirnError) {
    guard Path.depth(of: name) > scopes + 1 else { return }
    throw fault(
      "`\(name.prefix(40))…` stands more than \(scopes) scopes deep", at: token,
      remedy: "use fewer scopes in one another")
  }

  // MARK: Variables

  private mutating func variable() throws(FirnError) {
    try advance()
    let nameToken = token
    let name = try word("the variable's name")
    guard Path.isValid(name) else { throw invalidName(name, at: nameToken) }
    try requireDepth(of: name, at: nameToken)
    guard variablePositions[name] == nil else {
      throw fault(
        "variable `\(name)` is declared already", at: nameToken,
        remedy: "names are unique: rename one of them")
    }
    try expect(":", "the variable's type")
    let typeToken = token
    let type = try type()
    guard type.shape.extents != nil else {
      throw fault(
        "variable `\(name)` has shape \(type.shape)", at: typeToken,
        remedy: "a variable's extents are numbers")
    }
    let start = token
    let attributes = try attributes()
    let location = try tags().location
    let initializer = try initializer(attributes, at: start, of: name)
    do throws(FirnError) {
      let kindName = try attributes.values.string("kind")
      guard let kind = Variable.Kind(rawValue: kindName) else {
        throw FirnError(
          .parse,
          "variable `kind` is none of \(Variable.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      let variable = Variable(
        name: name, type: type, kind: kind, role: try attributes.values.string("role"),
        initializer: initializer, isTrainable: try attributes.values.bool("trainable"),
        isHeld: kind == .state && attributes.values["held"] == .bool(true),
        blocks: try GraphSyntax.blocks(attributes.values, of: type.shape),
        shadow: try GraphSyntax.shadow(attributes.values), location: location)
      let known = GraphSyntax.attributes(of: variable)
      for entry in attributes.values.entries where known[entry.key] == nil && entry.key != "block_axis" {
        throw FirnError(
          .parse, "a variable has no attribute `\(entry.key)`",
          remedy: "it has " + known.entries.map(\.key).joined(separator: ", "))
      }
      variablePositions[name] = variables.count
      variables.append(variable)
    } catch {
      throw located(error, at: start, attributes: attributes)
    }
  }

  /// How the variable of this name begins, by numbers that building a graph would take too.
  private func initializer(
    _ attributes: ParsedAttributes, at start: GraphLexer.Token, of name: String
  ) throws(FirnError) -> Initializer {
    guard let written = attributes.values["initializer"] else {
      throw fault(
        "attribute `initializer` is missing", at: start,
        remedy: "write for instance initializer = [\"constant\", 0.0]")
    }
    do throws(FirnError) {
      let initializer = try Initializer(written)
      try initializer.requireNumbers(name: name)
      return initializer
    } catch {
      let place = attributes.keys.first { $0.key == "initializer" }?.value
      throw located(error, at: place ?? start, attributes: attributes)
    }
  }

  // MARK: Nodes

  private mutating func node(in scope: inout Scope) throws(FirnError) {
    let nameToken = token
    let (name, count) = try valueName()
    guard Path.isValid(name) else { throw invalidName(name, at: nameToken) }
    guard scope.positions[name] == nil else {
      throw fault(
        "`%\(name)` is defined already", at: nameToken, remedy: "names are unique: rename one of them")
    }
    try expect("=", "what `%\(name)` is")
    let opToken = token
    let mnemonic = try word("an op")
    guard mnemonics.contains(mnemonic) else {
      throw fault(
        "unknown op `\(mnemonic)`", at: opToken,
        remedy: NearestNames(to: mnemonic, among: catalogue.mnemonics).question
          ?? "the catalogue has no such op")
    }
    try expect("(", "the operands")
    let inputs = isPunctuation(")") ? [] : try values(in: scope)
    try expect(")", "another operand or the end of the operands")
    let attributes = isPunctuation("{") ? try self.attributes() : ParsedAttributes()
    try expect(":", "the result types")
    let written = try types()
    let (phase, location) = try tags()
    // What a compiler adds stands below scopes of its own, such as `gradients`.
    try requireDepth(of: name, below: phase == .forward ? Nesting.limit : 2 * Nesting.limit, at: nameToken)

    let op: any Op
    let types: [TensorType]
    do {
      op = try catalogue.op(mnemonic: mnemonic, attributes: attributes.values)
      types = try op.resultTypes(of: inputs.map(scope.graph.type(of:)))
    } catch {
      throw located(error, at: opToken, attributes: attributes)
    }
    if types.count != written.count || types.count != (count ?? 1) {
      throw fault(
        "`\(mnemonic)` gives \(types.count) results here", at: nameToken,
        remedy: "write `%\(name)\(types.count == 1 ? "" : ":\(types.count)") = …` and as many types")
    }
    for (index, type) in types.enumerated() where type != written[index].type {
      throw fault(
        "`\(mnemonic)` gives \(type) here, not \(written[index].type)", at: written[index].token,
        remedy: "write \(type), or mend operands and attributes")
    }
    try check(op, types: types, isNested: scope.isNested, at: opToken, attributes: attributes)
    if let parameter = op as? LoopInput, !scope.parameters.insert(parameter.slot).inserted {
      throw fault(
        "a second loop input \(parameter.slot)", at: opToken, remedy: "number them from 0 in each kind")
    }
    scope.positions[name] = scope.graph.nodes.count
    scope.graph.nodes.append(
      Node(op: op, inputs: inputs, types: types, name: name, phase: phase, location: location))
  }

  /// What only some graphs may hold, and that variables are what they are read as.
  private func check(
    _ op: any Op, types: [TensorType], isNested: Bool, at token: GraphLexer.Token,
    attributes: ParsedAttributes
  ) throws(FirnError) {
    switch op.effect {
    case .receives where !isNested:
      throw fault("`\(op.mnemonic)` stands outside a loop body", at: token, remedy: "use a placeholder here")
    case .feeds where isNested, .reads where isNested, .writes where isNested, .recalls where isNested:
      throw fault(
        "`\(op.mnemonic)` stands inside a loop body", at: token,
        remedy: "move it out; the body can capture its value")
    case .reads(let name), .writes(let name):
      let place = attributes.keys.first { $0.key == "variable" }?.value ?? token
      guard let position = variablePositions[name] else {
        throw fault(
          "there is no variable `\(name)`", at: place,
          remedy: NearestNames(to: name, among: variables.map(\.name)).question ?? "declare it above")
      }
      let type = variables[position].type
      if !op.fits(types.first, variable: type) {
        throw fault(
          "variable `\(name)` is \(type)", at: token, remedy: "use that type, or mend the declaration")
      }
    case .none, .feeds, .receives, .draws, .holds, .recalls: break
    }
  }

  private mutating func values(in scope: Scope) throws(FirnError) -> [Value] {
    var result = [try value(in: scope)]
    while isPunctuation(",") {
      try advance()
      result.append(try value(in: scope))
    }
    return result
  }

  private mutating func value(in scope: Scope) throws(FirnError) -> Value {
    let start = token
    let (name, index) = try valueName()
    guard let position = scope.positions[name] else {
      let nearest = NearestNames(to: name, among: scope.graph.nodes.map(\.name))
      throw fault(
        "`%\(name)` is not defined above", at: start,
        remedy: nearest.question ?? "a node stands above those that use it")
    }
    let count = scope.graph.nodes[position].types.count
    guard (index ?? 0) < count else {
      throw fault(
        "`%\(name)` has \(count == 1 ? "one result" : "\(count) results")", at: start,
        remedy: count == 0 ? "it cannot be used" : "results count from 0; `%\(name)` alone is the first")
    }
    return Value(position, index ?? 0)
  }

  /// The name of the value that training minimises.
  private mutating func loss(in scope: Scope) throws(FirnError) -> String {
    let start = token
    let value = try value(in: scope)
    guard value.result == 0, scope.graph.isLoss(value) else {
      throw fault(
        "the loss is \(scope.graph.type(of: value))", at: start,
        remedy: "name the first result of a node that is a floating-point scalar")
    }
    return scope.graph.name(of: value)
  }

  /// The name and number of `%name:number`.
  private mutating func valueName() throws(FirnError) -> (name: String, number: Int?) {
    guard token.kind == .value else { throw unexpected("a value such as `%x`") }
    let text = lexer.text(token).dropFirst()
    guard let colon = text.firstIndex(of: ":") else {
      try advance()
      return (String(text), nil)
    }
    guard let number = Int(text[text.index(after: colon)...]) else {
      throw fault("this number is too large", remedy: "results count from 0")
    }
    try advance()
    return (String(text[..<colon]), number)
  }

  /// `@backward`, `@update` and `@"main.swift:12"`.
  private mutating func tags() throws(FirnError) -> (phase: Node.Phase, location: CallSite?) {
    var phase = Node.Phase.forward
    var location: CallSite?
    while isPunctuation("@") {
      try advance()
      if token.kind == .string {
        let text = try lexer.contents(token)
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
          let line = Int(text[colon...].dropFirst())
        else { throw fault("expected a file and a line", remedy: "write @\"main.swift:12\"") }
        location = CallSite(file: String(text[..<colon]), line: line)
      } else if isWord("backward") || isWord("update") {
        phase = isWord("update") ? .update : .backward
      } else {
        throw unexpected("`backward`, `update` or a source location in quotation marks")
      }
      try advance()
    }
    return (phase, location)
  }

  // MARK: Tokens

  mutating func advance() throws(FirnError) { token = try lexer.next() }

  func isWord(_ text: String) -> Bool {
    token.kind == .word && token.range.count == text.utf8.count && lexer.text(token) == text
  }

  func isPunctuation(_ character: Unicode.Scalar) -> Bool {
    token.kind == .punctuation(UInt8(ascii: character))
  }

  mutating func word(_ expected: String) throws(FirnError) -> String {
    guard token.kind == .word else { throw unexpected(expected) }
    let text = lexer.text(token)
    try advance()
    return text
  }

  mutating func expect(_ character: Unicode.Scalar, _ role: String) throws(FirnError) {
    guard isPunctuation(character) else { throw unexpected("`\(character)` and \(role)") }
    try advance()
  }

  // MARK: Faults

  func fault(_ message: String, at place: GraphLexer.Token? = nil, remedy: String? = nil) -> FirnError {
    lexer.fault(message, at: (place ?? token).range.lowerBound, remedy: remedy)
  }

  func unexpected(_ expected: String) -> FirnError {
    switch token.kind {
    case .end:
      fault("expected \(expected), but the text ends", remedy: "add what is missing: the text may be cut off")
    default:
      fault("expected \(expected), found `\(lexer.text(token).prefix(40))`", remedy: "write \(expected) here")
    }
  }

  private func invalidName(_ name: String, at place: GraphLexer.Token) -> FirnError {
    fault(
      "`\(name.prefix(80))` is not a name", at: place,
      remedy: "names are paths of letters, digits, `_`, `-` and `.`, joined by `/`")
  }

  /// The fault of an op or initialiser, placed at the attribute it names, else at `token`.
  private func located(
    _ error: FirnError, at token: GraphLexer.Token, attributes: ParsedAttributes
  ) -> FirnError {
    let named = attributes.keys.first { error.message.contains("`\($0.key)`") }
    let remedy = error.remedy ?? named.map { "mend `\($0.key)`" } ?? "mend the attributes"
    var result = fault(error.message, at: named?.value ?? token, remedy: remedy)
    result.constraint = error.constraint
    result.operands = error.operands
    result.causes = error.causes
    return result
  }
}
