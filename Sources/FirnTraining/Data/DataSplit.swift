public import FirnGraph

/// A data set in three parts, no example in two of them.
public struct DataSplit: Sendable {
  /// What is learnt from.
  public let training: DataSet
  /// What decides when to stop, and between models; empty where nothing was asked for.
  public let validation: DataSet
  /// What is looked at once, in the end; empty where nothing was asked for.
  public let test: DataSet
}

extension DataSet {
  /// Splits it by a seed.
  ///
  /// The same seed gives the same parts. A part that is asked for and would be empty is an error, and so is one that
  /// leaves none to learn from.
  ///
  /// - Parameters:
  ///   - validation: the share of examples, from 0 to below 1; rounded to the nearest number of them.
  ///   - test: likewise.
  ///   - seed: decides which examples.
  ///   - groups: for each example a number of what it belongs to, a patient or a picture's original: all of a group are
  ///     in
  ///     one part, and shares are those of groups. Each example is its own group by default.
  /// - Throws: `.invalidArgument` for shares that are none, an empty part, or as many groups as there are not examples.
  /// - Complexity: the rows are copied once.
  public func split(
    validation: Double = 0, test: Double = 0, seed: UInt64, groups: [Int]? = nil
  ) throws(FirnError) -> DataSplit {
    guard (0..<1).contains(validation), (0..<1).contains(test), validation + test < 1 else {
      throw FirnError(
        .invalidArgument, "a split with shares of \(validation) and \(test)",
        remedy: "give shares of at least 0 that leave something to learn from")
    }
    guard groups == nil || groups?.count == count else {
      throw FirnError(
        .invalidArgument, "\(groups?.count ?? 0) groups for \(count) examples",
        remedy: "give each example the number of its group")
    }
    // In order of first appearance, so that a group's number is nothing but a name.
    var members: [[Int]] = []
    var places: [Int: Int] = [:]
    for index in 0..<count {
      let group = groups?[index] ?? index
      if let place = places[group] {
        members[place].append(index)
      } else {
        places[group] = members.count
        members.append([index])
      }
    }
    let order = Shuffle(seed: seed).order(members.count)
    func size(_ share: Double) -> Int { Int((share * Double(members.count)).rounded()) }
    let (held, kept) = (size(validation), size(test))
    let learnt = members.count - held - kept
    for (name, share, size) in [
      ("validation", validation, held), ("test", test, kept), ("training", 1 - validation - test, learnt),
    ] where share > 0 && size <= 0 {
      throw FirnError(
        .invalidArgument,
        "a split of \(members.count) \(groups == nil ? "examples" : "groups") leaves none for \(name)",
        remedy: "give more examples, or another share")
    }
    func part(_ range: Range<Int>) throws(FirnError) -> DataSet {
      try rows(order[range].flatMap { members[$0] })
    }
    return DataSplit(
      training: try part(0..<learnt), validation: try part(learnt..<(learnt + held)),
      test: try part((learnt + held)..<members.count))
  }

  /// Looks for what no model can learn from.
  ///
  /// - Parameter classes: for columns of labels, how many classes there are.
  /// - Throws: `.notFinite` with column, row and element for NaN and infinities, `.indexOutOfRange` for a label that is
  ///   no class, `.invalidArgument` for a set without examples or a number of classes below 0.
  /// - Complexity: one pass over the data.
  public func check(classes: KeyValuePairs<any TensorReference, Int> = [:]) throws(FirnError) {
    guard count > 0 else {
      throw FirnError(.invalidArgument, "the data set has no examples", remedy: "give one that is not empty")
    }
    for name in names {
      let array = try array(of: name)
      guard array.dtype == .f32 || array.dtype == .f64 else { continue }
      let width = max(1, array.shape.dropFirst().reduce(1, *))
      guard let index = array.doubles.firstIndex(where: { !$0.isFinite }) else { continue }
      throw FirnError(
        .notFinite,
        "column `\(name)` holds \(array.doubles[index]) in row \(index / width), element \(index % width)",
        remedy: "clean the data, or leave the row out", place: name)
    }
    for (reference, bound) in classes {
      guard bound >= 0 else {
        throw FirnError(
          .invalidArgument, "column `\(reference.tensorName)` of \(bound) classes",
          remedy: "say how many classes there are", place: reference.tensorName)
      }
      let array = try array(of: reference)
      let width = max(1, array.shape.dropFirst().reduce(1, *))
      let labels = array.doubles
      let fault = labels.firstIndex { !(0..<Double(bound)).contains($0) || $0 != $0.rounded() }
      guard let index = fault else { continue }
      let label = Int(exactly: labels[index]).map { "\($0)" } ?? "\(labels[index])"
      throw FirnError(
        .indexOutOfRange,
        "column `\(reference.tensorName)` has label \(label) in row \(index / width), of \(bound) classes",
        remedy: "give labels from 0 to \(bound - 1)", place: reference.tensorName)
    }
  }
}
