import FirnGraph

/// What a node of a graph is written as: one small entry for each op that inference may hold, by its mnemonic.
enum ExportTable {
  typealias Entry = @Sendable (inout GraphExporter, Node, [String]) throws(FirnError) -> [String]

  static subscript(mnemonic: String) -> Entry? {
    entries[mnemonic] ?? losses[mnemonic] ?? indexing[mnemonic]
  }

  /// One operator of ONNX with the same operands.
  private static func same(_ op: String) -> Entry {
    { (e, _, x) throws(FirnError) in [e.add(op, x)] }
  }

  /// A reduction, whose axes are an input.
  private static func reduction(_ op: String) -> Entry {
    { (e, node, x) throws(FirnError) in
      let axes = try node.op.attributes.ints("axes")
      let keeps = try node.op.attributes.bool("keeps_axes")
      return [
        e.add(
          op, [x[0], e.integers(axes)], ["keepdims": .int(keeps ? 1 : 0), "noop_with_empty_axes": .int(1)])
      ]
    }
  }

  private static func choice(_ op: String) -> Entry {
    { (e, node, x) throws(FirnError) in
      let axis = try node.op.attributes.int("axis")
      let index = e.add(op, x, ["axis": .int(axis), "keepdims": .int(0)])
      return [e.add("Cast", [index], ["to": .int(ElementType(.i32).code)])]
    }
  }

  /// Values of a convolution or pool over an image, which ONNX has channels first.
  private static func overImage(
    _ e: inout GraphExporter, _ image: String, _ op: String, _ others: [String],
    _ attributes: [String: GraphExporter.Attribute]
  ) -> String {
    let turned = e.add("Transpose", [image], ["perm": .ints([0, 3, 1, 2])])
    let result = e.add(op, [turned] + others, attributes)
    return e.add("Transpose", [result], ["perm": .ints([0, 2, 3, 1])])
  }

  /// Top, bottom, left, right as ONNX has them: what is before each axis, then what is behind.
  private static func pads(_ padding: [Int]) -> GraphExporter.Attribute {
    .ints([padding[0], padding[2], padding[1], padding[3]])
  }

  private static func resizing(_ mode: String) -> Entry {
    { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let image = e.operands[0].shape
      let size = try attributes.ints("size").map { Dim($0) }
      let sizes = try e.shape(Shape([image[0], image[3]] + size))
      var options: [String: GraphExporter.Attribute] = ["mode": .text(mode)]
      if mode == "nearest" {
        options["coordinate_transformation_mode"] = .text("asymmetric")
        options["nearest_mode"] = .text("floor")
      } else {
        let isAligned = try attributes.bool("aligns_corners")
        options["coordinate_transformation_mode"] = .text(isAligned ? "align_corners" : "half_pixel")
      }
      return [overImage(&e, x[0], "Resize", ["", "", sizes], options)]
    }
  }

  private static let entries: [String: Entry] = [
    "neg": same("Neg"), "abs": same("Abs"), "sign": same("Sign"), "exp": same("Exp"), "log": same("Log"),
    "sqrt": same("Sqrt"), "reciprocal": same("Reciprocal"), "sin": same("Sin"), "cos": same("Cos"),
    "tan": same("Tan"), "asin": same("Asin"), "acos": same("Acos"), "atan": same("Atan"),
    "sinh": same("Sinh"), "cosh": same("Cosh"), "asinh": same("Asinh"), "acosh": same("Acosh"),
    "atanh": same("Atanh"), "mish": same("Mish"), "bit_and": same("BitwiseAnd"), "bit_or": same("BitwiseOr"),
    "bit_xor": same("BitwiseXor"), "bit_not": same("BitwiseNot"), "tanh": same("Tanh"),
    "sigmoid": same("Sigmoid"), "softplus": same("Softplus"), "relu": same("Relu"),
    "gelu": same("Gelu"), "hard_swish": same("HardSwish"), "erf": same("Erf"), "floor": same("Floor"),
    "ceil": same("Ceil"), "round": same("Round"), "add": same("Add"), "sub": same("Sub"), "mul": same("Mul"),
    "div": same("Div"), "pow": same("Pow"), "max": same("Max"), "min": same("Min"), "equal": same("Equal"),
    "less": same("Less"), "less_equal": same("LessOrEqual"), "greater": same("Greater"),
    "greater_equal": same("GreaterOrEqual"), "and": same("And"), "or": same("Or"),
    "xor": same("Xor"), "not": same("Not"), "select": same("Where"),
    "identity": same("Identity"), "stop_gradient": same("Identity"),
    "reduce_sum": reduction("ReduceSum"), "reduce_mean": reduction("ReduceMean"),
    "reduce_max": reduction("ReduceMax"), "reduce_min": reduction("ReduceMin"),
    "reduce_prod": reduction("ReduceProd"), "argmax": choice("ArgMax"), "argmin": choice("ArgMin"),
    "not_equal": { (e, _, x) throws(FirnError) in [e.add("Not", [e.add("Equal", x)])] },
    "square": { (e, _, x) throws(FirnError) in [e.add("Mul", [x[0], x[0]])] },
    "rsqrt": { (e, _, x) throws(FirnError) in [e.add("Reciprocal", [e.add("Sqrt", x)])] },
    "silu": { (e, _, x) throws(FirnError) in [e.add("Mul", [x[0], e.add("Sigmoid", x)])] },
    "expm1": { (e, node, x) throws(FirnError) in
      [e.add("Sub", [e.add("Exp", x), e.number(1, node.types[0].dtype)])]
    },
    "log1p": { (e, node, x) throws(FirnError) in
      [e.add("Log", [e.add("Add", [x[0], e.number(1, node.types[0].dtype)])])]
    },
    "gelu_tanh": { (e, _, x) throws(FirnError) in [e.add("Gelu", x, ["approximate": .text("tanh")])] },
    "fmod": { (e, _, x) throws(FirnError) in [e.add("Mod", x, ["fmod": .int(1)])] },
    "leaky_relu": { (e, node, x) throws(FirnError) in
      [e.add("LeakyRelu", x, ["alpha": .float(try node.op.attributes.double("alpha"))])]
    },
    "elu": { (e, node, x) throws(FirnError) in
      [e.add("Elu", x, ["alpha": .float(try node.op.attributes.double("alpha"))])]
    },
    "cast": { (e, node, x) throws(FirnError) in
      [e.add("Cast", x, ["to": .int(ElementType(try node.op.attributes.dtype("dtype")).code)])]
    },
    "constant": { (e, node, _) throws(FirnError) in [e.constant(try node.op.attributes.array("value"))] },
    "extent": { (e, node, _) throws(FirnError) in
      [try e.scalar(try node.op.attributes.dimension("dimension"), node.types[0].dtype)]
    },
    "iota": { (e, node, _) throws(FirnError) in [try e.range(try node.op.attributes.dimension("extent"))] },
    "reshape": { (e, node, x) throws(FirnError) in
      [e.add("Reshape", [x[0], try e.shape(try node.op.attributes.shape("shape"))], ["allowzero": .int(1)])]
    },
    "broadcast": { (e, node, x) throws(FirnError) in
      [e.add("Expand", [x[0], try e.shape(try node.op.attributes.shape("shape"))])]
    },
    "transpose": { (e, node, x) throws(FirnError) in
      [e.add("Transpose", x, ["perm": .ints(try node.op.attributes.ints("permutation"))])]
    },
    "concat": { (e, node, x) throws(FirnError) in
      [e.add("Concat", x, ["axis": .int(try node.op.attributes.int("axis"))])]
    },
    "split": { (e, node, x) throws(FirnError) in
      let sizes = try e.shape(try node.op.attributes.shape("sizes"))
      return e.add(
        "Split", [x[0], sizes], ["axis": .int(try node.op.attributes.int("axis"))], results: node.types.count)
    },
    "slice": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let steps = try attributes.ints("steps")
      return [
        e.add(
          "Slice",
          [
            x[0], try e.shape(try attributes.shape("starts")), try e.shape(try attributes.shape("limits")),
            e.integers(Array(steps.indices)), e.integers(steps),
          ])
      ]
    },
    "reverse": { (e, node, x) throws(FirnError) in
      let axes = try node.op.attributes.ints("axes")
      let (first, last) = (axes.map { _ in -1 }, axes.map { _ in -Int(Int32.max) })
      return [
        e.add("Slice", [x[0], e.integers(first), e.integers(last), e.integers(axes), e.integers(first)])
      ]
    },
    "pad": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      guard try attributes.ints("interior").allSatisfy({ $0 == 0 }) else {
        throw GraphExporter.unsupported("padding between elements")
      }
      let pads = Shape(
        try attributes.shape("low").dimensions + attributes.shape("high").dimensions)
      let value = e.number(try attributes.double("value"), node.types[0].dtype)
      return [e.add("Pad", [x[0], try e.shape(pads), value])]
    },
    "matmul": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      var operands = x
      let rank = node.types[0].shape.rank
      let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
      if try attributes.bool("transpose_a") {
        operands[0] = e.add("Transpose", [x[0]], ["perm": .ints(order)])
      }
      if try attributes.bool("transpose_b") {
        operands[1] = e.add("Transpose", [x[1]], ["perm": .ints(order)])
      }
      return [e.add("MatMul", operands)]
    },
    "conv2d": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let kernel = e.add("Transpose", [x[1]], ["perm": .ints([3, 2, 0, 1])])
      return [
        overImage(
          &e, x[0], "Conv", [kernel],
          [
            "strides": .ints(try attributes.ints("strides")), "pads": pads(try attributes.ints("padding")),
            "dilations": .ints(try attributes.ints("dilation")), "group": .int(try attributes.int("groups")),
          ])
      ]
    },
    // A transposed convolution.
    "conv2d_input_gradient": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      let (strides, dilation) = (try attributes.ints("strides"), try attributes.ints("dilation"))
      let (size, padding) = (try attributes.ints("size"), try attributes.ints("padding"))
      var (extra, behind) = ([0, 0], [padding[1], padding[3]])
      for axis in 0..<2 {
        guard let image = e.operands[0].shape[axis + 1].value, let taps = e.operands[1].shape[axis].value
        else {
          throw GraphExporter.unsupported("a transposed convolution of a named extent")
        }
        let whole = (image - 1) * strides[axis] + (taps - 1) * dilation[axis] + 1
        let missing = size[axis] - (whole - padding[2 * axis] - padding[2 * axis + 1])
        if missing > 0 { extra[axis] = missing } else { behind[axis] -= missing }
      }
      let kernel = e.add("Transpose", [x[1]], ["perm": .ints([3, 2, 0, 1])])
      return [
        overImage(
          &e, x[0], "ConvTranspose", [kernel],
          [
            "strides": .ints(strides), "dilations": .ints(dilation),
            "group": .int(try attributes.int("groups")),
            "pads": .ints([padding[0], padding[2], behind[0], behind[1]]), "output_padding": .ints(extra),
          ])
      ]
    },
    "max_pool2d": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      return [
        overImage(
          &e, x[0], "MaxPool", [],
          [
            "kernel_shape": .ints(try attributes.ints("size")),
            "strides": .ints(try attributes.ints("strides")),
            "pads": pads(try attributes.ints("padding")), "dilations": .ints(try attributes.ints("dilation")),
          ])
      ]
    },
    "average_pool2d": { (e, node, x) throws(FirnError) in
      let attributes = node.op.attributes
      return [
        overImage(
          &e, x[0], "AveragePool", [],
          [
            "kernel_shape": .ints(try attributes.ints("size")),
            "strides": .ints(try attributes.ints("strides")),
            "pads": pads(try attributes.ints("padding")),
            "count_include_pad": .int(try attributes.bool("counts_padding") ? 1 : 0),
          ])
      ]
    },
    "adaptive_average_pool2d": { (e, node, x) throws(FirnError) in
      let size = try node.op.attributes.ints("size")
      let image = try e.image()
      guard image[0] % size[0] == 0, image[1] % size[1] == 0 else {
        throw GraphExporter.unsupported("an adaptive pool of windows that differ")
      }
      let window = [image[0] / size[0], image[1] / size[1]]
      return [
        overImage(&e, x[0], "AveragePool", [], ["kernel_shape": .ints(window), "strides": .ints(window)])
      ]
    },
    "upsample_nearest2d": resizing("nearest"), "upsample_bilinear2d": resizing("linear"),
    "upsample_bicubic2d": resizing("cubic"),
    "scan": { (e, node, x) throws(FirnError) in try e.loop(node, x) },
    // In inference.
    "dropout": { (e, _, x) throws(FirnError) in [e.add("Identity", [x[0]])] },
    "by_mode": { (e, _, x) throws(FirnError) in [e.add("Identity", [x[1]])] },
  ]
}
