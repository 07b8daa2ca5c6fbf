internal import FirnFiles
public import FirnGraph

/// A picture in a PNG file: grey or colours of 8 bits, with or without opacity, not interlaced.
///
/// Read in full, checksums included. What colours mean (gamma, profiles) and a single transparent colour are passed
/// over; palettes, other depths and interlaced files are refused with the words to convert them by.
///
/// Source: ISO/IEC 15948:2003, Portable Network Graphics.
public struct PNGImage: Sendable {
  /// Rows of pixels.
  public let height: Int
  /// Pixels in a row.
  public let width: Int
  /// 1 for grey, 2 for grey and opacity, 3 for red, green, blue, 4 for these and opacity.
  public let channels: Int
  /// Levels from 0 (black, transparent) to 1, `f32[height, width, channels]`.
  public let array: NDArray

  /// Reads a file.
  ///
  /// - Throws: `.file` where it cannot be read; `.parse` where it is no PNG picture, is damaged, of a form that is not
  ///   read, says to hold more than it does, or has more than 134,217,728 levels;
  ///   `.invalidArgument` where the memory that is free does not hold it.
  /// - Complexity: O(pixels), in time and in memory.
  public init(contentsOf path: String) throws(FirnError) {
    self = try PNGReader(try MappedFile.open(path), source: path).image()
  }

  init(height: Int, width: Int, channels: Int, values: [Float]) throws(FirnError) {
    self.height = height
    self.width = width
    self.channels = channels
    array = try NDArray(values, shape: [height, width, channels])
  }
}
