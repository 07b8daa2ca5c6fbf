internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnTraining

/// Which columns of a file are for which placeholder.
///
/// A placeholder `[batch, …]` takes as many columns as a row of it has elements: those that `--column` names; else the
/// column of its name; else `x.0`, `x.1` and so on, by their numbers; and where one placeholder is left, all columns
/// that are left, in order. A table beside another, or one that trained weights are asked about, is taken by the names
/// that the first had, wherever its columns stand; where it has none of these, by those that are the placeholder's
/// own. Of files of arrays a placeholder takes the array of its name, or the one that `--column` names.
struct DataColumns {
  /// What `firn train` leaves in a file of weights: which columns each placeholder took.
  static let key = "firn.columns"
  /// And the words of classes, by placeholder.
  static let wordsKey = "firn.classes"

  static let options = [
    ArgumentParser.Option(
      name: "column", value: .text(placeholder: "NAME=COLUMNS"),
      help:
        "which columns a placeholder takes: y=kind, x=length,width, or x=pixel0..pixel63",
      repeats: true),
    ArgumentParser.Option(
      name: "classes", value: .text(placeholder: "NAME=WORDS"),
      help: "the words that stand for 0, 1 and so on in a column: y=birch,oak,willow", repeats: true),
  ]

  /// By placeholder, as written.
  private let named: [(name: String, columns: String)]
  /// Of which placeholders the command says words.
  private let said: Set<String>
  /// A placeholder whose words are wanted although it is not fed.
  var wordsOnly: String?
  private var classes: [String: [String]]

  /// - Throws: `UsageError` for what is no assignment, `.parse` for words with an open quote.
  init(_ arguments: ParsedArguments) throws {
    func sides(_ option: String) throws(UsageError) -> [(name: String, columns: String)] {
      var result: [(name: String, columns: String)] = []
      for text in arguments.texts(option) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
          throw UsageError(
            "firn \(arguments.command ?? "")",
            "'\(text)' names no \(option == "column" ? "columns" : "words")",
            remedy: "write --\(option) \(option == "column" ? "y=kind" : "y=birch,oak")")
        }
        guard !result.contains(where: { $0.name == sides[0] }) else {
          throw UsageError(
            "firn \(arguments.command ?? "")", "--\(option) names `\(sides[0])` twice",
            remedy: "join both by a comma")
        }
        result.append((sides[0], sides[1]))
      }
      return result
    }
    named = try sides("column")
    classes = Dictionary(
      try sides("classes").map { ($0.name, try Self.cells(of: $0.columns)) },
      uniquingKeysWith: { first, _ in first })
    for (name, words) in classes.sorted(by: { $0.key < $1.key }) {
      var known: Set<String> = []
      guard let twice = words.first(where: { !known.insert($0).inserted }) else { continue }
      throw UsageError(
        "firn \(arguments.command ?? "")", "--classes has '\(twice)' twice for `\(name)`",
        remedy: "name each word once, in the order of the classes")
    }
    said = Set(classes.keys)
  }

  /// What stands between commas, in quotes where it holds some, as in a table.
  private static func cells(of text: String) throws(FirnError) -> [String] {
    var parser = CSVParser(text, source: text)
    return try parser.row()?.cells.filter { !$0.isEmpty } ?? []
  }

  /// The same, with the words of classes that a run was trained with.
  ///
  /// - Parameter isBound: whether the command must not say others, as these would be other numbers.
  /// - Throws: `.invalidArgument` where it does.
  func knowing(_ words: [String: [String]], isBound: Bool) throws(FirnError) -> DataColumns {
    var result = self
    for (name, known) in words.sorted(by: { $0.key < $1.key }) {
      if let own = classes[name], own != known {
        if !isBound { continue }
        throw FirnError(
          .invalidArgument,
          "--classes says that `\(name)` is \(Self.listed(own)), and what was trained has \(Self.listed(known))",
          remedy: "leave --classes out: the words are kept with the weights", place: name)
      }
      result.classes[name] = known
    }
    return result
  }

  /// What is kept with weights, by kinds of notes.
  ///
  /// - Parameters:
  ///   - columns: by placeholder, what it took of a table.
  func notes(_ columns: [String: [String]]) throws -> [String: String] {
    var notes: [String: String] = [:]
    if !columns.isEmpty { notes[Self.key] = try TrainedModel.text(columns) }
    let words = classes.filter { columns[$0.key] != nil }
    if !words.isEmpty { notes[Self.wordsKey] = try TrainedModel.text(words) }
    return notes
  }

  /// Whether a run that took columns of one table can go on with those of another.
  ///
  /// It can where they are called the same. Another name, by `--column` or because the placeholder is called so, stands
  /// for what the run took in its place; not where the run took a column of that name too, which would then be in
  /// another place.
  ///
  /// - Parameters:
  ///   - begun: by placeholder, what the run took.
  ///   - now: the same of the table that is there now.
  func goOn(from begun: [String: [String]], with now: [String: [String]]) -> Bool {
    let known = Set(begun.values.joined())
    return begun.count == now.count
      && begun.allSatisfy { name, columns in
        guard let new = now[name], new.count == columns.count else { return false }
        return zip(new, columns).allSatisfy { $0 == $1 || !known.contains($0) }
      }
  }

  /// The words of the classes of a placeholder's labels; nil where they are numbers.
  func words(of placeholder: String) -> [String]? { classes[placeholder] }

  /// The examples of a file, for the placeholders that are needed, and which columns of a table each took.
  ///
  /// - Parameter known: by placeholder, which columns it took of the table that was trained on.
  /// - Throws: what is wrong with the file or with what is asked of it, with line and column.
  func data(
    in file: DataFile, for placeholders: [(name: String, type: TensorType)],
    trainedOn known: [String: [String]] = [:]
  ) throws(FirnError) -> (data: DataSet, columns: [String: [String]]) {
    for name in named.map(\.name) + said.sorted()
    where name != wordsOnly && !placeholders.contains(where: { $0.name == name }) {
      throw FirnError(
        .unknownName, "the graph needs no placeholder `\(name)`",
        remedy: NearestNames(to: name, among: placeholders.map(\.name)).question
          ?? "it needs " + placeholders.map(\.name).joined(separator: ", "))
    }
    for (name, type) in placeholders {
      guard let first = type.shape.first, first.value == nil else {
        throw FirnError(
          .invalidArgument, "placeholder `\(name)` is \(type), and its first extent is no named dimension",
          remedy: "make it [\"batch\", …], a row for each example", place: name)
      }
    }
    switch file.content {
    case .table(let table): return try data(of: table, for: placeholders, trainedOn: known)
    case .arrays(let weights):
      var columns: [(name: String, array: NDArray)] = []
      for (name, type) in placeholders {
        let wanted = named.first { $0.name == name }?.columns ?? name
        guard let entry = weights[wanted] else {
          if let skipped = weights.skipped.first(where: { $0.name == wanted }) {
            throw FirnError(
              .typeMismatch,
              "'\(file.name)': array `\(wanted)` for placeholder `\(name)` cannot be read: \(skipped.reason)",
              remedy: "store it as numbers", place: file.name)
          }
          throw FirnError(
            .unknownName, "'\(file.name)' has no array `\(wanted)` for placeholder `\(name)`",
            remedy: NearestNames(to: wanted, among: file.names).question
              ?? "it has \(Self.listed(file.names)); name one with --column \(name)=…", place: file.name)
        }
        columns.append((name, try Self.array(try entry.array(), of: type, named: wanted, in: file.name)))
      }
      return (try Self.set(columns, file.name), [:])
    }
  }

  // MARK: Arrays

  private static func array(
    _ array: NDArray, of type: TensorType, named name: String, in file: String
  ) throws(FirnError) -> NDArray {
    let fits =
      array.shape.count == type.shape.rank
      && zip(array.shape, type.shape).allSatisfy { $1.value == nil || $1.value == $0 }
    guard fits else {
      throw FirnError(
        .shapeMismatch,
        "'\(file)': array `\(name)` is \(array.dtype)\(Shape(array.shape)), where \(type) is wanted",
        remedy: "give an array of that shape, a row for each example", place: file)
    }
    if array.dtype.isFloatingPoint, let index = array.doubles.firstIndex(where: { !$0.isFinite }) {
      let width = max(1, array.shape.dropFirst().reduce(1, *))
      throw FirnError(
        .notFinite,
        "'\(file)': array `\(name)` holds \(array.doubles[index]) in row \(index / width), element \(index % width)",
        remedy: "clean the data", place: file)
    }
    if array.dtype == .f64, type.dtype == .f32,
      let index = array.doubles.firstIndex(where: { !Float($0).isFinite })
    {
      let width = max(1, array.shape.dropFirst().reduce(1, *))
      throw FirnError(
        .notFinite,
        "'\(file)': array `\(name)` holds \(array.doubles[index]) in row \(index / width), element \(index % width), too large for \(type.dtype)",
        remedy: "scale the data, or make the placeholder f64", place: file)
    }
    if array.dtype == type.dtype { return array }
    guard type.dtype.isFloatingPoint || !array.dtype.isFloatingPoint else {
      throw FirnError(
        .typeMismatch, "'\(file)': array `\(name)` is \(array.dtype), where \(type) is wanted",
        remedy: "store it as whole numbers", place: file)
    }
    return array.converted(to: type.dtype)
  }

  private static func set(_ columns: [(name: String, array: NDArray)], _ file: String) throws(FirnError)
    -> DataSet
  {
    let counts = columns.map { $0.array.shape[0] }
    if let other = counts.firstIndex(where: { $0 != counts[0] }) {
      throw FirnError(
        .shapeMismatch,
        "'\(file)': `\(columns[0].name)` has \(counts[0]) rows and `\(columns[other].name)` \(counts[other])",
        remedy: "give every array a row for each example", place: file)
    }
    guard counts.first != 0 else {
      throw FirnError(
        .invalidArgument, "'\(file)' holds no examples", remedy: "give one or more", place: file)
    }
    return try DataSet(named: columns)
  }

  // MARK: Tables

  private func data(
    of table: CSVTable, for placeholders: [(name: String, type: TensorType)],
    trainedOn known: [String: [String]]
  ) throws(FirnError) -> (data: DataSet, columns: [String: [String]]) {
    var chosen: [String: [Int]] = [:]
    var taken: Set<Int> = []
    for (name, type) in placeholders {
      let text = named.first { $0.name == name }?.columns
      let found =
        if text == nil, let names = known[name] {
          try columns(called: names, for: name, type, in: table)
        } else {
          try Self.columns(of: name, text, type, in: table)
        }
      guard let columns = found else { continue }
      chosen[name] = columns
      taken.formUnion(columns)
    }
    let left = placeholders.filter { chosen[$0.name] == nil }
    let rest = table.columns.indices.filter { !taken.contains($0) }
    if left.count == 1, let only = left.first, !rest.isEmpty,
      Self.width(of: only.type).map({ $0 == rest.count }) ?? true
    {
      chosen[only.name] = rest
    }
    var columns: [(name: String, array: NDArray)] = []
    for (name, type) in placeholders {
      guard let own = chosen[name] else { throw missing(name, type, in: table, rest: rest.count) }
      if let width = Self.width(of: type), width != own.count {
        throw FirnError(
          .shapeMismatch,
          "placeholder `\(name)` is \(type), \(width) number\(width == 1 ? "" : "s") a row, and \(own.count) columns of "
            + "'\(table.source)' are for it",
          remedy: "name as many with --column \(name)=…", place: table.source)
      }
      columns.append((name, try array(of: own, for: name, type, in: table)))
    }
    return (try DataSet(named: columns), chosen.mapValues { $0.map { table.columns[$0] } })
  }

  /// Where the columns stand that were trained on; where there are none of them, those that are called as the
  /// placeholder is.
  ///
  /// - Throws: `.unknownName` where one is not there.
  private func columns(
    called names: [String], for placeholder: String, _ type: TensorType, in table: CSVTable
  ) throws(FirnError) -> [Int] {
    let places = names.map { table.columns.firstIndex(of: $0) }
    let missing = zip(names, places).filter { $1 == nil }.map { "`\($0.0)`" }
    if missing.count == names.count, let own = try Self.columns(of: placeholder, nil, type, in: table),
      own.count == names.count
    {
      return own
    }
    guard missing.isEmpty else {
      throw FirnError(
        .unknownName,
        "'\(table.source)' has no column \(Self.listed(missing)), of which placeholder `\(placeholder)` was trained",
        remedy:
          "call its columns as in the table that was trained on (\(Self.listed(names))), or write --column "
          + "\(placeholder)=…; it has \(Self.listed(table.columns))", place: table.source)
    }
    return places.compactMap { $0 }
  }

  private func missing(_ name: String, _ type: TensorType, in table: CSVTable, rest: Int) -> FirnError {
    let width = Self.width(of: type).map { "\($0) column\($0 == 1 ? "" : "s")" } ?? "columns"
    return FirnError(
      .unknownName,
      "'\(table.source)' has no \(width) for placeholder `\(name)`: none is called so, and \(rest) are left",
      remedy: (NearestNames(to: name, among: table.columns).question.map { $0 + " " } ?? "")
        + "write --column \(name)=…; the columns are \(Self.listed(table.columns))", place: table.source)
  }

  /// How many numbers a row of it has; nil where that depends on a named dimension.
  private static func width(of type: TensorType) -> Int? {
    type.shape.dropFirst().reduce(Dim(1)) { $0 * $1 }.value
  }

  /// - Returns: nil where nothing says.
  private static func columns(
    of placeholder: String, _ text: String?, _ type: TensorType, in table: CSVTable
  ) throws(FirnError) -> [Int]? {
    if let text {
      var result: [Int] = []
      for part in try cells(of: text) {
        if let whole = place(of: part, in: table) {
          result.append(whole)
          continue
        }
        if let dots = part.firstRange(of: ".."),
          let first = place(of: String(part[..<dots.lowerBound]), in: table),
          let last = place(of: String(part[dots.upperBound...]), in: table), first <= last
        {
          result += first...last
          continue
        }
        throw FirnError(
          .unknownName, "'\(table.source)' has no column `\(part)` for placeholder `\(placeholder)`",
          remedy: NearestNames(to: part, among: table.columns).question
            ?? "its columns are \(listed(table.columns))",
          place: table.source)
      }
      return result
    }
    if let own = table.columns.firstIndex(of: placeholder), width(of: type) ?? 1 == 1 { return [own] }
    // x.0, x_1, x[2]: by their numbers.
    var numbered: [(number: Int, column: Int)] = []
    for (column, name) in table.columns.enumerated() where name.hasPrefix(placeholder) {
      let rest = name.dropFirst(placeholder.count)
      guard let mark = rest.first, "._[".contains(mark),
        let number = Int(rest.dropFirst().prefix { $0.isNumber }),
        rest.dropFirst().drop(while: \.isNumber) == (mark == "[" ? "]" : "")
      else { continue }
      numbered.append((number, column))
    }
    return numbered.isEmpty ? nil : numbered.sorted { $0.number < $1.number }.map(\.column)
  }

  private static func place(of text: String, in table: CSVTable) -> Int? {
    table.columns.firstIndex(of: text)
  }

  private func array(
    of columns: [Int], for name: String, _ type: TensorType, in table: CSVTable
  ) throws(FirnError) -> NDArray {
    let count = table.count
    var extents = [count]
    if let fixed = Shape(Array(type.shape.dropFirst())).extents {
      extents += fixed
    } else if type.shape.rank == 2 {
      extents.append(columns.count)
    } else {
      throw FirnError(
        .invalidArgument, "placeholder `\(name)` is \(type), which rows of a table do not fill",
        remedy: "give arrays, as .npz or .safetensors", place: name)
    }
    let names = columns.map { table.columns[$0] }
    if let words = classes[name] {
      guard names.count == 1 else {
        throw FirnError(
          .invalidArgument, "--classes gives words for `\(name)`, which has \(names.count) columns",
          remedy: "words are for one column", place: table.source)
      }
      do throws(FirnError) {
        return try table.labels(names[0], among: words).array.converted(to: type.dtype).reshaped(to: extents)
      } catch {
        var error = error
        if error.message.hasSuffix("is no class") {
          error.remedy =
            (error.remedy.map { $0 + "; " } ?? "") + "other classes are named by --classes \(name)=…"
        }
        throw error
      }
    }
    if type.dtype == .i32 {
      var values: [Int32] = []
      let parts = try names.map { column throws(FirnError) in
        do throws(FirnError) {
          return try table.labels(column, below: Int(Int32.max)).doubles
        } catch {
          var error = error
          if error.message.hasSuffix("is no number") {
            error.remedy = "correct it, or say which words are 0, 1 and so on: --classes \(name)=…"
          }
          throw error
        }
      }
      for row in 0..<count { values += parts.map { Int32($0[row]) } }
      return try NDArray(values, shape: extents)
    }
    guard type.dtype.isFloatingPoint else {
      return try table.numbers(names).reshaped(to: extents).converted(to: type.dtype)
    }
    return try table.numbers(names, as: type.dtype).reshaped(to: extents)
  }

  private static func listed(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", … (\(names.count))" : "")
  }
}
