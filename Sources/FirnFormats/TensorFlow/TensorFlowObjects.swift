package import FirnFiles
package import FirnGraph

/// The graph of objects in a checkpoint of `tf.train.Checkpoint`, Keras or a SavedModel: how its variables are called.
///
/// The checkpoint's keys are paths of attributes, such as `model/_layers/2/moving_mean/.ATTRIBUTES/VARIABLE_VALUE`; the
/// graph has for each the name that the variable was made with.
///
/// Source: `tensorflow/core/protobuf/trackable_object_graph.proto`.
package struct TensorFlowObjects: Sendable {
  static let key = "_CHECKPOINTABLE_OBJECT_GRAPH"
  private static let suffix = "/.ATTRIBUTES/VARIABLE_VALUE"

  /// By keys of the checkpoint.
  package private(set) var names: [String: String] = [:]

  package init(_ bytes: Bytes, fault: FileFault) throws(FirnError) {
    var budget = ReadingBudget(bytes.count, fault: fault)
    try self.init(bytes, budget: &budget, fault: fault)
  }

  /// - Parameter bytes: the message, without what a checkpoint adds to text.
  init(_ bytes: Bytes, budget: inout ReadingBudget, fault: FileFault) throws(FirnError) {
    var graph = ProtocolBuffer(bytes, fault: fault)
    while let (field, value) = try graph.next() {
      guard field == 1, case .bytes(let bytes) = value else { continue }
      var node = ProtocolBuffer(bytes, fault: fault)
      while let (field, value) = try node.next() {
        guard field == 2, case .bytes(let bytes) = value else { continue }
        var name = ""
        var key = ""
        var attribute = ProtocolBuffer(bytes, fault: fault)
        while let (field, value) = try attribute.next() {
          guard case .bytes(let bytes) = value else { continue }
          if field == 2 { name = bytes.text ?? "" }
          if field == 3 { key = bytes.text ?? "" }
        }
        try budget.take(ReadingBudget.member / 2 + name.utf8.count + key.utf8.count)
        if !name.isEmpty, !key.isEmpty { names[key] = name }
      }
    }
  }

  /// The message in a tensor of one string: its length, a checksum of that, and the bytes.
  ///
  /// - Parameter expected: the tensor's checksum, which is that of the length in four bytes and of all that follows it.
  static func message(in tensor: Bytes, checksum expected: UInt32, fault: FileFault) throws(FirnError)
    -> Bytes
  {
    var reader = ByteReader(tensor, fault: fault)
    let length = try reader.varint()
    guard let count = UInt32(exactly: length),
      let rest = tensor.slice(at: reader.position, count: reader.remaining)
    else { throw fault("states an impossible size") }
    let crc = CyclicRedundancyCheck.castagnoli
    let before = withUnsafeBytes(of: count.littleEndian) { crc.checksum($0) }
    let checksum = rest.withUnsafeBytes { crc.checksum($0, after: before) }
    guard CyclicRedundancyCheck.masked(checksum) == expected,
      try reader.integer(UInt32.self) == CyclicRedundancyCheck.masked(before), reader.remaining == Int(count)
    else { throw fault("holds its graph of objects with a wrong checksum", place: key) }
    return try reader.take(Int(count))
  }

  /// What a user calls the variable under `key`, where only one has that name.
  func name(of key: String) -> String { names[key] ?? Self.plain(key) }

  /// Whether it stands in the list that a SavedModel has of its variables: `variables/3/.ATTRIBUTES/VARIABLE_VALUE`.
  static func isListed(_ key: String) -> Bool {
    let path = plain(key).split(separator: "/", omittingEmptySubsequences: false)
    return path.count == 2 && path[0] == "variables" && UInt(path[1]) != nil
  }

  /// The path of attributes alone.
  static func plain(_ key: String) -> String {
    key.hasSuffix(suffix) ? String(key.dropLast(suffix.count)) : key
  }
}
