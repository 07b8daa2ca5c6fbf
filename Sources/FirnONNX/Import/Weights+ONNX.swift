package import FirnFiles
package import FirnFormats
package import FirnGraph

extension Weights {
  /// The initialisers of an ONNX model, as they lie in it and under its own names: what it holds, not what a graph of it
  /// would make of that.
  ///
  /// What has no type of Firn's is among those that are skipped. Elements stay where the file is mapped.
  ///
  /// - Parameter path: where the model lies, for data beside it; nil for a stream.
  /// - Throws: `.parse` where the model is damaged, or its data lie elsewhere.
  package init(ofONNX bytes: Bytes, source: String, path: String?) throws(FirnError) {
    let model = try ModelMessage(bytes, source: source)
    let fault = FileFault(source)
    let files = ExternalFiles(besides: path, fault: fault)
    var entries: [WeightEntry] = []
    var skipped: [Skipped] = []
    for tensor in model.graph?.initializers ?? [] {
      guard tensor.elementType.stored != nil else {
        skipped.append(Skipped(name: tensor.name, reason: "it holds \(tensor.elementType.name)"))
        continue
      }
      let (type, elements) = try tensor.elements(from: files, fault: fault)
      entries.append(
        WeightEntry(name: tensor.name, StoredArray(type, tensor.dimensions), fault: fault) { elements })
    }
    try self.init(
      source: source, entries: entries,
      metadata: model.metadata.map { Metadata(key: $0.key, value: $0.value) }, skipped: skipped)
  }
}
