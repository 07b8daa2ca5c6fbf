import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

@Suite struct ActivationTests {
  /// As the functions of these names: gradient 0 where the bounds begin, the slope between them, NaN handed on.
  @Test func hardSigmoidsAtTheirKinks() throws {
    for (activation, kink, slope) in [(Activation.hardSigmoid, 3.0, 1 / 6.0), (.keras2HardSigmoid, 2.5, 0.2)]
    {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [5], dtype: .f64)
      let y = activation(x)
      let gradient = graph.gradients(of: [y.sum()], withRespectTo: [x])[0]
      let session = try quietSession(graph)
      let results = try session.run(
        session.compile(fetching: [y, gradient]), feeding: [x: NDArray([-kink, 0, kink, 9, .nan])])
      #expect(try results[y].doubles.prefix(4) == [0, 0.5, 1, 1] && results[y].doubles[4].isNaN)
      #expect(try results[gradient].doubles == [0, slope, 0, 0, slope])
    }
  }
}
