import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import Testing

func parsed(_ text: String) throws -> GraphDef {
  let graph = try GraphDef(parsing: text, catalogue: .standard)
  try graph.verify()
  return graph
}

extension Pass {
  /// What the pass makes of `text`, for a request that asks for its outputs.
  ///
  /// Of the variables in `parts` these blocks are frozen. The last output is the loss where `training` is given. The result verifies and keeps the types of outputs, and a
  /// second run changes nothing.
  func callAsFunction(
    _ text: String, freezing: String? = nil, training: (any Optimizer)? = nil, clippingNorm: Double? = nil,
    keepingTrainingMode: String? = nil, storingFrozen: FrozenStorage? = nil, isTrainingMode: Bool = false,
    isIdempotent: Bool = true,
    parts: [String: [Block]] = [:], prepare: (inout CompilationContext) -> Void = { _ in },
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws -> String {
    let graph = try parsed(text)
    var request = CompilationRequest(
      graph: graph, fetches: training == nil ? graph.outputs : Array(graph.outputs.dropLast()),
      training: try training.map {
        .init(loss: try #require(graph.outputs.last), optimizer: $0, clippingNorm: clippingNorm)
      },
      freezing: try freezing.map { try Selection($0) },
      keepingTrainingMode: try keepingTrainingMode.map { try Selection($0) }, isTrainingMode: isTrainingMode)
    request.storingFrozen = storingFrozen
    if !parts.isEmpty {
      request.trainability = try Trainability(
        graph.variables,
        freezing: graph.variables.compactMap { variable in
          parts[variable.name].map {
            SelectedVariable(variable: variable, region: .blocks($0), matchedBy: [variable.name])
          }
        }, thawing: [])
    }
    var context = try CompilationContext(request)
    prepare(&context)
    let result = try run(graph, &context)
    try result.verify()
    #expect(
      result.outputs.map { result.type(of: $0) } == graph.outputs.map { graph.type(of: $0) },
      sourceLocation: sourceLocation)
    if isIdempotent {
      #expect(try run(result, &context).text == result.text, "a second run", sourceLocation: sourceLocation)
    }
    return result.text
  }
}

/// Expects `pass` to make `after` of `before`; the same text stands for no change.
func expect(
  _ pass: Pass, _ before: String, becomes after: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let result = try pass(header + before, sourceLocation: sourceLocation)
  #expect(result == (try parsed(header + after)).text, sourceLocation: sourceLocation)
}

/// Expects `pass` to leave `text` as it is.
func expect(
  _ pass: Pass, leaves text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  try expect(pass, text, becomes: text, sourceLocation: sourceLocation)
}

let header = "firn 1\n"
