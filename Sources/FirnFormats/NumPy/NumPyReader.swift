package import FirnFiles
package import FirnGraph
internal import Foundation

/// Reads NumPy's files: `.npy`, one array, and `.npz`, a zip file of them.
package enum NumPyReader {
  /// One array, named as the file without its ending.
  package static func read(_ bytes: Bytes, source: String) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    let header = try NumPyHeader(bytes, fault: fault)
    let name = URL(fileURLWithPath: source).deletingPathExtension().lastPathComponent
    let data = try elements(of: header, in: bytes, named: name, fault: fault)
    let entry = WeightEntry(name: name, header.array, fault: fault) { data }
    return try Weights(source: source, entries: [entry])
  }

  /// The arrays of a zip file, named as its entries without `.npy`.
  static func read(
    _ archive: ZipArchive, source: String, budget: inout ReadingBudget
  ) throws(FirnError) -> Weights {
    let fault = FileFault(source)
    var entries: [WeightEntry] = []
    var skipped: [Weights.Skipped] = []
    var refused: FirnError?
    for member in archive.entries {
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      let head = try archive.prefix(of: member, atMost: NumPyHeader.longest + 12)
      guard head.starts(with: NumPyHeader.magic) else {
        try budget.take(ReadingBudget.text)
        skipped.append(.init(name: member.name, reason: "it is no NumPy array"))
        continue
      }
      let header: NumPyHeader
      do {
        header = try NumPyHeader(head, fault: FileFault("\(source)/\(member.name)"))
      } catch {
        try budget.take(ReadingBudget.text + 2 * error.message.utf8.count)
        skipped.append(.init(name: name, reason: error.message))
        refused = refused ?? error
        continue
      }
      try budget.takeMadeEntry(name, rank: header.array.shape.count)
      let size = header.array.shape.elementCount * (header.array.type.bitCount / 8)
      guard header.byteCount + size == member.byteCount else {
        throw fault(
          "holds `\(name)` in \(member.byteCount) bytes, which its shape does not fill", place: name)
      }
      entries.append(
        WeightEntry(name: name, header.array, fault: fault) { () throws(FirnError) in
          try elements(of: header, in: try archive.contents(of: member), named: name, fault: fault)
        })
    }
    if entries.isEmpty, let refused {
      throw FirnError(
        .parse, "'\(source)' holds no array that Firn can read: \(refused.message)", remedy: refused.remedy,
        place: refused.place)
    }
    guard !entries.isEmpty || skipped.isEmpty else {
      throw fault(
        "is a zip file that holds neither NumPy arrays nor a PyTorch state dict",
        remedy: "give a file made by numpy.savez or torch.save")
    }
    return try Weights(source: source, entries: entries, skipped: skipped)
  }

  private static func elements(
    of header: NumPyHeader, in bytes: Bytes, named name: String, fault: FileFault
  ) throws(FirnError) -> Bytes {
    let size = header.array.shape.elementCount * (header.array.type.bitCount / 8)
    guard bytes.count - header.byteCount == size, let data = bytes.slice(at: header.byteCount, count: size)
    else {
      throw fault("holds `\(name)` in \(bytes.count) bytes, which its shape does not fill", place: name)
    }
    return data
  }
}
