package import FirnFiles
package import FirnGraph

/// Writes safetensors files, byte for byte as the reference does (huggingface/safetensors,
/// `safetensors/src/tensor.rs`).
///
/// Tensors by type, the widest first, then by name in order of its UTF-8; the header padded with spaces to eight bytes.
/// What the reader would refuse is not written.
package enum SafetensorsWriter {
  package static func write(
    _ weights: Weights, to writer: FileWriter, largestHeader: Int = SafetensorsReader.largestHeader
  ) throws(FirnError) {
    try requireReadableNames(weights)
    var arrays: [(rank: Int, name: String, entry: WeightEntry)] = []
    for entry in weights.entries {
      guard let rank = SafetensorsType.position(of: entry.storedType) else {
        throw FirnError(
          .invalidArgument, "`\(entry.name)` is \(entry.storedType.rawValue), which safetensors has not",
          remedy: "leave it out, or write .npz", place: entry.name)
      }
      arrays.append((rank, entry.name, entry))
    }
    arrays.sort { a, b in
      a.rank == b.rank ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : a.rank > b.rank
    }

    var members: [String] = []
    if !weights.metadata.isEmpty {
      let pairs = weights.metadata.map { quoted($0.key) + ":" + quoted($0.value) }
      members.append(#"\#(quoted(SafetensorsReader.metadataKey)):{\#(pairs.joined(separator: ","))}"#)
    }
    var offset = 0
    for (rank, name, entry) in arrays {
      let end = offset + entry.byteCount
      let shape = entry.shape.map(String.init).joined(separator: ",")
      let word = SafetensorsType.allCases[rank].rawValue
      members.append(
        #"\#(quoted(name)):{"dtype":"\#(word)","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    guard header.count <= largestHeader else {
      throw FirnError(
        .invalidArgument,
        "names and metadata of \(weights.source) take \(header.count) bytes, and a header of safetensors at most "
          + "\(largestHeader)", remedy: "leave metadata out, or write .npz")
    }
    try writer.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    try writer.write(header)
    for (_, _, entry) in arrays { try writer.write(try entry.storedBytes()) }
  }

  /// The header is one object of all names, and metadata another: of no key are there two.
  private static func requireReadableNames(_ weights: Weights) throws(FirnError) {
    if weights[SafetensorsReader.metadataKey] != nil {
      throw FirnError(
        .invalidArgument, "safetensors keeps the name `\(SafetensorsReader.metadataKey)` for itself",
        remedy: "give the tensor another name, or write .npz", place: SafetensorsReader.metadataKey)
    }
    var seen: Set<ByteName> = []
    for key in weights.metadata.map(\.key) where !seen.insert(ByteName(key)).inserted {
      throw FirnError(
        .invalidArgument, "the metadata has `\(key)` twice, which safetensors cannot hold",
        remedy: "leave one out", place: key)
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
