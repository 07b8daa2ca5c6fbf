package import FirnGraph

/// Convolutions with 3 × 3 taps, and gradients of their images, by Winograd's transform of the kernel.
extension Convolution {
  package func preparation(of operand: Int, tile: WinogradTile, in node: NodeTypes) -> Preparation? {
    guard operand == 1, function != .kernelGradient, groups == 1, window.strides == [1, 1],
      window.dilation == [1, 1], window.padding.allSatisfy((0...2).contains), node.operands[1].dtype == .f32,
      let extents = try? extents(of: node.operands), extents.taps == [3, 3]
    else { return nil }
    // The gradient of the image is the convolution with the taps mirrored, and channels and features exchanged.
    let turned = function == .inputGradient
    let (read, made) =
      turned ? (extents.features, extents.channels) : (extents.channels, extents.features)
    guard read >= Self.fewestChannels, made >= Self.fewestChannels else { return nil }
    let padding = turned ? window.padding.map { 2 - $0 } : window.padding
    let work = TapWork(
      image: turned ? extents.counts : extents.image, result: turned ? extents.image : extents.counts,
      padding: padding, channels: read, features: made,
      batch: node.operands[0].shape[0].value ?? TapWork.standardBatch)
    let candidates = WinogradTile.allCases.filter { $0.rawValue <= tile.rawValue }
    guard let best = candidates.min(by: { work.byTiles($0) < work.byTiles($1) }),
      work.byTiles(best) < work.writtenOut * Self.share
    else { return nil }
    return Preparation(
      WinogradKernel(best, turned: turned),
      then: WinogradConvolution(best, padding: padding, features: made),
      name: "winograd \(best)", error: best == .two ? nil : best.sampledError(channels: read))
  }

  /// Of fewer, transforms take what products save: 16 gained 1.9 times, 8 1.6, 4 1.15 and 3 nothing, where measured.
  private static let fewestChannels = 16
  /// What has to be expected of the work of the sums written out, or less.
  private static let share = 0.85
}

/// What a convolution with 3 × 3 taps takes, in FLOPs of a product of matrices; it need not be exact, but to say which is
/// less.
///
/// By tiles ResNet's convolutions took 0.46 to 0.71 of the time of the sums written out, which this expects within a tenth;
/// of images of 2 × 2 pixels 1.2 times as much.
private struct TapWork {
  let image: [Int]
  let result: [Int]
  let padding: [Int]
  let channels: Int
  let features: Int
  let batch: Int

  /// Images that a batch is taken to have as long as it is a name.
  static let standardBatch = 8
  /// Reading a kernel from memory takes as long as multiplying so many rows by it.
  private static let reading = 12.0
  /// Additions of transforms wait for memory.
  private static let weight = 2.0

  private var pair: Double { 2 * Double(channels) * Double(features) }

  /// Taps beside the image are left out.
  var writtenOut: Double {
    let taps = (0..<2).reduce(1.0) { product, axis in
      let low = padding[2 * axis]
      return product
        * (0..<3).reduce(0.0) { sum, tap in
          let places =
            Swift.max(0, low - tap)..<Swift.max(low, Swift.min(result[axis], image[axis] + low - tap))
          return sum + Double(places.count)
        }
    }
    return pair * (Double(batch) * taps + 9 * Self.reading)
  }

  func byTiles(_ tile: WinogradTile) -> Double {
    let transform = WinogradTransform(tile)
    let tiles = result.reduce(Double(batch)) { $0 * Double(($1 + transform.tile - 1) / transform.tile) }
    let products = pair * Double(transform.places) * (tiles + Self.reading)
    let sums = transform.inputWork * channels + transform.outputWork * features
    return products + tiles * Double(sums) * Self.weight
  }
}

extension WinogradTile {
  /// How far a convolution by tiles of this size is off, relative to the greatest result, on random numbers.
  func sampledError(channels: Int) -> Double {
    do throws(FirnError) {
      let window = SlidingWindow(padding: [1, 1, 1, 1])
      let (x, k) = (Self.sample([1, 8, 8, channels], "x"), Self.sample([3, 3, channels, 8], "kernel"))
      let exact = try Convolution(.forward, window).result(of: [x, k].map { $0.converted(to: .f64) }).doubles
      let made = try WinogradConvolution(self, padding: window.padding, features: 8)
        .result(of: [x, WinogradKernel(self).result(of: [k])]).doubles
      let greatest = exact.reduce(0) { Swift.max($0, abs($1)) }
      let error = zip(exact, made).reduce(0) { Swift.max($0, abs($1.0 - $1.1)) }
      return error / Swift.max(greatest, .leastNormalMagnitude)
    } catch {
      firnBug("winograd_convolution", "a sample of \(channels) channels fails: \(error)")
    }
  }

  private static func sample(_ shape: [Int], _ name: String) -> NDArray {
    let draws = Philox(seed: 0, name: name)
    let values = (0..<shape.reduce(1, *)).map { draws.uniform($0) * 2 - 1 }
    return NDArray(ArrayType(.f32, shape), rounding: values)
  }
}
