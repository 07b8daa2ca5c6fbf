internal import FirnGraph

/// Where the elements of a program's domain lie in a buffer: axes that step alike merged, those of one element dropped.
///
/// Steps and the offset count elements.
struct Place {
  private(set) var sizes: [Int] = []
  private(set) var steps: [Int] = []
  let offset: Int

  init(_ domain: [Int], steps: [Int], offset: Int) {
    self.offset = offset
    for (size, step) in zip(domain, steps) where size != 1 {
      if let last = sizes.indices.last, self.steps[last] == step * size {
        sizes[last] *= size
        self.steps[last] = step
      } else {
        sizes.append(size)
        self.steps.append(step)
      }
    }
  }

  /// Whether they lie side by side, in order.
  var isDirect: Bool { sizes.isEmpty || steps == [1] }

  /// How many lie side by side, wherever one of them is; nil where none do.
  var run: Int? { steps.last == 1 ? sizes.last : nil }

  /// After how many elements they are the same again; nil where they are not.
  var period: Int? { steps.first == 0 ? sizes.dropFirst().reduce(1, *) : nil }
}

/// Where a program reads and writes.
struct Places {
  /// A result's piece that is copied there when it has been made.
  struct Store {
    var step: Int
    var result: Int
    var place: Place
  }

  /// By step; nil for what is no load.
  private(set) var loads: [Place?] = []
  /// By step, the result that it writes where it belongs.
  private(set) var homes: [Int: (result: Int, offset: Int)] = [:]
  private(set) var stores: [Store] = []
  /// By result, the step that writes all of it.
  private var writers: [Int?] = []
  private let inputCounts: [Int]

  /// - Throws: as `extents(of:)`.
  init(_ program: ElementProgram, _ inputs: [TensorType], _ domain: [Int]) throws(FirnError) {
    var shapes: [[Int]] = []
    for input in inputs { shapes.append(try Self.extents(of: input.shape)) }
    inputCounts = shapes.map { $0.reduce(1, *) }
    for step in program.steps {
      guard case .load(let operand, let window) = step else {
        loads.append(nil)
        continue
      }
      let strides = strides(of: shapes[operand])
      let steps = zip(window.axes, window.steps).map { axis, step in axis.map { strides[$0] * step } ?? 0 }
      let offset = zip(try Self.extents(of: Shape(window.starts)), strides).reduce(0) { $0 + $1.0 * $1.1 }
      loads.append(Place(domain, steps: steps, offset: offset))
    }
    for (number, result) in program.results.enumerated() {
      let strides = strides(of: try Self.extents(of: result.type.shape))
      writers.append(nil)
      for piece in result.pieces {
        var offset = 0
        if result.pieces.count > 1 {
          guard let start = piece.start.value else { firnBug("fused", "a piece begins nowhere") }
          offset = start * strides[result.axis]
        }
        let place = Place(domain, steps: strides, offset: offset)
        if place.isDirect, loads[piece.step] == nil, homes[piece.step] == nil {
          homes[piece.step] = (number, offset)
          if result.pieces.count == 1 { writers[number] = piece.step }
        } else {
          stores.append(Store(step: piece.step, result: number, place: place))
        }
      }
    }
  }

  /// - Throws: where an extent is no number, and where there are more elements than can be held.
  static func extents(of shape: Shape) throws(FirnError) -> [Int] {
    if let fault = TensorType(.bool, shape).fault {
      throw FirnError(.invalidArgument, "\(shape) is \(fault)", remedy: "check the extents")
    }
    if let extents = shape.extents { return extents }
    throw FirnError(
      .missingFeed, "nothing fed binds \(shape)", remedy: "feed a placeholder that has its dimensions")
  }

  /// For each result the operands it may be written over: those whose every element is read where it is written, before
  /// it is.
  ///
  /// - Complexity: linear in the steps, and in operands times results.
  func overlays(_ program: ElementProgram, _ count: Int) -> [[Int]] {
    // By operand: nil where an element is read elsewhere than its place.
    var reads = [Reads?](repeating: Reads(), count: inputCounts.count)
    let lastUses = program.lastUses
    for (number, step) in program.steps.enumerated() {
      guard case .load(let operand, _) = step else { continue }
      guard let place = loads[number], place.isDirect, place.offset == 0, inputCounts[operand] == count else {
        reads[operand] = nil
        continue
      }
      reads[operand]?.add(number, until: lastUses[number])
    }
    return writers.map { writer in
      guard let writer, case .instruction(let op, let operands) = program.steps[writer] else { return [] }
      let choices = op.aliasing.inPlace(results: 1)[0]
      return reads.indices.filter { input in
        guard inputCounts[input] == count, let reads = reads[input] else { return false }
        return reads.last < writer
          || reads.last == writer
            && operands.indices.allSatisfy { !reads.loads.contains(operands[$0]) || choices.contains($0) }
      }
    }
  }

  /// The steps that load an operand, and the last step that reads what they load.
  private struct Reads {
    var loads: [Int] = []
    var last = -1

    mutating func add(_ load: Int, until last: Int) {
      loads.append(load)
      self.last = max(self.last, last)
    }
  }
}

extension ElementProgram {
  /// For each step the last that reads it, itself if none does.
  var lastUses: [Int] {
    var last = Array(steps.indices)
    for (number, step) in steps.enumerated() {
      guard case .instruction(_, let operands) = step else { continue }
      for operand in operands { last[operand] = number }
    }
    return last
  }
}
