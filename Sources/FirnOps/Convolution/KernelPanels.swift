internal import FirnGraph

/// How the kernel of a convolution lies in panels: for each group and each 32 of the columns that its product makes, one
/// row for each channel of each tap.
///
/// Of `conv2d` columns are features, and rows channels; of its input gradient it is the other way round.
package struct KernelPanels: Hashable, Sendable {
  /// Its extents: [height, width, channels / groups, features].
  package var kernel: [Int]
  package var groups: Int
  /// Whether columns are channels.
  package var isTransposed: Bool
  /// The taps one after the other as they lie in panels; empty where that is their own order.
  package var order: [Int]

  package init(kernel: [Int], groups: Int = 1, isTransposed: Bool = false, order: [Int] = []) {
    self.kernel = kernel
    self.groups = groups
    self.isTransposed = isTransposed
    self.order = order
  }

  var tapCount: Int { kernel[0] * kernel[1] }
  /// Rows of a tap.
  var depth: Int { isTransposed ? kernel[3] / groups : kernel[2] }
  /// Of one group.
  var columns: Int { isTransposed ? kernel[2] : kernel[3] / groups }
  var panels: Int { Pack.panels(of: columns) }
  /// Elements of a panel.
  var panel: Int { tapCount * depth * Pack.width }

  var kernelShape: Shape { Shape(kernel.map { Dim($0) }) }

  var shape: Shape {
    [Dim(groups), Dim(panels), Dim(kernel[0]) * Dim(kernel[1]) * Dim(depth), Dim(Pack.width)]
  }

  /// - Throws: `C1` unless the kernel has four extents, `C2` unless groups divide its features, `C3` unless the order has
  ///   each tap once.
  func require() throws(FirnError) {
    try FirnOps.require(
      kernel.count == 4 && kernel.allSatisfy((0...SlidingWindow.limit).contains), "C1", .invalidArgument,
      "\(kernel) is no kernel [height, width, channels / groups, features]", remedy: "give four extents")
    try FirnOps.require(
      (1...SlidingWindow.limit).contains(groups) && kernel[3] % groups == 0, "C2", .invalidArgument,
      "\(groups) groups do not divide \(kernel[3]) features", remedy: "choose a divisor of the features")
    let isWhole =
      order.count == tapCount && order.sorted().enumerated().allSatisfy { $0.offset == $0.element }
    try FirnOps.require(
      order.isEmpty || isWhole, "C3", .invalidArgument,
      "the order \(order) has not each of \(tapCount) taps once",
      remedy: "leave it empty, or give a permutation")
  }

  /// Where the elements of one tap begin in a kernel and in a panel, and what is in it: for each group, panel and tap.
  struct Piece {
    var inKernel: Int
    var inPanels: Int
    /// Columns of the panel that there are.
    var columns: Int
  }

  func piece(group: Int, panel: Int, tap: Int) -> Piece {
    let own = order.isEmpty ? tap : order[tap]
    let start = own * kernel[2] * kernel[3] + group * (kernel[3] / groups) + panel * Pack.width * column
    return Piece(
      inKernel: start, inPanels: ((group * panels + panel) * tapCount + tap) * depth * Pack.width,
      columns: Swift.min(Pack.width, columns - panel * Pack.width))
  }

  /// Steps in the kernel from row to row, and from column to column.
  var row: Int { isTransposed ? 1 : kernel[3] }
  var column: Int { isTransposed ? kernel[3] : 1 }
}

extension SlidingWindow {
  /// The taps of a kernel in the order in which the products of an input gradient read them.
  ///
  /// Those that one phase of the strides sees lie side by side. Empty where that is their own order.
  func tapOrder(of taps: [Int]) -> [Int] {
    func phases(_ axis: Int) -> [[Int]] {
      // Few taps: whatever the strides, no more phases than these have one.
      let phases = (0..<taps[axis]).map { phase(ofTap: $0, axis) }
      return Set(phases).sorted().map { phase in phases.indices.filter { phases[$0] == phase } }
    }
    let across = phases(1)
    let order = phases(0).flatMap { rows in
      across.flatMap { columns in rows.flatMap { row in columns.map { row * taps[1] + $0 } } }
    }
    return order == Array(order.indices) ? [] : order
  }

  /// Which elements, counted by the strides, see a tap.
  private func phase(ofTap tap: Int, _ axis: Int) -> Int {
    let rest = (tap * dilation[axis] - padding[2 * axis]) % strides[axis]
    return rest < 0 ? rest + strides[axis] : rest
  }

  /// How many taps along an axis phases below this one see.
  func taps(before phase: Int, of taps: Int, _ axis: Int) -> Int {
    (0..<taps).count { self.phase(ofTap: $0, axis) < phase }
  }
}
