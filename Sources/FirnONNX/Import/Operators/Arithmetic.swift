import FirnGraph
import FirnOps

extension Operator {
  /// A function of one tensor, element by element.
  static func unary(
    _ name: String, _ means: String, domain: String = "", integer: (@Sendable (Dim) -> Dim?)? = nil,
    _ function: @escaping @Sendable (Tensor) -> Tensor
  ) -> Operator {
    var fold: Fold?
    if let integer {
      fold = { (_, inputs) throws(FirnError) in
        guard let x = inputs[0], !x.isBool else { return nil }
        let values = x.values.compactMap(integer)
        return values.count == x.values.count ? KnownIntegers(shape: x.shape, values: values) : nil
      }
    }
    return Operator(name, domain: domain, means: means, fold: fold) { c throws(FirnError) in
      try c.mapped(function)
    }
  }

  /// A function of two tensors with broadcasting; before opset 7 by the attributes `axis` and `broadcast`.
  static func binary(
    _ name: String, _ means: String, isBool: Bool = false, known: (@Sendable (Dim, Dim) -> Dim?)? = nil,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> Operator {
    var fold: Fold?
    if let known {
      fold = { (_, inputs) throws(FirnError) in
        guard let a = inputs[0], let b = inputs[1], !a.isBool, !b.isBool else { return nil }
        return a.combined(b, isBool: isBool, known)
      }
    }
    return Operator(name, means: means, fold: fold) { c throws(FirnError) in
      if c.version < 7, c.flag("broadcast"), let axis = c.int("axis") {
        let (a, b) = (try c.tensor(0), try c.tensor(1))
        let after = Swift.max(0, a.rank - (try c.axis(axis, rank: a.rank)) - b.rank)
        let spread = b.reshaped(to: Shape(b.shape.dimensions + [Dim](repeating: 1, count: after)))
        return [.of(function(a, spread))]
      }
      return try c.combined(function)
    }
  }

  /// A function of any number of tensors, two at a time.
  static func variadic(
    _ name: String, _ means: String, known: (@Sendable (Dim, Dim) -> Dim?)? = nil,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    after: @escaping @Sendable (Tensor, Int) -> Tensor = { x, _ in x }
  ) -> Operator {
    var fold: Fold?
    if let known {
      fold = { (c, inputs) throws(FirnError) in
        var result = inputs[0]
        for input in inputs.prefix(c.inputs.count).dropFirst() {
          guard let input, !input.isBool else { return nil }
          result = result?.combined(input, known)
        }
        return result?.isBool == true ? nil : result
      }
    }
    return Operator(name, means: means, fold: fold) { c throws(FirnError) in
      let (tensors, isChannelsLast) = try c.aligned(Array(c.inputs.indices))
      guard let first = tensors.first else { throw c.unsupported("\(name) of nothing") }
      let result = tensors.dropFirst().reduce(first, function)
      return [.of(after(result, tensors.count), isChannelsLast: isChannelsLast)]
    }
  }

  static let arithmetic: [Operator] = [
    binary("Add", "`+`", known: { $0 + $1 }) { $0 + $1 },
    binary("Sub", "`-`", known: { $0 - $1 }) { $0 - $1 },
    binary("Mul", "`*`", known: { $0 * $1 }) { $0 * $1 },
    binary("Div", "`/`", known: { $0.dividedDown(by: $1) }) { $0 / $1 },
    Operator("Pow", means: "`pow`, of integers by way of `f64`") { c throws(FirnError) in
      let (tensors, isChannelsLast) = try c.aligned([0, 1])
      let (base, exponent) = (tensors[0], tensors[1])
      if case .stored(let stored) = try c.value(1), stored.message.dimensions.isEmpty {
        let number = try c.scalar(1, "exponent")
        if base.dtype.isFloatingPoint, number == 2 {
          return [.of(square(base), isChannelsLast: isChannelsLast)]
        }
        if base.dtype.isFloatingPoint, number == 0.5 {
          return [.of(sqrt(base), isChannelsLast: isChannelsLast)]
        }
      }
      let type: DType = base.dtype.isFloatingPoint ? base.dtype : .f64
      let result = pow(base.cast(to: type), exponent.cast(to: type))
      return [.of(result.cast(to: base.dtype), isChannelsLast: isChannelsLast)]
    },
    Operator(
      "Mod", means: "`floorRemainder`; with `fmod` `truncatingRemainder`",
      fold: { (c, inputs) throws(FirnError) in
        guard let a = inputs[0], let b = inputs[1] else { return nil }
        let isTruncated = c.flag("fmod")
        return a.combined(b) { x, y in
          guard let x = x.value, let y = y.value, y != 0 else { return nil }
          let rest = x.remainderReportingOverflow(dividingBy: y).partialValue
          return Dim(!isTruncated && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest)
        }
      }
    ) { c throws(FirnError) in
      let isTruncated = c.flag("fmod")
      return try c.combined { isTruncated ? truncatingRemainder($0, $1) : floorRemainder($0, $1) }
    },
    variadic("Sum", "`+`") { $0 + $1 },
    variadic("Mean", "`+`, divided by the count", { $0 + $1 }, after: { $0 / Double($1) }),
    variadic("Max", "`maximum`", known: { Dim.larger($0, $1) }) { maximum($0, $1) },
    variadic("Min", "`minimum`", known: { Dim.smaller($0, $1) }) { minimum($0, $1) },
    unary("Neg", "`-`", integer: { 0 - $0 }) { -$0 },
    unary("Abs", "`abs`", integer: { $0.value.map { Dim($0 < 0 ? 0 &- $0 : $0) } ?? $0 }) { abs($0) },
    unary("Sign", "`sign`") { sign($0) },
    unary("Reciprocal", "`reciprocal`") { reciprocal($0) },
    unary("Sqrt", "`sqrt`") { sqrt($0) },
    unary("Exp", "`exp`") { exp($0) },
    unary("Log", "`log`") { log($0) },
    unary("Floor", "`floor`", integer: { $0 }) { floor($0) },
    unary("Ceil", "`ceil`", integer: { $0 }) { ceil($0) },
    unary("Round", "`round`, halves to even") { round($0) },
    unary("Sin", "`sin`") { sin($0) },
    unary("Cos", "`cos`") { cos($0) },
    unary("Tan", "`tan`") { tan($0) },
    unary("Asin", "`asin`") { asin($0) },
    unary("Acos", "`acos`") { acos($0) },
    unary("Atan", "`atan`") { atan($0) },
    unary("Sinh", "`sinh`") { sinh($0) },
    unary("Cosh", "`cosh`") { cosh($0) },
    unary("Asinh", "`asinh`") { asinh($0) },
    unary("Acosh", "`acosh`") { acosh($0) },
    unary("Atanh", "`atanh`") { atanh($0) },
    unary("Erf", "`erf`") { erf($0) },
    Operator("CumSum", means: "`cumulativeSum`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.integer(1, "axis"), rank: x.rank)
      return [
        .of(x.cumulativeSum(axis: axis, exclusive: c.flag("exclusive"), reversed: c.flag("reverse")))
      ]
    },
    Operator("CumProd", means: "a `scan` that multiplies") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.integer(1, "axis"), rank: x.rank)
      let isExclusive = c.flag("exclusive")
      let order = [axis] + (0..<x.rank).filter { $0 != axis }
      let sequence = x.transposed(order)
      let type = TensorType(x.dtype, Shape(Array(sequence.shape.dropFirst())))
      let products = scan(
        over: [sequence], initial: [.filled(1, type: type, in: x.graph)], reversed: c.flag("reverse")
      ) { step in
        let next = step.carries[0] * step.slices[0]
        return ScanResult(carries: [next], outputs: [isExclusive ? step.carries[0] : next])
      }
      return [.of(products.outputs[0].transposed(inverse(of: order)))]
    },
  ]

  /// The order that undoes a permutation.
  static func inverse(of order: [Int]) -> [Int] {
    var result = order
    for (place, axis) in order.enumerated() { result[axis] = place }
    return result
  }
}
