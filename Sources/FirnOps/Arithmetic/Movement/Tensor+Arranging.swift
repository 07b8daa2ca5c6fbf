public import FirnGraph

/// How the blocks of a picture lie in its channels.
public enum ChannelOrder: Hashable, Sendable {
  /// All channels of one place of a block, then those of the next: TensorFlow's, ONNX's `DCR`.
  case placesFirst
  /// All places of a block of one channel, then those of the next: PyTorch's `pixel_shuffle`, ONNX's `CRD`.
  case channelsFirst
}

extension Tensor {
  /// Repeated so many times along each axis: PyTorch's and NumPy's `tile`.
  ///
  /// The gradient is the sum of all repeats.
  ///
  /// Constraints: (C1) one count for each axis, none negative where they are numbers.
  ///
  /// - Complexity: no FLOPs; the result written once.
  public func tiled(by counts: [Dim], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    if isPoisoned { return self }
    guard counts.count == rank, counts.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      return fault(
        .invalidArgument, "tiled: counts \(counts) of \(type)",
        remedy: "give one count of 0 or more for each axis", constraint: "C1", location: CallSite(file, line))
    }
    return composing(file, line) { x in
      let single = Shape(x.shape.flatMap { [1, $0] })
      let many = Shape(zip(counts, x.shape).flatMap { [$0, $1] })
      return x.withShape(single).repeated(to: many).withShape(Shape(zip(counts, x.shape).map { $0 * $1 }))
    }
  }

  /// The elements on and above a diagonal of the last two axes, and 0 below: `triu`.
  ///
  /// Element [i, j] stays where j - i ≥ `diagonal`.
  ///
  /// Constraints: (C1) there are two axes or more; (C2) x is a number.
  ///
  /// - Parameter diagonal: 0 for the main one, more for one to the right of it.
  /// - Complexity: 1 FLOP an element.
  public func upperTriangle(
    diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { triangle(file, line) { greaterEqual($0, Double(diagonal)) } }

  /// The elements on and below a diagonal of the last two axes, and 0 above: `tril`.
  ///
  /// Element [i, j] stays where j - i ≤ `diagonal`.
  ///
  /// Constraints: (C1) there are two axes or more; (C2) x is a number.
  ///
  /// - Parameter diagonal: 0 for the main one, more for one to the right of it.
  /// - Complexity: 1 FLOP an element.
  public func lowerTriangle(
    diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor { triangle(file, line) { lessEqual($0, Double(diagonal)) } }

  private func triangle(_ file: StaticString, _ line: UInt, _ stays: (Tensor) -> Tensor) -> Tensor {
    if isPoisoned { return self }
    guard rank >= 2, dtype != .bool else {
      return fault(
        rank < 2 ? .shapeMismatch : .typeMismatch, "a triangle of \(type)",
        remedy: rank < 2 ? "give it two axes" : "cast it to i32", constraint: rank < 2 ? "C1" : "C2",
        location: CallSite(file, line))
    }
    return composing(file, line) { x in
      select(where: stays(graph.diagonals(x.shape[rank - 2], x.shape[rank - 1])), x, otherwise: x.filled(0))
    }
  }

  /// Blocks of channels spread over places of a larger image: `depth_to_space`, `pixel_shuffle`.
  ///
  /// [batch, height, width, block² channels] becomes [batch, block height, block width, channels], channels last.
  ///
  /// Constraints: (C1) there are four axes; (C2) `block` is positive, and block² divides the last extent.
  ///
  /// - Parameters:
  ///   - block: rows and columns that a place becomes.
  ///   - order: how the blocks lie in the channels.
  /// - Complexity: no FLOPs; each element read and written once.
  public func depthToSpace(
    block: Int, order: ChannelOrder = .placesFirst, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if isPoisoned { return self }
    let size = Dim(block)
    guard rank == 4, (1...1 << 15).contains(block), let channels = shape[3].divided(exactlyBy: size * size)
    else { return imageFault("depthToSpace", block, "a multiple of \(block)² channels", file, line) }
    let (n, h, w) = (shape[0], shape[1], shape[2])
    return composing(file, line) { x in
      switch order {
      case .placesFirst: x.withShape([n, h, w, size, size, channels]).permuted([0, 1, 3, 2, 4, 5])
      case .channelsFirst: x.withShape([n, h, w, channels, size, size]).permuted([0, 1, 4, 2, 5, 3])
      }
    }.withShape([n, h * size, w * size, channels], location: CallSite(file, line))
  }

  /// Blocks of an image put into its channels: `space_to_depth`, `pixel_unshuffle`; undoes `depthToSpace`.
  ///
  /// [batch, block height, block width, channels] becomes [batch, height, width, block² channels], channels last.
  ///
  /// Constraints: (C1) there are four axes; (C2) `block` is positive and divides height and width.
  ///
  /// - Parameters:
  ///   - block: rows and columns that become a place.
  ///   - order: how the blocks come to lie in the channels.
  /// - Complexity: no FLOPs; each element read and written once.
  public func spaceToDepth(
    block: Int, order: ChannelOrder = .placesFirst, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    if isPoisoned { return self }
    let size = Dim(block)
    guard rank == 4, (1...1 << 15).contains(block), let h = shape[1].divided(exactlyBy: size),
      let w = shape[2].divided(exactlyBy: size)
    else { return imageFault("spaceToDepth", block, "a height and width that \(block) divides", file, line) }
    let (n, channels) = (shape[0], shape[3])
    return composing(file, line) { x in
      let blocks = x.withShape([n, h, size, w, size, channels])
      switch order {
      case .placesFirst: return blocks.permuted([0, 1, 3, 2, 4, 5])
      case .channelsFirst: return blocks.permuted([0, 1, 3, 5, 2, 4])
      }
    }.withShape([n, h, w, channels * size * size], location: CallSite(file, line))
  }

  private func imageFault(
    _ what: String, _ block: Int, _ wanted: String, _ file: StaticString, _ line: UInt
  ) -> Tensor {
    fault(
      rank == 4 ? .invalidArgument : .shapeMismatch, "\(what): blocks of \(block) of \(type)",
      remedy: "give images [batch, height, width, channels] with \(wanted)",
      constraint: rank == 4 ? "C2" : "C1", location: CallSite(file, line))
  }
}

extension Graph {
  /// How far right of the main diagonal each element of a matrix is, below 0 on its left; `i32`.
  func diagonals(_ rows: Dim, _ columns: Dim) -> Tensor {
    let right = iota(columns)
    // One fault where both extents are faulty.
    return right.isPoisoned ? right : right - iota(rows).inserting([1])
  }

  /// A matrix of ones on a diagonal and zeros elsewhere: `eye`.
  ///
  /// Constraints: (C1) where they are numbers, extents are not negative.
  ///
  /// - Parameters:
  ///   - rows: its height.
  ///   - columns: its width; nil for as many.
  ///   - diagonal: 0 for the main one, more for one to the right of it.
  ///   - dtype: its element type.
  /// - Complexity: 2 FLOPs an element.
  public func identityMatrix(
    _ rows: Dim, _ columns: Dim? = nil, diagonal: Int = 0, dtype: DType = .f32,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    at(CallSite(file, line)) {
      let places = diagonals(rows, columns ?? rows)
      return places.isPoisoned ? places : equal(places, Double(diagonal)).cast(to: dtype)
    }
  }

  /// `count` numbers from `start` on, `step` apart: `arange`, ONNX's `Range`.
  ///
  /// Each is start + i step, rounded once or twice, and not a sum of steps.
  ///
  /// Constraints: (C1) where it is a number, `count` is not negative; (C2) of `i32` start and step are whole numbers of
  /// 32 bits; (C3) `dtype` is not `bool`.
  ///
  /// - Complexity: 2 FLOPs an element.
  public func range(
    _ count: Dim, from start: Double = 0, by step: Double = 1, dtype: DType = .f32,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    at(CallSite(file, line)) {
      let counted = iota(count).cast(to: dtype)
      let steps = step == 1 ? counted : counted * step
      return start == 0 ? steps : steps + start
    }
  }
}
