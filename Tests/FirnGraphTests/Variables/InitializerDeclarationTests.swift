import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

/// Initialisers that need the variable they are for.
@Suite struct InitializerDeclarationTests {
  private let gates = BlockNames(["input", "forget", "cell"])

  /// The first value of a variable declared so, and the graph it stands in.
  private func declare(
    _ initializer: Initializer, _ shape: [Int], _ dtype: DType = .f64, blocks: BlockNames? = nil
  ) throws -> (NDArray, GraphDef) {
    let graph = Graph()
    _ = graph.variable(
      "w", shape: FirnGraph.Shape(shape), dtype: dtype, initializer: initializer, blocks: blocks)
    try graph.validate()
    let definition = graph.definition
    return (
      try definition.variables[0].initializer.sample(ArrayType(dtype, shape), seed: 1, name: "w"), definition
    )
  }

  @Test func identityFillsTheDiagonal() throws {
    #expect(try declare(.identity(gain: 2), [2, 3]).0.doubles == [2, 0, 0, 0, 2, 0])
    #expect(try declare(.identity(), [3, 2]).0.doubles == [1, 0, 0, 1, 0, 0])
    for shape in [[], [3], [2, 2, 2]] {
      let error = #expect(throws: FirnError.self) { try declare(.identity(), shape) }
      #expect(error?.code == .shapeMismatch)
    }
  }

  @Test func functionsAreCalledOncePerElementInOrder() throws {
    let function = Initializer.function { Double($0[0] * 10 + $0[1]) }
    #expect(try declare(function, [2, 3]).0.doubles == [0, 1, 2, 10, 11, 12])
    #expect(try declare(function, [2, 2], .i32).0.elements(as: Int32.self) == [0, 1, 10, 11])
    #expect(try declare(.function { _ in 7 }, []).0.doubles == [7])
    #expect(try declare(.function { Double($0.count) }, [0, 3]).0.elementCount == 0)
    #expect(try function.values(shape: [1, 2], dtype: .f64).doubles == [0, 1])
    #expect(function.isGiven && function == function && function != .function { _ in 0 })
  }

  @Test func blocksHaveTheirOwn() throws {
    let mixed = Initializer.blocks(["forget": .ones, "cell": .function { Double($0[1]) }], otherwise: .zeros)
    #expect(try declare(mixed, [2, 6], blocks: gates).0.doubles == [0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1])
    #expect(try declare(.blocks(otherwise: .ones), [2]).0.doubles == [1, 1])
    let nested = Initializer.columns([(2, .function { Double($0[0]) }), (1, .blocks(otherwise: .ones))])
    #expect(try declare(nested, [3]).0.doubles == [0, 1, 1])
  }

  /// A gate's fans are its own: variance 2 / (in + units), where all gates as one matrix have 2 / (in + 3·units).
  @Test func fansAreThoseOfABlock() throws {
    let values = try declare(.blocks(otherwise: .glorotUniform), [40, 180], blocks: gates).0.doubles
    let (n, expected) = (Double(values.count), 2.0 / (40 + 60))
    #expect(abs(variance(values) - expected) < 5 * expected * (0.8 / n).squareRoot())
    #expect(values.allSatisfy { abs($0) <= (3 * expected).squareRoot() })
  }

  @Test func orthogonalWithinEachBlock() throws {
    let values = try declare(.blocks(otherwise: .orthogonal(gain: 2)), [4, 12], blocks: gates).0.doubles
    for block in 0..<3 {
      for a in 0..<4 {
        for b in 0..<4 {
          let product = (0..<4).reduce(0.0) {
            $0 + values[$1 * 12 + block * 4 + a] * values[$1 * 12 + block * 4 + b]
          }
          #expect(abs(product - (a == b ? 4 : 0)) < 1e-12)
        }
      }
    }
    #expect(values[0] != values[4])
  }

  /// What was a closure is numbers in the text, and comes back to the bit.
  @Test func textHoldsThem() throws {
    let initializer = Initializer.blocks(
      ["forget": .function { 1 / Double($0[0] + 3) }, "cell": .identity()], otherwise: .lecunNormal)
    let (value, definition) = try declare(initializer, [2, 6], .f32, blocks: gates)
    let read = try parsed(definition.text)
    #expect(read == definition && read.text == definition.text)
    #expect(try read.variables[0].initializer.sample(ArrayType(.f32, [2, 6]), seed: 1, name: "w") == value)
  }

  @Test func namesThatAreNone() throws {
    let faulty = Initializer.blocks(["forgot": .ones], otherwise: .zeros)
    for (blocks, words) in [
      (gates, "`input`, `forget`, `cell`"), (nil, "no named blocks"),
      (BlockNames(["forgot", "b"], axis: 0), "no named"),
    ] {
      let error = try #require(throws: FirnError.self) { try declare(faulty, [2, 6], blocks: blocks) }
      #expect(error.code == .invalidArgument && error.message.contains(words), "\(error)")
      #expect(error.place == "w" && error.message.contains("`forgot`"))
    }
    let array = Initializer.blocks(["forget": .array(NDArray([1, 2] as [Float]))], otherwise: .zeros)
    #expect(throws: FirnError.self) { try declare(array, [2, 6], blocks: gates) }
    #expect(throws: FirnError.self) { try faulty.values(shape: [3]) }
  }
}
