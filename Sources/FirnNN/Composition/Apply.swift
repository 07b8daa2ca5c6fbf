public import FirnGraph

/// A function as a layer, for what has no variables: `Apply { relu($0) }`; Keras's `Lambda`.
///
/// Constraints are those of what the function calls.
public final class Apply: Layer {
  private let function: (Tensor) -> Tensor
  var scope: LayerScope

  /// A layer that calls `function` whenever it is called, in the scope `name`.
  public init(
    name: String = "apply", file: StaticString = #fileID, line: UInt = #line,
    _ function: @escaping (Tensor) -> Tensor
  ) {
    self.function = function
    scope = LayerScope(name, otherwise: "apply", file, line)
  }

  /// The activation as a layer, in a scope of its name: `Apply(.relu)` for PyTorch's `nn.ReLU()`.
  public convenience init(_ activation: Activation, file: StaticString = #fileID, line: UInt = #line) {
    self.init(file: file, line: line) { activation($0) }
    scope = LayerScope(activation.rawValue, file, line)
  }

  /// The function of `input`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in function(input) } ?? .poisoned(in: input.graph)
  }
}

extension Apply: ScopedLayer {}
