internal import FirnGraph

extension Convolution {
  /// The reference: every pixel of y meets every tap inside the image.
  ///
  /// A kernel in panels is taken out of them first.
  func plain(_ l: Layout, _ finishing: Finishing?) -> Kernel {
    let function = function
    let places = finishing.places
    let taken = l.panels.map { ($0.kernel.reduce(1, *) * MemoryLayout<Double>.stride + 63) / 64 * 64 } ?? 0
    let workspace = taken + (finishing?.workspaceBytes ?? 0)
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
      switch function {
      case .forward:
        call.inPieces(l.batch, grain: 1) { start, count in
          (to + start * l.resultImage).update(repeating: 0, count: count * l.resultImage)
          l.visit(start..<start + count) { x, y, k, channels, features in
            for c in 0..<channels {
              for o in 0..<features { to[y + o] += a[x + c] * b[k + c * l.features + o] }
            }
          }
        }
      case .inputGradient:
        call.inPieces(l.batch, grain: 1) { start, count in
          (to + start * l.sourceImage).update(repeating: 0, count: count * l.sourceImage)
          l.visit(start..<start + count) { x, y, k, channels, features in
            for c in 0..<channels {
              var sum = 0.0
              for o in 0..<features { sum += a[y + o] * b[k + c * l.features + o] }
              to[x + c] += sum
            }
          }
        }
      case .kernelGradient:
        to.update(repeating: 0, count: l.taps[0] * l.taps[1] * l.groupChannels * l.features)
        l.visit(0..<l.batch) { x, y, k, channels, features in
          for c in 0..<channels {
            for o in 0..<features { to[k + c * l.features + o] += a[x + c] * b[y + o] }
          }
        }
      }
      finishing?.prepare(call, at: scratch + taken)
      finishing?.runAll(call, scratch + taken, step: workspace)
    }
  }
}

extension Convolution.Layout {
  fileprivate var resultImage: Int { counts[0] * counts[1] * features }
  fileprivate var sourceImage: Int { image[0] * image[1] * channels }

  /// Calls `body` with the offsets in x, y and k of each meeting of a pixel of y and a tap, and a group's extents.
  @inline(__always)
  fileprivate func visit(_ images: Range<Int>, _ body: (Int, Int, Int, Int, Int) -> Void) {
    for n in images {
      for p in 0..<counts[0] {
        for i in 0..<taps[0] {
          let row = p * window.strides[0] - window.padding[0] + i * window.dilation[0]
          guard (0..<image[0]).contains(row) else { continue }
          for q in 0..<counts[1] {
            for j in 0..<taps[1] {
              let column = q * window.strides[1] - window.padding[2] + j * window.dilation[1]
              guard (0..<image[1]).contains(column) else { continue }
              for group in 0..<groups {
                body(
                  ((n * image[0] + row) * image[1] + column) * channels + group * groupChannels,
                  ((n * counts[0] + p) * counts[1] + q) * features + group * groupFeatures,
                  (i * taps[1] + j) * groupChannels * features + group * groupFeatures, groupChannels,
                  groupFeatures)
              }
            }
          }
        }
      }
    }
  }
}
