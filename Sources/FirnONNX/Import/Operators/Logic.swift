import FirnGraph
import FirnOps

extension Operator {
  /// Whether elements are equal, of any type.
  static func same(_ a: Tensor, _ b: Tensor) -> Tensor {
    a.dtype == .bool ? logicalNot(logicalXor(a, b)) : equal(a, b)
  }

  private static func logical(
    _ name: String, _ means: String, _ known: @escaping @Sendable (Bool, Bool) -> Bool,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> Operator {
    Operator(
      name, means: means,
      fold: { (_, inputs) throws(FirnError) in
        guard let a = inputs[0], let b = inputs[1], a.isBool, b.isBool else { return nil }
        return a.combined(b, isBool: true) { known($0 != 0, $1 != 0) ? 1 : 0 }
      }
    ) { c throws(FirnError) in try c.combined(function) }
  }

  private static func truth(_ value: Bool?) -> Dim? { value.map { $0 ? 1 : 0 } }

  static let logic: [Operator] = [
    binary("Equal", "`equal`", isBool: true, known: { truth($0.isEqual(to: $1)) }) { same($0, $1) },
    binary("Less", "`less`", isBool: true, known: { truth($0.isLess(than: $1)) }) { less($0, $1) },
    binary("Greater", "`greater`", isBool: true, known: { truth($1.isLess(than: $0)) }) { greater($0, $1) },
    binary("LessOrEqual", "`lessEqual`", isBool: true, known: { truth($1.isLess(than: $0).map { !$0 }) }) {
      lessEqual($0, $1)
    },
    binary(
      "GreaterOrEqual", "`greaterEqual`", isBool: true, known: { truth($0.isLess(than: $1).map { !$0 }) }
    ) { greaterEqual($0, $1) },
    logical("And", "`logicalAnd`", { $0 && $1 }) { logicalAnd($0, $1) },
    logical("Or", "`logicalOr`", { $0 || $1 }) { logicalOr($0, $1) },
    logical("Xor", "`logicalXor`", { $0 != $1 }) { logicalXor($0, $1) },
    Operator(
      "Not", means: "`logicalNot`",
      fold: { (_, inputs) throws(FirnError) in
        inputs[0].map { x in
          KnownIntegers(shape: x.shape, values: x.values.map { $0 == 0 ? 1 : 0 }, isBool: true)
        }
      }
    ) { c throws(FirnError) in try c.mapped { logicalNot($0) } },
    Operator(
      "Where", means: "`select`",
      fold: { (_, inputs) throws(FirnError) in
        guard let condition = inputs[0], let a = inputs[1], let b = inputs[2], a.isBool == b.isBool,
          let inner = KnownIntegers.broadcast(a.shape, b.shape),
          let shape = KnownIntegers.broadcast(condition.shape, inner),
          let conditions = condition.broadcast(to: shape), let left = a.broadcast(to: shape),
          let right = b.broadcast(to: shape)
        else { return nil }
        let values = conditions.values.indices.map { index in
          conditions.values[index] != 0 ? left.values[index] : right.values[index]
        }
        return KnownIntegers(shape: shape, values: values, isBool: a.isBool)
      }
    ) { c throws(FirnError) in
      let (tensors, isChannelsLast) = try c.aligned([0, 1, 2])
      return [
        .of(select(where: tensors[0], tensors[1], otherwise: tensors[2]), isChannelsLast: isChannelsLast)
      ]
    },
    unary("IsNaN", "`isNaN`") { isNaN($0) },
    Operator("IsInf", means: "`isInfinite`") { c throws(FirnError) in
      let (low, high) = (c.flag("detect_negative", true), c.flag("detect_positive", true))
      return try c.mapped { isInfinite($0, positive: high, negative: low) }
    },
    Operator("Binarizer", domain: "ai.onnx.ml", means: "`greater`") { c throws(FirnError) in
      let threshold = c.float("threshold", 0)
      return try c.mapped { greater($0, threshold).cast(to: $0.dtype) }
    },
    Operator(
      "OptionalHasElement", means: "known when the model is read", differs: "a tensor is an element"
    ) { c throws(FirnError) in
      [.known(KnownIntegers(shape: [], values: [c.has(0) ? 1 : 0], isBool: true))]
    },
    Operator("OptionalGetElement", means: "nothing", differs: "a tensor is an element") {
      c throws(FirnError) in
      [try c.value(0)]
    },
    binary("BitwiseAnd", "`bitwiseAnd`") { bitwiseAnd($0, $1) },
    binary("BitwiseOr", "`bitwiseOr`") { bitwiseOr($0, $1) },
    binary("BitwiseXor", "`bitwiseXor`") { bitwiseXor($0, $1) },
    unary("BitwiseNot", "`bitwiseNot`") { bitwiseNot($0) },
    Operator("BitShift", means: "`shiftLeft`, `shiftRight`", differs: "of 32 bits") { c throws(FirnError) in
      let isLeft = c.string("direction", "LEFT") == "LEFT"
      return try c.combined { x, given in
        // Less than 0 is far beyond the bits, where Firn goes the other way.
        let places = select(where: less(given, 0), given * 0 + 32, otherwise: given)
        return isLeft ? shiftLeft(x, places) : shiftRight(x, places)
      }
    },
  ]
}
