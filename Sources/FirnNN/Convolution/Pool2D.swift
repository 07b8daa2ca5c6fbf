public import FirnGraph
public import FirnOps

/// What the pools of images have in common: windows that slide over each channel by itself.
///
/// `MaxPool2D` and `AveragePool2D` are the pools. They have no variables. Constraints are those of the pool.
public class Pool2D: Layer {
  let window: (height: Int, width: Int)
  let strides: (height: Int, width: Int)
  let padding: Padding2D
  var scope: LayerScope

  /// The scope of a pool that is given no name.
  class var defaultName: String { "pool" }

  /// A pool of windows that may be oblong.
  ///
  /// - Parameters:
  ///   - window: rows and columns of a window.
  ///   - strides: from window to window; the window's own size for nil.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - name: the layer's scope; nil for `max_pool` or `average_pool`.
  public init(
    window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil, padding: Padding2D = .valid,
    name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    self.window = window
    self.strides = strides ?? window
    self.padding = padding
    scope = LayerScope(name, otherwise: Self.defaultName, file, line)
  }

  /// A pool of square windows.
  ///
  /// - Parameters:
  ///   - window: rows and columns of a window.
  ///   - stride: from window to window, both ways; the window's own size for nil.
  ///   - padding: what surrounds an image; Keras's `valid` and `same`, or PyTorch's numbers by `.symmetric`.
  ///   - name: the layer's scope; nil for `max_pool` or `average_pool`.
  public convenience init(
    _ window: Int, stride: Int? = nil, padding: Padding2D = .valid, name: String? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      window: (window, window), strides: stride.map { ($0, $0) }, padding: padding, name: name, file: file,
      line: line)
  }

  /// What a pool makes of images.
  func pooled(_ images: Tensor) -> Tensor { firnBug("pool", "\(Self.self) pools nothing") }

  /// `[batch, height, width, channels]` pooled to `[batch, rows, columns, channels]`; constraints are the pool's.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in pooled(input) } ?? .poisoned(in: input.graph)
  }
}

extension Pool2D: ScopedLayer {}
