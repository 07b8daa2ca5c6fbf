/// The extent of one axis: a number, or a polynomial in named dimensions such as `batch*time+1`.
///
/// Named dimensions are bound to numbers by the first feed that mentions them. Coefficients are integers; terms are kept
/// sorted, so equal polynomials are equal values and print the same text.
///
/// Arithmetic never wraps: a number beyond `Int` becomes `Int.max`, or `-Int.max`, and stays that whatever is added or
/// taken away. No graph has an extent so large.
public struct Dim: Hashable, Sendable {
  /// A product of named dimensions (a name may repeat) and its coefficient, never zero.
  struct Term: Hashable, Sendable {
    var names: [String]
    var coefficient: Int
  }

  /// The part without names.
  private(set) var constant: Int
  /// The other terms: higher degree first, then alphabetically.
  private(set) var terms: [Term]

  /// How many terms it has, that without names included.
  package var termCount: Int { terms.count + (constant == 0 ? 0 : 1) }

  /// A known extent.
  public init(_ constant: Int) {
    self.constant = constant
    terms = []
  }

  /// An extent bound when a feed first mentions `name`.
  public init(named name: String) {
    constant = 0
    terms = [Term(names: [name], coefficient: 1)]
  }

  private init(constant: Int, terms: [Term]) {
    var merged: [[String]: Int] = [:]
    for term in terms { merged[term.names] = Self.sum(merged[term.names] ?? 0, term.coefficient) }
    self.constant = constant
    self.terms =
      merged.filter { $0.value != 0 }
      .map { Term(names: $0.key, coefficient: $0.value) }
      .sorted { Self.precedes($0.names, $1.names) }
  }

  private static func precedes(_ a: [String], _ b: [String]) -> Bool {
    a.count != b.count ? a.count > b.count : a.lexicographicallyPrecedes(b)
  }

  // MARK: Numbers without end

  /// Stands for every number that is too large.
  private static let endless = Int.max

  /// Whether `number` is the last there is in either direction, which stands for all beyond.
  private static func isEndless(_ number: Int) -> Bool { number == endless || number <= -endless }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    if isEndless(a) { return a < 0 ? -endless : endless }
    if isEndless(b) { return b < 0 ? -endless : endless }
    let (sum, overflows) = a.addingReportingOverflow(b)
    return overflows ? (a < 0 ? -endless : endless) : Swift.max(sum, -endless)
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    if a == 0 || b == 0 { return 0 }
    let (product, overflows) = a.multipliedReportingOverflow(by: b)
    guard overflows || isEndless(a) || isEndless(b) else { return Swift.max(product, -endless) }
    return (a < 0) == (b < 0) ? endless : -endless
  }

  private static func quotient(_ a: Int, _ b: Int) -> Int {
    isEndless(a) ? product(a < 0 ? -endless : endless, b.signum()) : a / b
  }

  /// Whether a number in it is one that stands for what is too large.
  package var isEndless: Bool {
    Self.isEndless(constant) || terms.contains { Self.isEndless($0.coefficient) }
  }

  // MARK: Names and numbers

  /// The extent as a number, or nil while it depends on a name.
  public var value: Int? { terms.isEmpty ? constant : nil }

  /// The names it depends on, sorted.
  public var names: [String] {
    if terms.count == 1, terms[0].names.count == 1 { return terms[0].names }
    return terms.isEmpty ? [] : Set(terms.flatMap(\.names)).sorted()
  }

  /// The extent with every name of `binding` replaced by its number.
  public func bound(by binding: DimBinding) -> Dim {
    if terms.isEmpty { return self }
    var result = Dim(constant)
    for term in terms {
      var product = Dim(term.coefficient)
      for name in term.names {
        product = product * (binding[name].map { Dim($0) } ?? Dim(named: name))
      }
      result = result + product
    }
    return result
  }

  /// The quotient where it is exact for every binding; nil otherwise.
  public func divided(exactlyBy divisor: Dim) -> Dim? {
    if self == divisor { return 1 }
    if divisor == -1 { return self * -1 }
    if let d = divisor.value {
      guard d != 0, d != -1, Self.divides(d, constant), terms.allSatisfy({ Self.divides(d, $0.coefficient) })
      else { return nil }
      return Dim(
        constant: Self.quotient(constant, d),
        terms: terms.map { Term(names: $0.names, coefficient: Self.quotient($0.coefficient, d)) })
    }
    guard divisor.constant == 0, divisor.terms.count == 1, constant == 0 else { return nil }
    let by = divisor.terms[0]
    if by.coefficient == -1 { return (self * -1).divided(exactlyBy: divisor * -1) }
    var quotient = Dim(0)
    for term in terms {
      guard Self.divides(by.coefficient, term.coefficient) else { return nil }
      var names = term.names
      for name in by.names {
        guard let index = names.firstIndex(of: name) else { return nil }
        names.remove(at: index)
      }
      let coefficient = Self.quotient(term.coefficient, by.coefficient)
      quotient =
        quotient
        + (names.isEmpty
          ? Dim(coefficient)
          : Dim(constant: 0, terms: [Term(names: names, coefficient: coefficient)]))
    }
    return quotient
  }

  private static func divides(_ divisor: Int, _ number: Int) -> Bool {
    isEndless(number) || number % divisor == 0
  }

  /// Its only name, and the number that stands for where the whole is `extent`: 3 for `4*segments` where that is 12.
  ///
  /// - Returns: nil where no number fits, or where more than one name or a power has a say.
  package func solved(for extent: Int) -> (name: String, number: Int)? {
    guard terms.count == 1, terms[0].names.count == 1, !isEndless, !Self.isEndless(extent) else {
      return nil
    }
    let (left, overflows) = extent.subtractingReportingOverflow(constant)
    let (number, isTooLarge) = left.dividedReportingOverflow(by: terms[0].coefficient)
    if overflows || isTooLarge { return nil }
    return left % terms[0].coefficient == 0 && number >= 0 ? (terms[0].names[0], number) : nil
  }

  /// The sum, as a polynomial.
  public static func + (a: Dim, b: Dim) -> Dim {
    // Most often one is a number; only what both have names in has terms to be merged.
    if a.terms.isEmpty || b.terms.isEmpty {
      var result = a.terms.isEmpty ? b : a
      result.constant = sum(a.constant, b.constant)
      return result
    }
    return Dim(constant: sum(a.constant, b.constant), terms: a.terms + b.terms)
  }

  /// The difference; below 0 only on the way to something else, as no axis has such an extent.
  public static func - (a: Dim, b: Dim) -> Dim { a + b * -1 }

  /// The product, as a polynomial: folding axes of `batch` and `time` gives `batch*time`.
  public static func * (a: Dim, b: Dim) -> Dim {
    if a.terms.isEmpty { return b.scaled(by: a.constant) }
    if b.terms.isEmpty { return a.scaled(by: b.constant) }
    var terms: [Term] = []
    let left = a.terms + [Term(names: [], coefficient: a.constant)]
    let right = b.terms + [Term(names: [], coefficient: b.constant)]
    var constant = 0
    for x in left {
      for y in right {
        let names = (x.names + y.names).sorted()
        let coefficient = product(x.coefficient, y.coefficient)
        if names.isEmpty {
          constant = coefficient
        } else {
          terms.append(Term(names: names, coefficient: coefficient))
        }
      }
    }
    return Dim(constant: constant, terms: terms)
  }

  private func scaled(by factor: Int) -> Dim {
    if factor == 1, !isEndless { return self }
    var result = Dim(Self.product(constant, factor))
    if factor == 0 { return result }
    result.terms = terms.map { Term(names: $0.names, coefficient: Self.product($0.coefficient, factor)) }
    return result
  }
}

extension Dim: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  /// A known extent.
  public init(integerLiteral value: Int) { self.init(value) }

  /// A named dimension, or a polynomial such as `"2*batch*time"`.
  public init(stringLiteral value: String) {
    self = Dim(parsing: value) ?? Dim(named: value)
  }
}

extension Dim: CustomStringConvertible {
  /// The polynomial, higher degrees first, without spaces: `2*batch*time+1`.
  public var description: String {
    var text = ""
    for term in terms {
      let sign = term.coefficient < 0 ? "-" : (text.isEmpty ? "" : "+")
      let magnitude = term.coefficient.magnitude
      text += sign + (magnitude == 1 ? "" : "\(magnitude)*") + term.names.joined(separator: "*")
    }
    if constant != 0 || text.isEmpty {
      text += constant >= 0 && !text.isEmpty ? "+\(constant)" : "\(constant)"
    }
    return text
  }

  /// Reads what `description` prints; nil where `text` is no such polynomial or a number does not fit an `Int`.
  public init?(parsing text: some StringProtocol) {
    var terms: [Term] = []
    var constant = 0
    var rest = Substring(text)
    var isNegative = rest.hasPrefix("-")
    if isNegative { rest = rest.dropFirst() }
    while true {
      let end = rest.firstIndex { $0 == "+" || $0 == "-" } ?? rest.endIndex
      guard let term = Self.term(rest[..<end], isNegative: isNegative) else { return nil }
      if term.names.isEmpty {
        let (sum, overflow) = constant.addingReportingOverflow(term.coefficient)
        if overflow { return nil }
        constant = sum
      } else {
        terms.append(term)
      }
      if end == rest.endIndex { break }
      isNegative = rest[end] == "-"
      rest = rest[rest.index(after: end)...]
    }
    self.init(constant: constant, terms: terms)
  }

  private static func term(_ text: Substring, isNegative: Bool) -> Term? {
    var coefficient: Int = isNegative ? -1 : 1
    var names: [String] = []
    for factor in text.split(separator: "*", omittingEmptySubsequences: false) {
      if isName(factor) {
        names.append(String(factor))
      } else if factor.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true,
        let number = UInt(factor)
      {
        // The magnitude of `Int.min` is no `Int`, so the sign is put on before the number is converted.
        let signed = coefficient == -1 && number == Int.min.magnitude ? Int.min : Int(exactly: number)
        guard let signed else { return nil }
        let (product, overflow) =
          signed == Int.min ? (signed, false) : coefficient.multipliedReportingOverflow(by: signed)
        if overflow { return nil }
        coefficient = product
      } else {
        return nil
      }
    }
    return Term(names: names.sorted(), coefficient: coefficient)
  }

  /// Whether `text` can name a dimension: a letter or underscore, then letters, digits, underscores.
  package static func isName(_ text: some StringProtocol) -> Bool {
    var isFirst = true
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
        break
      case UInt8(ascii: "0")...UInt8(ascii: "9") where !isFirst: break
      default: return false
      }
      isFirst = false
    }
    return !isFirst
  }
}
