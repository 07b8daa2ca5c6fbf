import FirnGraph

/// Attributes with the places of their keys, for faults found when an op is made from them.
struct ParsedAttributes {
  var values = Attributes()
  var keys: [(key: String, value: GraphLexer.Token)] = []
}

extension GraphParser {
  // MARK: Types

  mutating func types() throws(FirnError) -> [(type: TensorType, token: GraphLexer.Token)] {
    if isPunctuation("(") {
      try advance()
      try expect(")", "no type, for a node without results")
      return []
    }
    var result = [(type: TensorType, token: GraphLexer.Token)]()
    while true {
      let start = token
      result.append((try type(), start))
      guard isPunctuation(",") else { return result }
      try advance()
    }
  }

  mutating func type() throws(FirnError) -> TensorType {
    let start = token
    let dtype = try dtype()
    try expect("[", "the extents")
    var dimensions: [Dim] = []
    if !isPunctuation("]") {
      dimensions.append(try extent())
      while isPunctuation(",") {
        try advance()
        dimensions.append(try extent())
      }
    }
    guard isPunctuation("]") else { throw unexpected("`,` or `]`") }
    try advance()
    try checkSize(dimensions, at: start)
    return TensorType(dtype, Shape(dimensions))
  }

  private mutating func dtype() throws(FirnError) -> DType {
    let start = token
    let name = try word("a type such as `f32[8,16]`")
    guard let dtype = DType(rawValue: name) else {
      throw fault(
        "unknown element type `\(name.prefix(40))`", at: start,
        remedy: "use " + DType.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return dtype
  }

  private mutating func extent() throws(FirnError) -> Dim {
    let start = token
    let text = try word("an extent")
    guard let dimension = dimension(text) else {
      throw fault(
        "`\(text.prefix(40))` is not an extent", at: start,
        remedy: "write a number, a name, or sums of products such as `2*batch+1`")
    }
    if let value = dimension.value, value < 0 {
      throw fault("extent \(value) is negative", at: start, remedy: "write 0 or more")
    }
    if dimension.isEndless {
      throw fault("extent `\(text.prefix(40))` is too large", at: start, remedy: "use a smaller extent")
    }
    return dimension
  }

  /// Bounded, since reading a sum of many products takes time in the square of its length.
  private func dimension(_ text: String) -> Dim? {
    text.utf8.count <= 1 << 10 ? Dim(parsing: text) : nil
  }

  /// Refuses shapes whose element count is no sensible number or takes long to work out.
  private func checkSize(_ dimensions: [Dim], at start: GraphLexer.Token) throws(FirnError) {
    var elements = 1
    var terms = 1
    for dimension in dimensions {
      let extent = max(1, dimension.value ?? 1)
      guard extent <= GraphSyntax.elementLimit / elements else {
        throw fault(
          "more than \(GraphSyntax.elementLimit) elements", at: start, remedy: "use smaller extents")
      }
      elements *= extent
      terms *= max(1, dimension.termCount)
      guard terms <= GraphSyntax.termLimit else {
        throw fault("the element count has too many terms", at: start, remedy: "use simpler extents")
      }
    }
  }

  // MARK: Attributes

  mutating func attributes() throws(FirnError) -> ParsedAttributes {
    try expect("{", "attributes")
    var result = ParsedAttributes()
    var seen: Set<String> = []
    while !isPunctuation("}") {
      if !seen.isEmpty {
        guard isPunctuation(",") else { throw unexpected("`,` or `}`") }
        try advance()
      }
      let keyToken = token
      let key = try word("an attribute's name")
      guard Dim.isName(key) else {
        throw fault(
          "`\(key.prefix(40))` is not an attribute's name", at: keyToken,
          remedy: "it starts with a letter and has letters, digits and `_`")
      }
      guard seen.insert(key).inserted else {
        throw fault("attribute `\(key)` is given twice", at: keyToken, remedy: "keep one of them")
      }
      try expect("=", "the value of `\(key)`")
      result.values.entries.append(.init(key: key, value: try attributeValue()))
      result.keys.append((key, keyToken))
    }
    try advance()
    return result
  }

  private mutating func attributeValue() throws(FirnError) -> AttributeValue {
    switch token.kind {
    case .string:
      let text = try lexer.contents(token)
      try advance()
      return .string(text)
    case .punctuation(UInt8(ascii: "[")): return try list()
    case .punctuation(UInt8(ascii: "{")): return .graph(try nestedGraph())
    case .word: return try bareValue()
    case .value, .punctuation, .end: throw unexpected("an attribute's value")
    }
  }

  private mutating func list() throws(FirnError) -> AttributeValue {
    try enter()
    defer { leave() }
    let start = token
    try advance()
    var values: [AttributeValue] = []
    while !isPunctuation("]") {
      if !values.isEmpty {
        guard isPunctuation(",") else { throw unexpected("`,` or `]`") }
        try advance()
      }
      values.append(try attributeValue())
    }
    try advance()
    let dimensions = values.compactMap { value -> Dim? in
      if case .dimension(let dimension) = value { dimension } else { nil }
    }
    try checkSize(dimensions, at: start)
    return .list(values)
  }

  /// A word, told apart by its form: a truth value, an element type or array, a number, a dimension.
  private mutating func bareValue() throws(FirnError) -> AttributeValue {
    let start = token
    let text = try word("an attribute's value")
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    default: break
    }
    if let dtype = DType(rawValue: text) {
      return isPunctuation("[") ? .array(try array(dtype, at: start)) : .dtype(dtype)
    }
    if let number = Int(text), !text.hasPrefix("+") { return .int(number) }
    if text.contains(where: { ".en".contains($0) }), let number = Self.number(text, as: Double.self) {
      return .double(number)
    }
    if let dimension = dimension(text) {
      return dimension.value.map(AttributeValue.int) ?? .dimension(dimension)
    }
    throw fault(
      "`\(text.prefix(40))` is not an attribute's value", at: start,
      remedy:
        "write true, false, a 64-bit number, \"text\", an element type, a dimension, a list, an array or a graph"
    )
  }

  /// The number `text` writes in decimal; nil where it does not, or where it is finite and `Number` has no room for it.
  private static func number<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    _ text: String, as type: Number.Type
  ) -> Number? {
    switch text {
    case "inf": return Number.infinity
    case "-inf": return -Number.infinity
    case "nan": return Number.nan
    default: break
    }
    // What the standard library reads beyond decimal notation, such as `0x1p3`, is not part of the form.
    let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
    guard unsigned.utf8.first.map(GraphLexer.isDigit) == true,
      unsigned.utf8.allSatisfy({ GraphLexer.isDigit($0) || ".e+-".utf8.contains($0) }),
      let number = Number(text), number.isFinite
    else { return nil }
    return number
  }

  // MARK: Arrays

  private mutating func array(_ dtype: DType, at start: GraphLexer.Token) throws(FirnError) -> NDArray {
    try advance()
    var shape: [Int] = []
    while !isPunctuation("]") {
      if !shape.isEmpty {
        guard isPunctuation(",") else { throw unexpected("`,` or `]`") }
        try advance()
      }
      let place = token
      guard let value = try extent().value else {
        throw fault("an array's extents are numbers", at: place, remedy: "write a number")
      }
      shape.append(value)
    }
    try advance()
    try checkSize(shape.map { Dim($0) }, at: start)
    let type = ArrayType(dtype, shape)
    if isWord("x") { return try bytes(of: type) }
    guard isPunctuation("(") else { throw unexpected("elements in parentheses or x\"hexadecimal\"") }
    switch dtype {
    case .f32: return try elements(of: type) { Self.number($0, as: Float.self) }
    case .f64: return try elements(of: type) { Self.number($0, as: Double.self) }
    case .i32: return try elements(of: type) { Int32($0) }
    case .bool: return try elements(of: type) { Bool($0) }
    }
  }

  /// Elements in parentheses; as many are read as are there, and only then compared with the shape.
  private mutating func elements<Element: ArrayElement>(
    of type: ArrayType, read: (String) -> Element?
  ) throws(FirnError) -> NDArray {
    let start = token
    try advance()
    var values: [Element] = []
    while !isPunctuation(")") {
      if !values.isEmpty {
        guard isPunctuation(",") else { throw unexpected("`,` or `)`") }
        try advance()
      }
      let place = token
      let text = try word("an element")
      guard let value = read(text) else {
        throw fault(
          "`\(text.prefix(40))` is not an element of \(type)", at: place,
          remedy: Self.elements(of: type.dtype))
      }
      values.append(value)
    }
    guard values.count == type.elementCount else {
      throw fault(
        "\(type) has \(type.elementCount) elements, not \(values.count)", at: start,
        remedy: "mend the shape or the elements")
    }
    try advance()
    return try NDArray(values, shape: type.shape)
  }

  private static func elements(of dtype: DType) -> String {
    switch dtype {
    case .f32, .f64: "write decimal numbers that \(dtype) has room for, inf or nan"
    case .i32: "write whole numbers of 32 bits"
    case .bool: "write true or false"
    }
  }

  /// `x"…"`: the bytes in memory order, little-endian, two hexadecimal digits each.
  private mutating func bytes(of type: ArrayType) throws(FirnError) -> NDArray {
    try advance()
    guard token.kind == .string else { throw unexpected("hexadecimal digits in quotation marks") }
    let digits = token.range.dropFirst().dropLast()
    guard digits.count == 2 * type.byteCount else {
      throw fault(
        "\(type) takes \(2 * type.byteCount) hexadecimal digits, not \(digits.count)",
        remedy: "mend the shape or the digits")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(type.byteCount)
    for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
      guard let high = Self.digit(lexer.bytes[index]), let low = Self.digit(lexer.bytes[index + 1]) else {
        throw lexer.fault(
          "this is not a hexadecimal digit", at: index, remedy: "write digits and a to f, in lower case")
      }
      bytes.append(high << 4 | low)
      if type.dtype == .bool, bytes[bytes.count - 1] > 1 {
        throw lexer.fault("a bool is 00 or 01", at: index, remedy: "write one of them")
      }
    }
    try advance()
    var result = NDArray(cleared: type)
    result.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return result
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
