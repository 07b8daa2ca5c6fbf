import FirnGraph
import FirnOps
import Testing

/// What a loop's body is given and gives prints in one line.
@Suite struct ScanDescriptionTests {
  @Test func stepsAndResultsPrintInWords() {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [5, 2])
    var texts: [String] = []
    _ = scan(over: [x], initial: [], name: "loop") { step in
      let result = ScanResult(carries: [], outputs: [step.slices[0], step.slices[0]])
      texts = ["\(step)", "\(result)"]
      return result
    }
    #expect(
      texts == [
        "index index : i32[]; carries none; slices slice_0 : f32[2]",
        "carries none; outputs slice_0 : f32[2], slice_0 : f32[2]",
      ])
  }
}
