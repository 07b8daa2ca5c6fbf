public import FirnGraph

/// x itself, through which no gradient passes, at any order.
public func stopGradient(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(PassThrough(.stopGradient), location: CallSite(file, line))
}

/// x itself as a node of its own, to give it a name.
public func identity(
  _ x: Tensor, name: String? = nil, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Graph.apply(PassThrough(.identity), to: [x], name: name, location: CallSite(file, line))[0]
}
