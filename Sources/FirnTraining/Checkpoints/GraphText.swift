import FirnFormats
import FirnGraph
import FirnNotation

/// The text of a graph as a tensor of a checkpoint.
///
/// A safetensors header has a limit, and the text of a graph with large arrays goes beyond it; tensors have none.
struct GraphText {
  /// No variable can be called so.
  static let name = "firn:graph"
  private var known: (graph: GraphDef, entry: WeightEntry)?

  /// The UTF-8 as it lies in memory, filled up with zeros to whole `i32`; printed once while the graph stays as it is.
  mutating func entry(of graph: GraphDef) -> WeightEntry {
    // Quick where it is: both share the storage of their nodes.
    if let known, known.graph == graph { return known.entry }
    let text = Array(graph.text.utf8)
    var array = NDArray(cleared: ArrayType(.i32, [(text.count + 3) / 4]))
    array.withUnsafeMutableBytes { $0.copyBytes(from: text) }
    let entry = WeightEntry(name: Self.name, array: array)
    known = (graph, entry)
    return entry
  }

  /// - Throws: where the file turns out to be damaged.
  static func text(of entry: WeightEntry) throws(FirnError) -> String {
    try entry.array().withUnsafeBytes { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
