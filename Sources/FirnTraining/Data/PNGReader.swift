internal import FirnFiles
internal import FirnFormats
import FirnGraph

/// Reads a PNG picture of 8 bits a channel.
struct PNGReader {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Few bytes can describe a large picture, so there is an end to what one may describe.
  private static let most = 1 << 27

  private let bytes: Bytes
  private let fault: FileFault

  /// What the first chunk says.
  private struct Header {
    let width: Int
    let height: Int
    let channels: Int
    /// Bytes of a row, without the number of its filter.
    var rowSize: Int { width * channels }
  }

  init(_ bytes: Bytes, source: String) {
    self.bytes = bytes
    fault = FileFault(source)
  }

  /// Height, width and channels, as its header says; what follows that is not looked at.
  func shape() throws(FirnError) -> [Int] {
    try requireSignature()
    let first = try chunk(at: Self.signature.count)
    guard first.kind == Array("IHDR".utf8) else { throw fault("does not begin with its header") }
    let header = try self.header(first.content)
    return [header.height, header.width, header.channels]
  }

  private func requireSignature() throws(FirnError) {
    guard bytes.starts(with: Self.signature) else {
      throw fault("is no PNG picture", remedy: "convert it, for instance with ImageMagick")
    }
  }

  func image() throws(FirnError) -> PNGImage {
    try requireSignature()
    let (header, packed) = try chunks()
    // Rows as they are unpacked, levels, and the array of them.
    try FreeMemory.require(
      header.height.saturatingProduct(header.rowSize).saturatingProduct(9), for: "reading '\(fault.source)'")
    let rows = try unpacked(packed, count: header.height * (1 + header.rowSize))
    return try PNGImage(
      height: header.height, width: header.width, channels: header.channels, values: levels(of: rows, header))
  }

  // MARK: Chunks

  /// The header, and the bytes of all chunks of pixels one behind the other.
  private func chunks() throws(FirnError) -> (Header, [UInt8]) {
    var position = Self.signature.count
    var header: Header?
    var packed: [UInt8] = []
    // Chunks of pixels follow one another; what stands behind them ends them.
    var (hasPixels, isPastPixels) = (false, false)
    while true {
      let (kind, content) = try chunk(at: position)
      defer { position += content.count + 12 }
      guard let known = header else {
        guard kind == Array("IHDR".utf8) else { throw fault("does not begin with its header") }
        header = try self.header(content)
        continue
      }
      switch String(decoding: kind, as: UTF8.self) {
      case "IDAT":
        guard !isPastPixels else { throw fault("has pixels in two places") }
        hasPixels = true
        content.withUnsafeBytes { packed += $0 }
      case "IEND":
        guard hasPixels else { throw fault("has no pixels") }
        return (known, packed)
      default:
        isPastPixels = hasPixels
        // A palette is a hint where colours are colours. A capital letter says that nothing can be read without it.
        guard kind == Array("PLTE".utf8) || kind[0] & 0x20 != 0 else {
          throw fault("has a chunk at byte \(position) that Firn does not read", remedy: Self.conversion)
        }
      }
    }
  }

  /// Its four letters, and what is in it.
  private func chunk(at position: Int) throws(FirnError) -> (kind: [UInt8], content: Bytes) {
    guard let length = number(at: position), let content = bytes.slice(at: position + 8, count: length),
      let checked = bytes.slice(at: position + 4, count: length + 4),
      let checksum = number(at: position + 8 + length)
    else { throw fault("ends before its picture does", remedy: "copy it again") }
    guard CyclicRedundancyCheck.zip.checksum(checked) == UInt32(checksum) else {
      throw fault("has a damaged chunk at byte \(position)", remedy: "copy it again")
    }
    return (checked.withUnsafeBytes { Array($0.prefix(4)) }, content)
  }

  private static let conversion =
    "convert it: `magick IN.png -interlace none -depth 8 -define png:color-type=2 OUT.png`, 0 in the place of 2 for grey"

  private func header(_ content: Bytes) throws(FirnError) -> Header {
    guard content.count == 13, let width = number(content, at: 0), let height = number(content, at: 4) else {
      throw fault("has a header of \(content.count) bytes")
    }
    let rest = content.withUnsafeBytes { Array($0[8...]) }
    guard width > 0, height > 0, width < 1 << 31, height < 1 << 31 else {
      throw fault("says it is \(width)×\(height) pixels")
    }
    guard rest[2] == 0, rest[3] == 0 else { throw fault("is packed as no PNG picture is") }
    if rest[4] == 1 { throw fault("is interlaced, which Firn does not read", remedy: Self.conversion) }
    guard rest[4] == 0, let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][Int(rest[1])] else {
      throw fault("has pixels that no PNG picture has")
    }
    if rest[1] == 3 { throw fault("has a palette, which Firn does not read", remedy: Self.conversion) }
    guard rest[0] == 8 else {
      throw fault("has \(rest[0]) bits a channel, and Firn reads 8", remedy: Self.conversion)
    }
    guard let count = NDArray.elementCount(of: [height, width, channels]), count <= Self.most else {
      throw fault(
        "says it has \(width)×\(height) pixels of \(channels) levels, more than \(Self.most) in all",
        remedy: "scale it down")
    }
    return Header(width: width, height: height, channels: channels)
  }

  private func number(at position: Int) -> Int? { number(bytes, at: position) }

  private func number(_ bytes: Bytes, at position: Int) -> Int? {
    bytes.integer(at: position, as: UInt32.self).map { Int($0.byteSwapped) }
  }

  // MARK: Pixels

  /// Takes what zlib has put round deflated bytes away (RFC 1950).
  private func unpacked(_ packed: [UInt8], count: Int) throws(FirnError) -> Bytes {
    guard packed.count >= 6, packed[0] & 15 == 8, packed[0] >> 4 <= 7, packed[1] & 32 == 0,
      (Int(packed[0]) << 8 + Int(packed[1])) % 31 == 0
    else { throw fault("has damaged packed bytes") }
    let rows = try Inflate.unpack(
      Bytes(copying: Array(packed[2..<packed.count - 4])), count: count, fault: fault)
    let wanted = packed.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard Self.checksum(rows) == wanted else { throw fault("has damaged pixels", remedy: "copy it again") }
    return rows
  }

  /// Adler-32.
  private static func checksum(_ bytes: Bytes) -> UInt32 {
    bytes.withUnsafeBytes { bytes in
      var (low, high) = (UInt32(1), UInt32(0))
      // So many sums of bytes fit into 32 bits before they must be reduced.
      for start in stride(from: 0, to: bytes.count, by: 5552) {
        for byte in bytes[start..<min(start + 5552, bytes.count)] {
          low &+= UInt32(byte)
          high &+= low
        }
        (low, high) = (low % 65_521, high % 65_521)
      }
      return high << 16 | low
    }
  }

  /// Undoes what each row's filter did: its bytes are differences from neighbours to the left, above, or both.
  private func levels(of rows: Bytes, _ header: Header) throws(FirnError) -> [Float] {
    let (size, step) = (header.rowSize, header.channels)
    var values: [Float] = []
    values.reserveCapacity(header.height * size)
    var above = [UInt8](repeating: 0, count: size)
    var row = above
    for number in 0..<header.height {
      guard let stored = rows.slice(at: number * (1 + size), count: 1 + size), let filter = stored[0],
        filter <= 4
      else { throw fault("has a row \(number) with a filter that there is not") }
      stored.withUnsafeBytes { stored in
        for index in 0..<size {
          let left = index < step ? 0 : row[index - step]
          let corner = index < step ? 0 : above[index - step]
          let guess: UInt8 =
            switch filter {
            case 1: left
            case 2: above[index]
            case 3: UInt8((Int(left) + Int(above[index])) / 2)
            case 4: Self.nearest(left, above[index], corner)
            default: 0
            }
          row[index] = stored[index + 1] &+ guess
        }
      }
      for level in row { values.append(Float(level) / 255) }
      swap(&row, &above)
    }
    return values
  }

  /// Paeth's predictor: of left, above and the corner between them the one nearest to left + above - corner.
  private static func nearest(_ left: UInt8, _ above: UInt8, _ corner: UInt8) -> UInt8 {
    let goal = Int(left) + Int(above) - Int(corner)
    let (a, b, c) = (abs(goal - Int(left)), abs(goal - Int(above)), abs(goal - Int(corner)))
    return a <= b && a <= c ? left : b <= c ? above : corner
  }
}
