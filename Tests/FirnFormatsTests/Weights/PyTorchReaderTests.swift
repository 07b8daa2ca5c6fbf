import FirnFiles
import CFirnAllocations
import FirnFormats
import FirnGraph
import Testing

/// Pickles that want more than to describe tensors.
@Suite struct PyTorchReaderTests {
  private func read(_ pickle: [UInt8], _ more: [(name: String, bytes: [UInt8])] = []) throws -> Weights {
    try Weights(
      Bytes(copying: FileParts.zip([("x/data.pkl", [0x80, 2] + pickle)] + more)), source: "file.pt")
  }

  private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("torch", "load"), ("torch.hub", "load"),
  ])
  func namesThatAreNotOfAStateDictAreRefused(_ module: String, _ name: String) {
    // What `os.system("true")` pickles to: the name, an argument, the call.
    let error = #expect(throws: FirnError.self) {
      try read(text("c\(module)\n\(name)\n") + [0x58, 4, 0, 0, 0] + text("true") + [0x85] + text("R."))
    }
    #expect(error?.message.contains("`\(module).\(name)`") == true)
    #expect(error?.place == "\(module).\(name)")
    #expect(error?.remedy?.contains("state_dict") == true)
  }

  @Test func namesFromTheStackAreRefusedToo() {
    let error = #expect(throws: FirnError.self) {
      try read([0x8C, 2] + text("os") + [0x8C, 6] + text("system") + [0x93] + text("."))
    }
    #expect(error?.message.contains("`os.system`") == true)
  }

  @Test func containersThatHoldThemselvesAreRefused() {
    // ]q0 h0 a: a list appended to itself.
    let error = #expect(throws: FirnError.self) { try read(text("]q\0h\0a.")) }
    #expect(error?.message.contains("without end") == true)
  }

  @Test func deepNestingIsRefused() {
    #expect(throws: FirnError.self) {
      try read(text(")") + [UInt8](repeating: 0x85, count: 100_000) + text("."))
    }
  }

  /// Seventeen dictionaries, each holding the one before twice, are a hundred thousand names in three hundred bytes.
  @Test func repeatedContainersAreRefused() {
    var pickle = text("}X\u{1}\0\0\0aK\u{1}sq\0")
    for _ in 0..<17 {
      pickle += text("0}(X\u{1}\0\0\0ah\0X\u{1}\0\0\0bh\0uq\0")
    }
    let error = #expect(throws: FirnError.self) { try read(pickle + text(".")) }
    #expect(error?.message.contains("without end") == true)
  }

  @Test func picklesThatOnlyPileUpValuesAreRefused() {
    let error = #expect(throws: FirnError.self) {
      try read([UInt8](repeating: 0x7D, count: 1 << 17) + text("."))
    }
    #expect(error?.message.contains("too many values") == true)
  }

  /// A list of tensors that are all rebuilt from one tuple of arguments, five bytes each.
  private func repeated(rank: Int, count: Int) -> [UInt8] {
    func word(_ word: String) -> [UInt8] { [0x8C, UInt8(word.utf8.count)] + text(word) }
    func tuple() -> [UInt8] {
      text("(") + (0..<rank).flatMap { _ in [0x4B, 1] as [UInt8] } + text("t")
    }
    var pickle = text("ctorch._utils\n_rebuild_tensor_v2\nq\0((") + word("storage")
    pickle += text("ctorch\nFloatStorage\n") + word("0") + word("cpu") + text("K\u{4}tQK\0")
    pickle += tuple() + tuple() + [0x89] + text("}tq\u{1}00](")
    for _ in 0..<count { pickle += text("h\0h\u{1}R") }
    return pickle + text("e.")
  }

  @Test func tensorsThatShareTheirArgumentsAreRead() throws {
    let weights = try read(repeated(rank: 64, count: 20), storage)
    #expect(weights.entries.count == 20 && weights.entries[7].shape == [Int](repeating: 1, count: 64))
    #expect(Set(weights.entries.map(\.storage)) == [0])
    #expect(try weights.entries[19].array().floats == [0])
  }

  /// Each shape is a copy of the one tuple: memory by the product of two numbers the pickle only names.
  @Test(arguments: [(20_000, 4000), (65, 1), (64, 12_000), (0, 60_000)])
  func tensorsThatRepeatAHugeShapeAreRefused(_ rank: Int, _ count: Int) {
    let pickle = repeated(rank: rank, count: count)
    firn_allocations_begin()
    let error = #expect(throws: FirnError.self) { try read(pickle, storage) }
    #expect(firn_allocated_bytes() <= 40 << 20)
    #expect(error?.code == .parse)
  }

  /// Python's numbers have any size: seeds and states of generators stand beside the tensors.
  @Test(
    arguments: [
      ([], "0"), ([5, 0, 0, 0, 0, 0, 0, 0, 0, 0], "5"), ([UInt8](repeating: 0xFF, count: 12), "-1"),
      ([0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808"),
      ([0, 0, 0, 0, 0, 0, 0, 0x80, 0], "9223372036854775808"),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF], "-9223372036854775809"),
      ([UInt8](repeating: 0xFF, count: 8) + [0], "18446744073709551615"),
      ([0, 0, 0, 0, 0, 0, 0, 0, 0xFF], "-18446744073709551616"),
      ([0, 0, 0xE8, 0x89, 0x04, 0x23, 0xC7, 0x8A, 0], "10000000000000000000"),
      ([UInt8](repeating: 0xFF, count: 16) + [0], "340282366920938463463374607431768211455"),
    ] as [([UInt8], String)])
  func numbersOfAnySizeAreMetadata(_ bytes: [UInt8], _ digits: String) throws {
    for head in [[0x8A, UInt8(bytes.count)], [0x8B] + FileParts.little(Int32(bytes.count))] {
      let weights = try read(text("}X\u{1}\0\0\0a") + head + bytes + text("s."))
      #expect(weights.metadata == [.init(key: "a", value: digits)])
    }
  }

  @Test func longNumbersAreListedAndDescribeNothing() throws {
    let long = [0x8B] + FileParts.little(Int32(1025)) + [UInt8](repeating: 1, count: 1025)
    let weights = try read(text("}X\u{1}\0\0\0a") + long + text("s."))
    #expect(weights.skipped == [.init(name: "a", reason: "it is a number of 1025 bytes")])
    let large = [0x8A, 9] + [UInt8](repeating: 1, count: 9)
    let keyed = try read(text("}") + large + text("K\u{7}s."))
    #expect(keyed.metadata == [.init(key: "18519084246547628289", value: "7")])
    let error = #expect(throws: FirnError.self) {
      try read(tensor(offset: 0, shape: [1], strides: [1], extent: large), storage)
    }
    #expect(error?.message.contains("damaged pickle") == true)
  }

  @Test func whatIsNoTensorIsListed() throws {
    let storage = text("(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpuK\u{4}tQ")
    var pickle = text("}")
    for (name, value) in [
      ("a", storage), ("b", text("ctorch\nbfloat16\n")), ("c", text("ctorch\nFloatStorage\n")),
      ("d", text("ctorch\ndevice\nX\u{3}\0\0\0cpu") + [0x85] + text("R")),
      ("e", text("ccollections\nOrderedDict\n")),
    ] {
      pickle += text("X\u{1}\0\0\0\(name)") + value + text("s")
    }
    #expect(
      try read(pickle + text(".")).skipped.map { "\($0.name): \($0.reason)" } == [
        "a: it is a storage without a tensor", "b: it is the element type bf16",
        "c: it is a class of storages",
        "d: it is a device", "e: it is a class or function",
      ])
  }

  /// As `torch.save` does after `torch.serialization.set_crc32_options(False)`.
  @Test func filesWithoutChecksumsAreRead() throws {
    let members = [("x/data.pkl", [0x80, 2] + tensor(offset: 3, shape: [1], strides: [1]))] + storage
    func read(unchecked: Set<String>) throws -> Weights {
      try Weights(Bytes(copying: FileParts.zip(members, unchecked: unchecked)), source: "file.pt")
    }
    #expect(try read(unchecked: ["x/data.pkl", "x/data/0"]).entries[0].array().floats == [1])
    // One of several is damage.
    #expect(throws: FirnError.self) { try read(unchecked: ["x/data.pkl"]) }
    let other = try read(unchecked: ["x/data/0"])
    #expect(throws: FirnError.self) { try other.entries[0].array() }
    let plain = FileParts.zip([("a", [1])], unchecked: ["a"])
    let archive = try ZipArchive(Bytes(copying: plain), fault: FileFault("file.zip"))
    #expect(throws: FirnError.self) { try archive.contents(of: archive.entries[0]) }
  }

  @Test func oldProtocolsAreNamed() {
    // {"a": 1} of protocols 0 and 1.
    for pickle in [text("(dp0\nVa\np1\nI1\ns."), text("}q\0X\u{1}\0\0\0aq\u{1}I01\ns.")] {
      let file = FileParts.zip([("x/data.pkl", pickle)])
      let error = #expect(throws: FirnError.self) { try Weights(Bytes(copying: file), source: "file.pt") }
      #expect(error?.message.contains("protocol 0 or 1") == true)
      #expect(error?.remedy?.contains("default pickle_protocol") == true)
    }
  }

  /// Three hundred views of a deflated storage unpack it once: they all lie in the same bytes.
  @Test func viewsShareWhatWasUnpackedOnce() throws {
    let file = FileParts.zip(
      [
        ("x/data.pkl", [0x80, 2] + repeated(rank: 1, count: 300)),
        ("x/data/0", WeightFixtures.bytes("636040060df600")),
      ],
      unpacked: ["x/data/0": storage[0].1])
    let weights = try Weights(Bytes(copying: file), source: "file.pt")
    let first = try weights.entries[0].array()
    for entry in weights.entries { #expect(try entry.array().storagePointer == first.storagePointer) }
  }

  @Test func damagedPicklesAreErrors() {
    for pickle in [
      "", ".", "N", "NN.", "(.", "h\0.", "R.", "}a.", "]K\u{1}K\u{2}s.", "}(K\u{1}u.", "Q.", "NQ.", "Nb.",
    ] {
      #expect(throws: FirnError.self, "\(pickle)") { try read(text(pickle)) }
    }
  }

  /// `_rebuild_tensor_v2` of a float storage of `count` elements.
  ///
  /// - Parameter extent: what the pickle says instead of the shape's only one.
  private func tensor(
    offset: Int, shape: [Int], strides: [Int], count: Int = 4, extent: [UInt8]? = nil
  ) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { [0x8A, 8] + FileParts.little(Int64(value)) }
    func tuple(_ values: [Int]) -> [UInt8] { text("(") + values.flatMap(number) + text("t") }
    func word(_ word: String) -> [UInt8] { [0x8C, UInt8(word.utf8.count)] + text(word) }
    var pickle =
      text("ctorch._utils\n_rebuild_tensor_v2\n((") + word("storage") + text("ctorch\nFloatStorage\n")
    pickle += word("0") + word("cpu") + number(count) + text("tQ") + number(offset)
    pickle +=
      (extent.map { text("(") + $0 + text("t") } ?? tuple(shape)) + tuple(strides) + [0x89] + text("}tR.")
    return pickle
  }

  private let storage = [("x/data/0", [UInt8](repeating: 0, count: 12) + [0, 0, 128, 63])]

  @Test func viewsWithinTheirStorageAreRead() throws {
    let entry = try #require(try read(tensor(offset: 1, shape: [2, 2], strides: [1, 1]), storage)["tensor"])
    #expect(try entry.array().floats == [0, 0, 0, 1])
  }

  @Test(arguments: [
    (1, [4], [1], 4), (0, [2, 2], [3, 1], 4), (-1, [1], [1], 4), (4, [1], [1], 4), (0, [2], [Int.max], 4),
    (0, [Int.max, 2], [0, 0], 4), (0, [1 << 40], [0], 4), (0, [2], [], 4), (0, [4], [1], 5),
    (0, [-1], [1], 4),
    (Int.max, [2], [1], 4), (0, [1, 5], [Int.max, 1], 4),
  ])
  func viewsOutsideTheirStorageAreRefused(_ offset: Int, _ shape: [Int], _ strides: [Int], _ count: Int) {
    #expect(throws: FirnError.self) {
      try read(tensor(offset: offset, shape: shape, strides: strides, count: count), storage)
    }
  }

  @Test func missingStoragesAreNamed() {
    let error = #expect(throws: FirnError.self) { try read(tensor(offset: 0, shape: [1], strides: [1])) }
    #expect(error?.message.contains("lacks the bytes of `tensor`") == true)
  }

  @Test func bigEndianFilesAreTurned() throws {
    let weights = try read(
      tensor(offset: 3, shape: [1], strides: [1]),
      [("x/byteorder", text("big")), ("x/data/0", [UInt8](repeating: 0, count: 12) + [63, 128, 0, 0])])
    #expect(try weights["tensor"]?.array().floats == [1])
    for order in ["middle", "", "little and big"] {
      let error = #expect(throws: FirnError.self) {
        try read(tensor(offset: 3, shape: [1], strides: [1]), [("x/byteorder", text(order))] + storage)
      }
      #expect(error?.message.contains("an unknown order of bytes") == true)
    }
  }
}
