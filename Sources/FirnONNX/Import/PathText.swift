import FirnGraph

/// Names of a model as paths of Firn.
enum PathText {
  /// The name with what no path may hold replaced by `_`; dots are kept.
  static func component(_ name: some StringProtocol) -> String {
    var result = ""
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += "_"
      }
    }
    return result.isEmpty ? "_" : result
  }

  /// A path whose components are what lies between `separators`.
  static func path(_ name: some StringProtocol, separators: Set<Character>) -> String {
    let parts = name.split(whereSeparator: { separators.contains($0) }).prefix(Nesting.limit - 2)
    return parts.map { component($0) }.joined(separator: "/")
  }

  /// Whether a name is a path of modules, such as `layer1.0.conv1.weight`, and not one that an exporter counted up.
  static func isDotted(_ name: String) -> Bool {
    name.contains(".") && !name.contains("::") && !name.contains("/") && !name.hasPrefix(".")
  }

  /// Whether an exporter has counted the name up, as no module has one for it: `val_8`, `onnx::Mul_38`, `12`.
  static func isNumbered(_ name: String) -> Bool {
    let rest = name.hasPrefix("val_") ? name.dropFirst(4) : name[...]
    return name.hasPrefix("onnx::") || !rest.isEmpty && rest.utf8.allSatisfy { 0x30...0x39 ~= $0 }
  }

  /// The scope of a node of PyTorch's older exporter: `/layer1/layer1.0/conv1/Conv` stands in `layer1/0/conv1`.
  ///
  /// Its components name modules from the top again where those lie in lists.
  static func scope(ofNode name: String) -> String? {
    guard name.hasPrefix("/") else { return nil }
    var result: [String] = []
    var before = ""
    for part in name.split(separator: "/").dropLast().prefix(Nesting.limit - 2) {
      let isWithin = !before.isEmpty && part.hasPrefix(before + ".")
      let own = isWithin ? part.dropFirst(before.count + 1) : part
      result += own.split(separator: ".").map { component($0) }
      before = String(part)
    }
    return result.joined(separator: "/")
  }

  /// The scope that PyTorch's newer exporter writes beside a node: the last but one of a list such as
  /// `['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']`.
  static func scope(ofList text: String) -> String? {
    module(ofList: text).map { path($0, separators: ["."]) }
  }

  /// The same as PyTorch calls it: `layer1.0.conv1`.
  static func module(ofList text: String) -> String? {
    var names: [Substring] = []
    var rest = text[...]
    while let start = rest.firstIndex(where: { $0 == "'" || $0 == "\"" }) {
      let quote = rest[start]
      let inside = rest[rest.index(after: start)...]
      guard let end = inside.firstIndex(of: quote) else { return nil }
      names.append(inside[..<end])
      rest = inside[inside.index(after: end)...]
    }
    guard names.count >= 2 else { return names.isEmpty ? nil : "" }
    return String(names[names.count - 2])
  }

  /// A dimension's name: a polynomial where it is one, as `2*s0`, else with what no name may hold replaced.
  ///
  /// - Parameter known: names that dimensions of inputs have by themselves; a polynomial in several names of which one
  ///   is not there, such as `batch-size`, is a name, as nothing would tell what its parts are.
  static func dimension(_ name: String, among known: Set<String>) -> Dim {
    let compact = name.filter { $0 != " " }
    if let dim = Dim(parsing: compact), dim.value == nil,
      Set(dim.names).count < 2 || known.isSuperset(of: dim.names)
    {
      return dim
    }
    var result = component(compact).map { $0 == "." || $0 == "-" ? "_" : $0 }
    if result.first?.isNumber == true { result.insert("_", at: 0) }
    return Dim(named: String(result))
  }
}
