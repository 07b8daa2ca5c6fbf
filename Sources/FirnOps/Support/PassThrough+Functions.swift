public import FirnGraph

/// x itself, through which no gradient passes, at any order: PyTorch's `detach`.
///
/// Nothing behind it is differentiated in any program, whatever is trained. There are no constraints.
///
/// - Complexity: nothing is done; the result is a view.
public func stopGradient(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(PassThrough(.stopGradient), location: CallSite(file, line))
}

extension Tensor {
  /// The same where the formula of a function wants it, and not who calls that: lint does not ask what it is for.
  package func stoppedInFormula() -> Tensor { applying(PassThrough(.stopGradient, isOfFormula: true)) }
}

/// x itself as a node of its own, to give it a name.
///
/// A name taken already gets a number: `code_1`. There are no constraints.
///
/// - Parameters:
///   - x: any tensor; gradients pass.
///   - name: the node's in its scope; `identity` for nil.
/// - Complexity: nothing is done; the result is a view.
public func identity(
  _ x: Tensor, name: String? = nil, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Graph.apply(PassThrough(.identity), to: [x], name: name, location: CallSite(file, line))[0]
}
