internal import FirnFiles
import FirnGraph

/// Reads a Netpbm picture (netpbm.sourceforge.net/doc: pbm, pgm, ppm).
struct PNMReader {
  private let bytes: Bytes
  private let source: String
  private var position = 0

  init(_ bytes: Bytes, source: String) {
    self.bytes = bytes
    self.source = source
  }

  /// What stands before the pixels.
  struct Header {
    let height: Int
    let width: Int
    let channels: Int
    /// The greatest number that a pixel may have.
    let levels: Int
    let isText: Bool
    let isBits: Bool

    var shape: [Int] { [height, width, channels] }
  }

  /// Reads what stands before the pixels, and goes to these.
  ///
  /// - Throws: `.parse` where the file holds fewer bytes than there must be.
  mutating func header() throws(FirnError) -> Header {
    guard bytes[0] == UInt8(ascii: "P"), let kind = bytes[1],
      (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(kind)
    else {
      throw fault("is no PNG, PBM, PGM or PPM picture", "convert it, for instance with ImageMagick")
    }
    position = 2
    let form = Int(kind - UInt8(ascii: "0"))
    let (isText, isBits) = (form <= 3, form == 1 || form == 4)
    let (width, height) = (try number(), try number())
    let levels = isBits ? 1 : try number()
    guard width > 0, height > 0, (1...65_535).contains(levels) else {
      throw fault("says it is \(width)×\(height) pixels of \(levels + 1) levels", "make it anew")
    }
    let channels = form == 3 || form == 6 ? 3 : 1
    guard let count = NDArray.elementCount(of: [height, width, channels]) else {
      throw fault("says it has \(width)×\(height) pixels, more than there can be", "make it anew")
    }
    // One white space, no more, stands before the bytes.
    if !isText { position += 1 }
    let rest = bytes.count - position
    let lineBytes = isBits ? width / 8 + (width % 8 == 0 ? 0 : 1) : 0
    let needed: Int? =
      isText
      ? count
      : NDArray.elementCount(of: isBits ? [height, lineBytes] : [count, levels > 255 ? 2 : 1])
    guard let needed, needed <= rest else {
      throw fault(
        "says it has \(width)×\(height) pixels, and holds \(max(0, rest)) bytes of them", "copy it again")
    }
    return Header(
      height: height, width: width, channels: channels, levels: levels, isText: isText, isBits: isBits)
  }

  mutating func image() throws(FirnError) -> PNMImage {
    let header = try self.header()
    let (width, levels, channels) = (header.width, header.levels, header.channels)
    let (isText, isBits) = (header.isText, header.isBits)
    let lineBytes = isBits ? width / 8 + (width % 8 == 0 ? 0 : 1) : 0
    let count = header.shape.reduce(1, *)
    // Levels, and the array of them.
    try FreeMemory.require(count.saturatingProduct(8), for: "reading '\(source)'")
    var values: [Float] = []
    values.reserveCapacity(count)
    let scale = Float(levels)
    for index in 0..<count {
      let level: Int
      if isText {
        // Digits of a bitmap need no space between them.
        level = isBits ? try bit() : try number()
      } else if isBits {
        let (row, column) = index.quotientAndRemainder(dividingBy: width)
        let byte = bytes[position + row * lineBytes + column / 8] ?? 0
        level = Int(byte >> UInt8(7 - column % 8)) & 1
      } else if levels > 255 {
        level = Int(bytes[position + 2 * index] ?? 0) << 8 | Int(bytes[position + 2 * index + 1] ?? 0)
      } else {
        level = Int(bytes[position + index] ?? 0)
      }
      guard level <= levels else {
        throw fault("has level \(level) at pixel \(index / channels), the most is \(levels)", "make it anew")
      }
      // 1 is black in a bitmap, white elsewhere.
      values.append(isBits ? 1 - Float(level) : Float(level) / scale)
    }
    return try PNMImage(height: header.height, width: width, channels: channels, values: values)
  }

  private mutating func skipSpace() {
    while let byte = bytes[position] {
      if byte == UInt8(ascii: "#") {
        while let next = bytes[position], next != UInt8(ascii: "\n") { position += 1 }
      } else if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func bit() throws(FirnError) -> Int {
    skipSpace()
    guard let byte = bytes[position], byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") else {
      throw fault("ends before its pixels do, or has what is no pixel", "copy it again")
    }
    position += 1
    return Int(byte - UInt8(ascii: "0"))
  }

  private mutating func number() throws(FirnError) -> Int {
    skipSpace()
    var value: Int?
    while let byte = bytes[position], (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      // Far beyond what any field may hold.
      value = min((value ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
      position += 1
    }
    guard let value else {
      throw fault("ends before its pixels do, or has what is no number", "copy it again")
    }
    return value
  }

  private func fault(_ what: String, _ remedy: String) -> FirnError {
    FirnError(.parse, "'\(source)' \(what)", remedy: remedy, place: source)
  }
}
