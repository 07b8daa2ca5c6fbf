import FirnFormats
import FirnGraph
import FirnOps

extension Operator {
  /// An element type by its code; nil where Firn has none such.
  static func type(_ code: Int, _ c: OperatorCall) throws(FirnError) -> DType {
    guard let dtype = ElementType(code).dtype else {
      throw c.unsupported("the element type \(ElementType(code).name)", remedy: "use float32")
    }
    return dtype
  }

  /// What an integer of 8 or 16 bits can be; nil for other types.
  private static func narrow(_ code: Int) -> ClosedRange<Int>? {
    switch ElementType(code).stored {
    case .u8: 0...255
    case .i8: -128...127
    case .u16: 0...65_535
    case .i16: -32_768...32_767
    default: nil
    }
  }

  private static func cast(_ c: OperatorCall, to dtype: DType) throws(FirnError) -> [ImportedValue] {
    let x = try c.laid(0)
    return [.of(x.tensor.cast(to: dtype), isChannelsLast: x.isChannelsLast)]
  }

  /// Known integers as another type, where they stay integers.
  private static func knownCast(_ x: KnownIntegers, to dtype: DType) -> KnownIntegers? {
    switch dtype {
    case .i32 where !x.isBool: return x
    case .i32: return KnownIntegers(shape: x.shape, values: x.values)
    case .bool:
      if x.isBool { return x }
      let truths = x.values.compactMap { $0.isEqual(to: 0) }
      guard truths.count == x.values.count else { return nil }
      return KnownIntegers(shape: x.shape, values: truths.map { $0 ? 0 : 1 }, isBool: true)
    case .f32, .f64: return nil
    }
  }

  private static func dtype(of value: ImportedValue) -> DType? {
    switch value {
    case .known(let integers): integers.isBool ? .bool : .i32
    case .stored(let stored), .turned(let stored, _): stored.message.elementType.dtype
    case .tensor(let laid): laid.dtype
    case .list: nil
    }
  }

  /// The shape that `Reshape` asks for: 0 keeps an extent, -1 takes what is left.
  private static func target(_ c: OperatorCall, of shape: Shape) throws(FirnError) -> Shape {
    var wanted: [Dim]
    if let attribute = c.ints("shape") {
      wanted = attribute.map { Dim($0) }
    } else {
      wanted = try c.dims(1, "shape")
    }
    if !c.flag("allowzero") {
      for axis in wanted.indices where wanted[axis] == 0 {
        guard shape.indices.contains(axis) else {
          throw FirnError(.shapeMismatch, "extent 0 at axis \(axis) of \(shape)", remedy: "check the model")
        }
        wanted[axis] = shape[axis]
      }
    }
    return Shape(wanted)
  }

  static let shapes: [Operator] = [
    Operator("Shape", means: "known when the model is read") { c throws(FirnError) in
      let shape = try c.shape(0)
      func place(_ index: Int) -> Int {
        Swift.min(Swift.max(index < 0 ? index + shape.rank : index, 0), shape.rank)
      }
      let start = place(c.int("start", 0))
      let end = place(c.int("end", shape.rank))
      return [.known(KnownIntegers(Array(shape.dimensions[start..<Swift.max(start, end)])))]
    },
    Operator("Size", means: "known when the model is read") { c throws(FirnError) in
      [.known(KnownIntegers(scalar: try c.shape(0).elementCount))]
    },
    Operator("Constant", means: "a constant, or a number that is known") { c throws(FirnError) in
      if let message = c.tensorAttribute("value") {
        return [try c.importer.stored(message, name: c.node.outputs.first ?? "", isParameter: false)]
      }
      if let value = c.int("value_int") { return [.known(KnownIntegers(scalar: Dim(value)))] }
      if let values = c.ints("value_ints") { return [.known(KnownIntegers(values.map { Dim($0) }))] }
      let name = c.node.outputs.first ?? ""
      if let value = c.float("value_float") {
        let array = NDArray(scalar: Float(value))
        return [try c.importer.stored(TensorMessage(name, array), name: name, isParameter: false)]
      }
      if let values = c.floats("value_floats") {
        let array = NDArray(values.map { Float($0) })
        return [try c.importer.stored(TensorMessage(name, array), name: name, isParameter: false)]
      }
      throw c.unsupported("a constant of text or of sparse elements")
    },
    Operator("Identity", means: "nothing; a shared initialiser is one of its own again") {
      c throws(FirnError) in [try c.value(0)]
    },
    Operator(
      "Cast", means: "`cast`",
      differs: "64-bit integers are `i32`, `float16` and `bfloat16` are `f32`; see [integers](#integers)",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0] else { return nil }
        let result = knownCast(x, to: try type(c.int("to", 0), c))
        guard let range = narrow(c.int("to", 0)) else { return result }
        return result?.numbers?.allSatisfy(range.contains) == true ? result : nil
      }
    ) { c throws(FirnError) in
      let result = try cast(c, to: type(c.int("to", 0), c))
      guard let range = narrow(c.int("to", 0)), case .tensor(let laid)? = result.first else { return result }
      // As many bits as the type has, those of a negative number counted down from zero.
      let x = laid.tensor
      let lowest = x.graph.constant(Double(range.lowerBound), dtype: .i32)
      let bits = x.graph.constant(Double(range.count - 1), dtype: .i32)
      return [.of(bitwiseAnd(x - lowest, bits) + lowest, isChannelsLast: laid.isChannelsLast)]
    },
    Operator("CastLike", means: "`cast`") { c throws(FirnError) in
      guard let dtype = dtype(of: try c.value(1)) else { throw c.unsupported("that element type") }
      if case .known(let x) = try c.value(0), let result = knownCast(x, to: dtype) { return [.known(result)] }
      return try cast(c, to: dtype)
    },
    Operator(
      "Reshape", means: "`reshaped`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0] else { return nil }
        var target = try target(c, of: Shape(x.shape))
        let rest = target.filter { $0 != -1 }.reduce(Dim(1), *)
        for axis in target.indices where target[axis] == -1 {
          target[axis] = Dim(x.values.count).divided(exactlyBy: rest) ?? 0
        }
        return target.extents.flatMap { x.reshaped($0) }
      }
    ) { c throws(FirnError) in
      let x = try c.tensor(0)
      return [.of(x.reshaped(to: try target(c, of: x.shape)))]
    },
    Operator("Flatten", means: "`reshaped`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = c.int("axis", 1)
      let place = axis < 0 ? axis + x.rank : axis
      guard (0...x.rank).contains(place) else { throw c.unsupported("axis \(axis) of \(x.type)") }
      let (rows, columns) = (x.shape.dimensions[..<place], x.shape.dimensions[place...])
      return [.of(x.reshaped(to: [rows.reduce(1, *), columns.reduce(1, *)]))]
    },
    Operator(
      "Squeeze", means: "`squeezed`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0] else { return nil }
        let gone: [Int]
        if let axes = try c.integers(attribute: "axes", orInput: 1) {
          gone = try c.axes(axes, rank: x.shape.count)
        } else {
          gone = x.shape.indices.filter { x.shape[$0] == 1 }
        }
        return x.reshaped(x.shape.indices.filter { !gone.contains($0) }.map { x.shape[$0] })
      }
    ) { c throws(FirnError) in
      let x = try c.tensor(0)
      guard let axes = try c.integers(attribute: "axes", orInput: 1) else { return [.of(x.squeezed())] }
      return [.of(x.squeezed(axes: try c.axes(axes, rank: x.rank)))]
    },
    Operator(
      "Unsqueeze", means: "`expandingAxis`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0] else { return nil }
        let axes = try c.integers(attribute: "axes", orInput: 1) ?? []
        var shape = x.shape
        for axis in try c.axes(axes, rank: x.shape.count + axes.count).sorted() where axis <= shape.count {
          shape.insert(1, at: axis)
        }
        return x.reshaped(shape)
      }
    ) { c throws(FirnError) in
      let x = try c.tensor(0)
      let axes = try c.integers(attribute: "axes", orInput: 1) ?? []
      var shape = x.shape.dimensions
      for axis in try c.axes(axes, rank: x.rank + axes.count).sorted() where axis <= shape.count {
        shape.insert(1, at: axis)
      }
      return [.of(x.reshaped(to: Shape(shape)))]
    },
    Operator(
      "Expand", means: "`broadcast`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0], let shape = inputs[1]?.numbers,
          let target = KnownIntegers.broadcast(x.shape, shape)
        else { return nil }
        return x.broadcast(to: target)
      }
    ) { c throws(FirnError) in
      let x = try c.tensor(0)
      return [.of(try spread(x, to: Shape(c.dims(1, "shape"))))]
    },
    Operator(
      "ConstantOfShape", means: "a constant, `broadcast`",
      fold: { (c, inputs) throws(FirnError) in
        guard let shape = inputs[0]?.numbers, let count = NDArray.elementCount(of: shape),
          count <= KnownIntegers.limit, let message = c.tensorAttribute("value"),
          case .known(let value) = try c.importer.stored(message, name: "", isParameter: false),
          let element = value.values.first
        else { return nil }
        return KnownIntegers(
          shape: shape, values: Array(repeating: element, count: count), isBool: value.isBool)
      }
    ) { c throws(FirnError) in
      let shape = Shape(try c.dims(0, "shape"))
      var array = NDArray(scalar: Float(0))
      if let message = c.tensorAttribute("value") {
        array = try c.importer.array(c.importer.stored(message, name: "", isParameter: false), "value")
        array = try array.reshaped(to: [])
      }
      return [.of(c.importer.graph.constant(array).broadcast(to: shape))]
    },
    Operator(
      "Range", means: "known when the model is read, or `iota`",
      fold: { (_, inputs) throws(FirnError) in
        guard let start = inputs[0]?.values.first, let limit = inputs[1]?.values.first?.value,
          let step = inputs[2]?.values.first?.value, let first = start.value, step != 0,
          ((Double(limit) - Double(first)) / Double(step)).magnitude < Double(KnownIntegers.limit)
        else { return nil }
        let places: [Int] = Array(stride(from: first, to: limit, by: step))
        return KnownIntegers(places.map { Dim($0) })
      }
    ) { c throws(FirnError) in
      if case .known(let start) = try c.value(0), case .known(let limit) = try c.value(1),
        case .known(let step) = try c.value(2), step.values == [1], let from = start.values.first,
        let to = limit.values.first
      {
        let places = c.importer.graph.iota(to - from)
        return [.of(from == 0 ? places : places + c.importer.graph.extent(from, dtype: .i32))]
      }
      let (start, limit, step) = (try c.array(0, "start"), try c.scalar(1, "limit"), try c.scalar(2, "delta"))
      let first = start.doubles.first ?? 0
      let count = Swift.max(0, ((limit - first) / step).rounded(.up))
      guard count.isFinite, count < 0x1p30 else { throw c.unsupported("a range of \(count) numbers") }
      guard Int(count) <= KnownIntegers.limit else {
        // No table of so many numbers: they are made in a run.
        let places = c.importer.graph.iota(Dim(Int(count))).cast(to: .f64)
        return [.of((places * step + first).cast(to: start.dtype))]
      }
      try c.importer.keep(Int(count) * MemoryLayout<Double>.stride)
      let values = (0..<Int(count)).map { first + Double($0) * step }
      return [.of(c.importer.graph.constant(NDArray(values).converted(to: start.dtype)))]
    },
    Operator("EyeLike", means: "comparison of `iota`") { c throws(FirnError) in
      let x = try c.shape(0)
      guard x.rank == 2 else { throw c.unsupported("an input of \(x.rank) axes") }
      var dtype = dtype(of: try c.value(0)) ?? .f32
      if let code = c.int("dtype") { dtype = try type(code, c) }
      let graph = c.importer.graph
      let (rows, columns) = (
        graph.iota(x[0]).reshaped(to: [x[0], 1]), graph.iota(x[1]).reshaped(to: [1, x[1]])
      )
      return [.of(equal(rows + Double(c.int("k", 0)), columns).cast(to: dtype))]
    },
  ]

  /// `Expand`: both may have axes of one.
  static func spread(_ x: Tensor, to wanted: Shape) throws(FirnError) -> Tensor {
    let rank = Swift.max(x.rank, wanted.rank)
    let padded = [Dim](repeating: 1, count: rank - x.rank) + x.shape.dimensions
    let other = [Dim](repeating: 1, count: rank - wanted.rank) + wanted.dimensions
    let target = zip(padded, other).map { $1 == 1 ? $0 : $1 }
    return x.reshaped(to: Shape(padded)).broadcast(to: Shape(target))
  }
}
