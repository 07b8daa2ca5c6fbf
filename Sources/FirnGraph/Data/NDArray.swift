/// Concrete data: an element type, a shape of numbers, and the elements in row-major order.
///
/// A value: copies share storage until one of them is written. It is what is fed, fetched and loaded. It prints as NumPy
/// prints, and has what preparing weights and looking at results take: parts, other orders, arithmetic, sums,
/// comparison. Models are a graph's work.
///
///     let scores = try session.run(program, feeding: [x: data])[logits]
///     print(scores)                       // [[ 1.25  -0.5 ] …]
///     scores.floats                       // the elements, row by row
///     try scores.max(axes: [-1]).floats   // the greatest of each row
public struct NDArray: Sendable {
  /// The type of its elements.
  public let dtype: DType
  /// The extents of its axes, outermost first; empty for a scalar.
  public let shape: [Int]
  fileprivate var storage: Storage

  /// Elements all zero (false).
  ///
  /// - Throws: `.invalidArgument` where an extent is negative, or the elements do not fit in the memory that is free.
  public init(zeros shape: [Int], dtype: DType = .f32) throws(FirnError) {
    let type = ArrayType(dtype, shape)
    try type.requireMemory()
    self.init(cleared: type)
  }

  /// Elements all zero, of a type that is known to fit, as something else of its size is there.
  package init(cleared type: ArrayType) {
    dtype = type.dtype
    shape = type.shape
    storage = Storage(byteCount: type.byteCount)
  }

  /// These elements, rounded to the type's; there are as many as it has.
  package init(_ type: ArrayType, rounding values: [Double]) {
    precondition(values.count == type.elementCount)
    self.init(cleared: type)
    values.withUnsafeBufferPointer { store($0, from: 0) }
  }

  /// Elements that `fill` says in runs of up to `length`, one run after the other, rounded to the type's.
  ///
  /// - Parameter fill: puts numbers into all of a run, whose first element's place it is told.
  package init(
    _ type: ArrayType, roundingRunsOf length: Int, _ fill: (UnsafeMutableBufferPointer<Double>, Int) -> Void
  ) {
    self.init(cleared: type)
    let count = type.elementCount
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Swift.min(Swift.max(length, 1), count)) { run in
      for first in stride(from: 0, to: count, by: Swift.max(length, 1)) {
        let values = UnsafeMutableBufferPointer(rebasing: run.prefix(count - first))
        fill(values, first)
        store(UnsafeBufferPointer(values), from: first)
      }
    }
  }

  /// The elements of `values` in row-major order.
  ///
  /// - Throws: `.shapeMismatch` where `shape` does not hold exactly `values.count` elements.
  public init<Element: ArrayElement>(_ values: [Element], shape: [Int]) throws(FirnError) {
    let expected = Self.elementCount(of: shape)
    guard expected == values.count else {
      throw FirnError(
        .shapeMismatch, "\(values.count) values do not fill shape \(Shape(shape))",
        remedy: expected.map { "give \($0) values, or another shape" } ?? "give another shape")
    }
    self.init(unchecked: values, shape: shape)
  }

  /// A vector: `NDArray([Int32](labels))` is `i32`, of floats `f32`, of doubles `f64`.
  public init<Element: ArrayElement>(_ values: [Element]) {
    self.init(unchecked: values, shape: [values.count])
  }

  /// A scalar.
  public init<Element: ArrayElement>(scalar value: Element) {
    self.init(unchecked: [value], shape: [])
  }

  private init<Element: ArrayElement>(unchecked values: [Element], shape: [Int]) {
    self.init(cleared: ArrayType(Element.dtype, shape))
    storage.pointer.initializeMemory(as: Element.self, from: values, count: values.count)
  }

  /// Wraps bytes copied from `source`.
  package init(_ type: ArrayType, copying source: UnsafeRawPointer) {
    self.init(cleared: type)
    storage.pointer.copyMemory(from: source, byteCount: type.byteCount)
  }

  /// Reads the bytes of `storage` where they are; they must fill `type` and be aligned for its elements.
  package init(_ type: ArrayType, in storage: Storage) {
    precondition(storage.byteCount == type.byteCount)
    dtype = type.dtype
    shape = type.shape
    self.storage = storage
  }

  package var type: ArrayType { ArrayType(dtype, shape) }
  /// The product of `shape`; nil where an extent is negative or the product is no `Int`.
  ///
  /// Where an extent is 0 there are no elements, however large the others.
  package static func elementCount(of shape: [Int]) -> Int? {
    if shape.contains(where: { $0 < 0 }) { return nil }
    if shape.contains(0) { return 0 }
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// The product of the extents; 1 for a scalar.
  public var elementCount: Int { shape.elementCount }
  /// What the elements occupy.
  public var byteCount: Int { elementCount * dtype.byteCount }

  /// The elements, converted where the type differs (`bool` reads as 0 and 1).
  ///
  /// - Complexity: O(elements), copied.
  public func elements<Element: ArrayElement>(as type: Element.Type = Element.self) -> [Element] {
    (0..<elementCount).map { Element(exactlyOrRounded: number(at: $0)) }
  }

  /// The elements as `Float`.
  public var floats: [Float] { elements() }
  /// The elements as `Double`.
  public var doubles: [Double] { elements() }

  /// The only element as a number, or nil where there is not exactly one.
  public var scalar: Double? { elementCount == 1 ? number(at: 0) : nil }

  /// The same elements under another shape.
  ///
  /// - Throws: `.shapeMismatch` where element counts differ.
  /// - Complexity: O(elements): they are copied.
  public func reshaped(to shape: [Int]) throws(FirnError) -> NDArray {
    guard Self.elementCount(of: shape) == elementCount else {
      throw FirnError(
        .shapeMismatch, "\(type) cannot be reshaped to \(Shape(shape)): element counts differ",
        remedy: "choose a shape of \(elementCount) elements")
    }
    return NDArray(ArrayType(dtype, shape), copying: storage.pointer)
  }

  /// The elements converted to `dtype`: floats towards `i32` truncate, anything but 0 is true.
  public func converted(to dtype: DType) -> NDArray {
    if dtype == self.dtype { return self }
    let result = NDArray(cleared: ArrayType(dtype, shape))
    for i in 0..<elementCount { result.store(number(at: i), at: i) }
    return result
  }

  /// Whether both hold the same bits under the same type: unlike `==` on floats, NaN equals itself and -0 is not 0.
  public func isBitwiseEqual(to other: NDArray) -> Bool {
    type == other.type && withUnsafeBytes { a in other.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  package func number(at index: Int) -> Double {
    switch dtype {
    case .f32: Double(storage.pointer.load(fromByteOffset: index * 4, as: Float.self))
    case .f64: storage.pointer.load(fromByteOffset: index * 8, as: Double.self)
    case .i32: Double(storage.pointer.load(fromByteOffset: index * 4, as: Int32.self))
    case .bool: storage.pointer.load(fromByteOffset: index, as: UInt8.self) == 0 ? 0 : 1
    }
  }

  /// Only for arrays this file has just made, whose storage nobody shares.
  private func store(_ values: UnsafeBufferPointer<Double>, from first: Int) {
    func store<Element: ArrayElement>(as type: Element.Type) {
      let place = storage.pointer.assumingMemoryBound(to: type) + first
      for index in values.indices { place[index] = Element(exactlyOrRounded: values[index]) }
    }
    switch dtype {
    case .f32: store(as: Float.self)
    case .f64: store(as: Double.self)
    case .i32: store(as: Int32.self)
    case .bool: store(as: Bool.self)
    }
  }

  /// Only for arrays this file has just made, whose storage nobody shares.
  private func store(_ value: Double, at index: Int) {
    switch dtype {
    case .f32: storage.pointer.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
    case .f64: storage.pointer.storeBytes(of: value, toByteOffset: index * 8, as: Double.self)
    case .i32:
      storage.pointer.storeBytes(of: Int32(exactlyOrRounded: value), toByteOffset: index * 4, as: Int32.self)
    case .bool: storage.pointer.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: index, as: UInt8.self)
    }
  }

  /// Calls `body` with the elements' bytes, row-major, in the machine's order; they are not to be used after it
  /// returns.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(start: storage.pointer, count: byteCount))
  }

  /// Copies the storage first where another array shares it or it only borrows its bytes.
  package mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R)
    rethrows -> R
  {
    if !isKnownUniquelyReferenced(&storage) || !storage.isWritable {
      self = NDArray(type, copying: storage.pointer)
    }
    return try body(UnsafeMutableRawBufferPointer(start: storage.pointer, count: byteCount))
  }
}

extension NDArray: Hashable {
  /// Equality of bits, so that arrays can stand in op attributes.
  public static func == (a: NDArray, b: NDArray) -> Bool { a.isBitwiseEqual(to: b) }

  /// Of type and bits.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension NDArray {
  /// The bytes themselves, for readers that keep the array alive meanwhile.
  package var storagePointer: UnsafeMutableRawPointer { storage.pointer }

  /// The storage itself, for owners that copy before they write.
  package var sharedStorage: Storage { storage }
}

extension NDArray {
  /// The elements in runs along the last axis, in order: the rows of a matrix.
  public var rows: [[Double]] {
    let width = shape.last ?? 1
    let elements = doubles
    return stride(from: 0, to: elements.count, by: Swift.max(1, width)).map {
      Array(elements[$0..<$0 + width])
    }
  }

  /// The rows (steps of the leading axis) at `indices`, in that order.
  ///
  /// - Throws: `.indexOutOfRange` for an index that does not lie on the leading axis, or where there is none;
  ///   `.invalidArgument` where the rows do not fit in the memory that is free.
  public func rows(_ indices: [Int]) throws(FirnError) -> NDArray {
    let count = shape.first ?? 0
    if let outside = indices.first(where: { !(0..<count).contains($0) }) {
      throw FirnError(
        .indexOutOfRange, "row \(outside) of \(type)",
        remedy: shape.isEmpty
          ? "a scalar has no rows" : count == 0 ? "it has no rows" : "choose rows of 0 to \(count - 1)")
    }
    guard !shape.isEmpty else {
      throw FirnError(.indexOutOfRange, "rows of \(type)", remedy: "a scalar has no rows")
    }
    let result = try NDArray(zeros: [indices.count] + shape.dropFirst(), dtype: dtype)
    let bytes = shape.dropFirst().elementCount.saturatingProduct(dtype.byteCount)
    for (row, index) in indices.enumerated() {
      (result.storage.pointer + row * bytes).copyMemory(
        from: storage.pointer + index * bytes, byteCount: bytes)
    }
    return result
  }
}
