import FirnGraph
import FirnOps

extension ExportTable {
  /// What is looked up, put down, and sorted.
  static let indexing: [String: Entry] = [
    "gather": { (e, node, x) throws(FirnError) in
      [e.add("Gather", x, ["axis": .int(try node.op.attributes.int("axis"))])]
    },
    // ONNX's own wants 64-bit indices that are no scalar, and few types.
    "one_hot": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let dtype = node.types[0].dtype
      let classes = try e.range(try attributes.dimension("depth"))
      let isClass = e.add("Equal", [e.add("Unsqueeze", [x[0], e.integers([-1])]), classes])
      let (on, off) = (try attributes.double("on"), try attributes.double("off"))
      return [e.add("Where", [isClass, e.number(on, dtype), e.number(off, dtype)])]
    },
    "scatter_add": { (e, node, x) throws(FirnError) in
      guard let op = node.op as? ScatterAdd, op.part == nil else {
        throw GraphExporter.unsupported("adding up in parts")
      }
      // ScatterND has the places in front.
      let (indices, updates) = (e.operands[0].shape, e.operands[1].shape)
      let own = Array(op.axis..<op.axis + indices.rank)
      let outer = Array(0..<op.axis) + Array((op.axis + indices.rank)..<updates.rank)
      let turned = e.add("Transpose", [x[1]], ["perm": .ints(own + outer)])
      let rest = outer.map { updates[$0] }
      let result = try e.scattered(
        turned, at: x[0], over: 0, Shape([op.size] + rest), node.types[0].dtype, "add")
      var order = Array(1...Swift.max(1, rest.count)).prefix(rest.count).map { $0 }
      order.insert(0, at: op.axis)
      return [e.add("Transpose", [result], ["perm": .ints(order)])]
    },
    "scatter_max": scattering("max"), "scatter_min": scattering("min"), "scatter_prod": scattering("mul"),
    "flat_index": { (e, node, x) throws(FirnError) in
      let shape = try node.op.attributes.shape("shape")
      let strides = shape.indices.map { axis in shape.dimensions[(axis + 1)...].reduce(Dim(1), *) }
      let (wide, extents) = (e.wide(x[0]), try e.shape(shape))
      let isNegative = e.add("Less", [wide, e.integers([0])])
      let counted = e.add("Where", [isNegative, e.add("Add", [wide, extents]), wide])
      let places = e.add("Mul", [counted, try e.shape(Shape(strides))])
      let sum = e.add("ReduceSum", [places, e.integers([-1])], ["keepdims": .int(0)])
      return [e.narrow(sum)]
    },
    "last_position": { (e, node, x) throws(FirnError) in
      let size = try node.op.attributes.dimension("size")
      let positions = try e.range(e.operands[0].shape[0])
      return [try e.scattered(positions, at: x[0], over: -1, [size], .i32, "max")]
    },
    "top_indices": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let count = try e.extent(try attributes.dimension("count"))
      let isSmallest = try attributes.bool("smallest")
      let results = e.add(
        "TopK", [x[0], count], ["axis": .int(-1), "largest": .int(isSmallest ? 0 : 1)], results: 2)
      return [e.narrow(results[1])]
    },
    "cumulative_sum": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let axis = e.number(Double(try attributes.int("axis")), .i32)
      return [
        e.add(
          "CumSum", [x[0], axis],
          [
            "exclusive": .int(try attributes.bool("exclusive") ? 1 : 0),
            "reverse": .int(try attributes.bool("reversed") ? 1 : 0),
          ])
      ]
    },
  ]

  private static func scattering(_ reduction: String) -> Entry {
    { (e, node, x) throws(FirnError) in
      let size = try node.op.attributes.dimension("size")
      let dtype = node.types[0].dtype
      let neutral: Double =
        switch (reduction, dtype) {
        case ("mul", _): 1
        case ("max", .i32): Double(Int32.min)
        case ("min", .i32): Double(Int32.max)
        case ("max", _): -.infinity
        default: .infinity
        }
      let rest = e.operands[1].shape.dimensions.dropFirst()
      return [try e.scattered(x[1], at: x[0], over: neutral, Shape([size] + rest), dtype, reduction)]
    }
  }
}

extension GraphExporter {
  /// As 64-bit integers, which some operators want.
  mutating func wide(_ indices: String) -> String { add("Cast", [indices], ["to": .int(7)]) }

  /// As Firn's integers.
  mutating func narrow(_ indices: String) -> String {
    add("Cast", [indices], ["to": .int(ElementType(.i32).code)])
  }

  /// Rows put together where indices name one place, over an array of one number.
  fileprivate mutating func scattered(
    _ updates: String, at indices: String, over number: Double, _ shape: Shape, _ dtype: DType,
    _ reduction: String
  ) throws(FirnError) -> String {
    let start = add("Expand", [self.number(number, dtype), try self.shape(shape)])
    let places = add("Unsqueeze", [wide(indices), integers([-1])])
    return add("ScatterND", [start, places, updates], ["reduction": .text(reduction)])
  }
}
