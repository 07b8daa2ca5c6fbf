internal import CFirnKernels
internal import FirnGraph

extension Convolution {
  /// In `f64`: every pixel of y meets every tap inside the image, those of a row in one product.
  ///
  /// A kernel in panels is taken out of them first.
  func plain(_ l: Layout, _ finishing: Finishing?) -> Kernel {
    let function = function
    let places = finishing.places
    let taken = l.panels.map { ($0.kernel.reduce(1, *) * MemoryLayout<Double>.stride + 63) / 64 * 64 } ?? 0
    let own = 64 * Swift.max(l.groupChannels, l.groupFeatures, l.counts[1])
    let sums = function == .inputGradient ? (l.counts[1] * l.groupChannels * 8 + 63) / 64 * 64 : 0
    let scratchBytes = taken + own + sums
    let workspace = scratchBytes + (finishing?.workspaceBytes ?? 0)
    return Kernel(workspaceBytes: workspace) { (call: borrowing KernelCall) throws(FirnError) in
      let (a, given) = (call.operand(places.a, as: Double.self), call.operand(places.b, as: Double.self))
      let to = call.result(places.result, as: Double.self)
      let scratch = call.workspace
      var b = given
      if let panels = l.panels {
        let kernel = scratch.assumingMemoryBound(to: Double.self)
        panels.unpack(given, kernel, 0..<panels.groups * panels.panels)
        b = UnsafePointer(kernel)
      }
      let (channels, features) = (l.groupChannels, l.groupFeatures)
      let across = l.window.strides[1] * l.channels
      // Of few channels a group, as of one, a product is not worth its call.
      let isNarrow = channels * features < 16
      switch function {
      case .forward:
        call.split(l.batch, grain: 1) { images, worker in
          let scratch = scratch + worker * workspace + taken
          (to + images.lowerBound * l.resultImage).update(repeating: 0, count: images.count * l.resultImage)
          l.visit(images, taps: 0..<l.taps[0] * l.taps[1], byPixel: isNarrow) { x, y, k, count in
            if !isNarrow {
              return firn_matmul_f64(
                count, features, channels, a + x, across, 1, b + k, l.features, 1, to + y, l.features, 1,
                scratch)
            }
            for c in 0..<channels {
              for o in 0..<features { to[y + o] += a[x + c] * b[k + c * l.features + o] }
            }
          }
        }
      case .inputGradient:
        call.split(l.batch, grain: 1) { images, worker in
          let scratch = scratch + worker * workspace + taken
          let sums = (scratch + own).assumingMemoryBound(to: Double.self)
          (to + images.lowerBound * l.sourceImage).update(repeating: 0, count: images.count * l.sourceImage)
          l.visit(images, taps: 0..<l.taps[0] * l.taps[1], byPixel: isNarrow, lastFirst: true) {
            x, y, k, count in
            if isNarrow {
              for c in 0..<channels {
                var sum = 0.0
                for o in 0..<features { sum += a[y + o] * b[k + c * l.features + o] }
                to[x + c] += sum
              }
              return
            }
            firn_matmul_f64(
              count, channels, features, a + y, l.features, 1, b + k, 1, l.features, sums, channels, 0,
              scratch)
            for q in 0..<count {
              for c in 0..<channels { to[x + q * across + c] += sums[q * channels + c] }
            }
          }
        }
      case .kernelGradient:
        let tap = channels * l.features
        call.split(l.taps[0] * l.taps[1], grain: 1) { taps, worker in
          let scratch = scratch + worker * workspace + taken
          (to + taps.lowerBound * tap).update(repeating: 0, count: taps.count * tap)
          l.visit(0..<l.batch, taps: taps, byPixel: isNarrow) { x, y, k, count in
            if !isNarrow {
              return firn_matmul_f64(
                channels, features, count, a + x, 1, across, b + y, l.features, 1, to + k, l.features, 1,
                scratch)
            }
            for c in 0..<channels {
              for o in 0..<features { to[k + c * l.features + o] += a[x + c] * b[y + o] }
            }
          }
        }
      }
      finishing?.prepare(call, at: scratch + scratchBytes)
      finishing?.runAll(call, scratch + scratchBytes, step: workspace)
    }
  }
}

extension Convolution.Layout {
  fileprivate var resultImage: Int { counts[0] * counts[1] * features }
  fileprivate var sourceImage: Int { image[0] * image[1] * channels }

  /// Calls `body` with the offsets in x, y and k of the first meeting of a row of y and a tap, group by group, and how many
  /// there are side by side; with each of them if `byPixel`.
  ///
  /// In the order of images, rows and taps; of the taps of a row from the last on if `lastFirst`, so that what meets one
  /// pixel of x does so in the order of y's.
  @inline(__always)
  fileprivate func visit(
    _ images: Range<Int>, taps some: Range<Int>, byPixel: Bool, lastFirst: Bool = false,
    _ body: (Int, Int, Int, Int) -> Void
  ) {
    for n in images {
      for p in 0..<counts[0] {
        for i in some.lowerBound / taps[1]..<(some.upperBound + taps[1] - 1) / taps[1] {
          let row = p * window.strides[0] - window.padding[0] + i * window.dilation[0]
          guard row >= 0, row < image[0] else { continue }
          for tap in 0..<taps[1] {
            let j = lastFirst ? taps[1] - 1 - tap : tap
            guard some.contains(i * taps[1] + j) else { continue }
            let column = j * window.dilation[1] - window.padding[2]
            // Those pixels of y whose tap is inside.
            let first = column < 0 ? (window.strides[1] - 1 - column) / window.strides[1] : 0
            let last =
              column < image[1] ? Swift.min(counts[1], (image[1] - 1 - column) / window.strides[1] + 1) : 0
            guard first < last else { continue }
            let count = byPixel ? 1 : last - first
            for q in stride(from: first, to: last, by: count) {
              let x = ((n * image[0] + row) * image[1] + q * window.strides[1] + column) * channels
              let y = ((n * counts[0] + p) * counts[1] + q) * features
              let k = (i * taps[1] + j) * groupChannels * features
              for group in 0..<groups {
                body(x + group * groupChannels, y + group * groupFeatures, k + group * groupFeatures, count)
              }
            }
          }
        }
      }
    }
  }
}
