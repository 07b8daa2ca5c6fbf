import FirnGraph
import FirnOps
import FirnRuntime
import Testing

/// Feeds in PyTorch's order of axes: the error names the cause and the call that mends it, where that call would.
@Suite struct ChannelsFirstFeedTests {
  private func error(_ wanted: Shape, _ fed: [Int], dtype: DType = .f32) throws -> FirnError {
    let graph = Graph()
    let x = graph.placeholder("x", shape: wanted)
    let session = try Session(graph, seed: 1, threads: 1)
    let program = try session.compile(fetching: [x * 2])
    return try #require(throws: FirnError.self) {
      try session.run(program, feeding: [x: NDArray(zeros: fed, dtype: dtype)])
    }
  }

  @Test func channelsFirst() throws {
    for (wanted, fed, order) in [
      (["batch", 224, 224, 3] as Shape, [2, 3, 224, 224], "[0, 2, 3, 1]"),
      (["batch", "height", "width", 3], [2, 3, 10, 12], "[0, 2, 3, 1]"),
      (["batch", "side", "side", 3], [2, 3, 10, 10], "[0, 2, 3, 1]"),
      (["batch", "time", 7], [2, 7, 10], "[0, 2, 1]"),
      (["batch", 4, 5, 6, 3], [2, 3, 4, 5, 6], "[0, 2, 3, 4, 1]"),
    ] {
      let error = try error(wanted, fed)
      #expect(
        error.code == .invalidFeed && error.message.contains("its channels seem to come first"), "\(error)")
      #expect(error.remedy == "transpose the array: `array.transposed(\(order))`")
    }
  }

  /// Where transposing would not help, nothing is guessed.
  @Test func otherFaultsAreAsBefore() throws {
    for (wanted, fed) in [
      (["batch", 224, 224, 3] as Shape, [2, 3, 224, 200]), (["batch", 8, 8, 3], [2, 8, 8, 4]),
      (["batch", "side", "side", 3], [2, 3, 10, 11]), (["batch", 3], [2, 4]), (["batch", 5, 3], [3, 5]),
      (["batch", 3, 3, 3], [2, 3, 3, 4]),
    ] {
      let error = try error(wanted, fed)
      #expect(error.code == .invalidFeed && !error.message.contains("channels"), "\(error)")
      #expect(error.remedy?.contains("transpose") == false)
    }
    let type = try error(["batch", 8, 8, 3], [2, 3, 8, 8], dtype: .f64)
    #expect(type.message.contains("element types differ") && !type.message.contains("channels"))
  }

  /// The axis is bound by another placeholder already.
  @Test func namedAxesThatDisagree() throws {
    let graph = Graph()
    let masks = graph.placeholder("masks", shape: ["batch", "height", "width"])
    let images = graph.placeholder("images", shape: ["batch", "height", "width", 3])
    let session = try Session(graph, seed: 1, threads: 1)
    let program = try session.compile(fetching: [images.sum(axes: [3]) * masks])
    let error = try #require(throws: FirnError.self) {
      try session.run(
        program, feeding: [masks: NDArray(zeros: [2, 8, 9]), images: NDArray(zeros: [2, 3, 8, 9])])
    }
    #expect(
      error.message.contains("`height`") && error.message.contains("channels seem to come first"), "\(error)")
    #expect(error.remedy == "transpose the array: `array.transposed([0, 2, 3, 1])`")
  }
}
