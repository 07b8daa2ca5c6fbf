public import FirnGraph
public import FirnOps

/// The greatest element of each window.
///
/// | | shape |
/// | --- | --- |
/// | x | `[batch, height, width, channels]` |
/// | result | `[batch, rows, columns, channels]`, as `maxPool2d` says |
public final class MaxPool2D: Layer {
  private let window: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let padding: Padding2D
  var scope: LayerScope

  /// - Parameter strides: those of the window for nil.
  public init(
    window: (height: Int, width: Int), strides: (height: Int, width: Int)? = nil, padding: Padding2D = .valid,
    name: String = "max_pool", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.window = window
    self.strides = strides ?? window
    self.padding = padding
    scope = LayerScope(name, file, line)
  }

  /// Square windows.
  public convenience init(
    _ window: Int, stride: Int? = nil, padding: Padding2D = .valid, name: String = "max_pool",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.init(
      window: (window, window), strides: stride.map { ($0, $0) }, padding: padding, name: name, file: file,
      line: line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in
      maxPool2d(input, window: window, strides: strides, padding: padding)
    } ?? .poisoned(in: input.graph)
  }
}

extension MaxPool2D: ScopedLayer {}
