internal import CFirnKernels
import FirnGraph

/// The windows of a pool on an image of known extents, and places in them as bits.
struct PoolGeometry: Sendable {
  /// [n, height, width, channels].
  let image: [Int]
  /// Rows and columns of windows.
  let counts: [Int]
  let bits: UInt32
  private let pool: MaxPool

  init(_ pool: MaxPool, image: [Int], counts: [Int], bits: Int) {
    (self.pool, self.image, self.counts, self.bits) = (pool, image, counts, UInt32(bits))
  }

  var codeBits: Int { Int(bits) }
  /// Places in a word.
  var each: Int { 32 / codeBits }
  /// Words of one window's channels.
  var words: Int { image[3] / each + (image[3] % each == 0 ? 0 : 1) }
  /// Elements of an image, and of its windows.
  var whole: Int { image[1] * image[2] * image[3] }
  var part: Int { counts[0] * counts[1] * image[3] }

  /// As kernels see them.
  var window: FirnWindow {
    func axis(_ axis: Int) -> FirnWindowAxis {
      FirnWindowAxis(
        count: counts[axis], step: pool.strides[axis], offset: -pool.padding[2 * axis], taps: pool.size[axis],
        tap: pool.dilation[axis], extent: image[axis + 1])
    }
    return FirnWindow(rows: axis(0), columns: axis(1), channels: image[3], pixel: image[3])
  }

  /// Row, column and channel of the element `at` of an image's windows.
  func window(_ at: Int) -> (row: Int, column: Int, channel: Int) {
    let pixel = at / image[3]
    return (pixel / counts[1], pixel % counts[1], at % image[3])
  }

  private func start(_ row: Int, _ column: Int) -> (top: Int, left: Int) {
    (row * pool.strides[0] - pool.padding[0], column * pool.strides[1] - pool.padding[2])
  }

  /// The number of the tap that an element of the image is in a window; past the last for none.
  func code(of place: Int?, _ row: Int, _ column: Int) -> UInt32 {
    guard let place else { return UInt32(pool.size[0] * pool.size[1]) }
    let (top, left) = start(row, column)
    let pixel = place / image[3]
    let (down, across) = (
      (pixel / image[2] - top) / pool.dilation[0], (pixel % image[2] - left) / pool.dilation[1]
    )
    return UInt32(down * pool.size[1] + across)
  }

  /// The element of the image that a window's word says; nil where it says none, or what is no tap in the image.
  func place(_ word: UInt32, _ row: Int, _ column: Int, _ channel: Int) -> Int? {
    let mask = bits == 32 ? UInt32.max : 1 << bits - 1
    let code = Int(word >> UInt32(channel % each * codeBits) & mask)
    guard code < pool.size[0] * pool.size[1] else { return nil }
    let (top, left) = start(row, column)
    let y = top + code / pool.size[1] * pool.dilation[0]
    let x = left + code % pool.size[1] * pool.dilation[1]
    guard (0..<image[1]).contains(y), (0..<image[2]).contains(x) else { return nil }
    return (y * image[2] + x) * image[3] + channel
  }
}
