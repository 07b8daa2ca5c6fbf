internal import FirnFiles
public import FirnGraph

/// A picture of the Netpbm formats: PBM, PGM and PPM, as text or bytes, of 1 to 65,535 levels.
public struct PNMImage: Sendable {
  /// Rows of pixels.
  public let height: Int
  /// Pixels in a row.
  public let width: Int
  /// 1 for grey and black and white, 3 for red, green, blue.
  public let channels: Int
  /// Levels from 0 (black) to 1, `f32[height, width, channels]`.
  public let array: NDArray

  /// Reads a file.
  ///
  /// - Throws: `.file` where it cannot be read; `.parse` where it is no such picture, is damaged, or says to hold more
  ///   than it does.
  /// - Complexity: O(pixels); nothing is taken before the file is known to hold them.
  public init(contentsOf path: String) throws(FirnError) {
    var reader = PNMReader(try MappedFile.open(path), source: path)
    self = try reader.image()
  }

  init(height: Int, width: Int, channels: Int, values: [Float]) throws(FirnError) {
    self.height = height
    self.width = width
    self.channels = channels
    array = try NDArray(values, shape: [height, width, channels])
  }
}
