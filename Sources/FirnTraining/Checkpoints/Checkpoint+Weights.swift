package import FirnFormats
package import FirnGraph

extension Checkpoint {
  /// What of a file that is a checkpoint a model is made of: variables without optimisers' memory, and what its run
  /// noted; nil for any other file, and for a checkpoint of another version, which is weights alone.
  ///
  /// - Throws: `.parse` where it is damaged.
  /// - Complexity: one pass over the file.
  package static func model(
    in file: Weights
  ) throws(FirnError) -> (weights: Weights, notes: [String: String])? {
    guard let text = file.metadata.first(where: { $0.key == CheckpointRecord.key })?.value else { return nil }
    guard isAsWritten(text, in: file), let form: CheckpointRecord.Form = decoded(text) else {
      throw unreadable(file.source)
    }
    guard form.version == CheckpointRecord.version else { return nil }
    guard let record: CheckpointRecord = decoded(text) else { throw unreadable(file.source) }
    try verify(file, record, file.source)
    let others = Set(record.slots.map(\.name) + [GraphText.name])
    return (
      try Weights(
        source: file.source, entries: file.entries.filter { !others.contains($0.name) },
        metadata: file.metadata, skipped: file.skipped), record.notes ?? [:]
    )
  }
}
