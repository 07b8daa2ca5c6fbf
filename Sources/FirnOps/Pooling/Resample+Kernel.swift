internal import CFirnKernels
package import FirnGraph

extension Resample {
  /// The weights of one axis, row by row of its matrix.
  private struct Weights: Sendable {
    let extent: Int
    private(set) var begin: [Int32] = [0]
    private(set) var index: [Int32] = []
    private(set) var weight: [Double] = []
    /// For the fast kernel.
    let rounded: [Float]

    init(_ rows: [[(index: Int, weight: Double)]], extent: Int) {
      self.extent = extent
      for row in rows {
        index += row.map { Int32($0.index) }
        weight += row.map(\.weight)
        begin.append(Int32(index.count))
      }
      rounded = weight.map { Float($0) }
    }

    var count: Int { begin.count - 1 }

    func withPointers(_ body: (inout FirnWeights) -> Void) {
      begin.withUnsafeBufferPointer { begin in
        index.withUnsafeBufferPointer { index in
          rounded.withUnsafeBufferPointer { weight in
            var weights = FirnWeights(
              count: count, extent: extent, begin: begin.baseAddress, index: index.baseAddress,
              weight: weight.baseAddress)
            body(&weights)
          }
        }
      }
    }
  }

  private func weights(_ axis: Int, image extent: Int, count: Int) -> Weights {
    let rows = (0..<count).map { rule.weights(axis, of: $0, image: extent, count: count) }
    if image == nil { return Weights(rows, extent: extent) }
    var columns = [[(index: Int, weight: Double)]](repeating: [], count: extent)
    for (i, row) in rows.enumerated() {
      for entry in row { columns[entry.index].append((i, entry.weight)) }
    }
    return Weights(columns, extent: count)
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (x, y) = (operands[0].shape, results[0].shape)
    if results[0].elementCount == 0 { return Kernel { (_: borrowing KernelCall) throws(FirnError) in } }
    let (from, to) = image == nil ? (x, y) : (y, x)
    let down = weights(0, image: from[1], count: to[1])
    let across = weights(1, image: from[2], count: to[2])
    let (rows, channels) = (y[0] * y[1], y[3])
    let grain = grain(ofItems: (down.index.count / y[1] + 1) * across.index.count * channels)
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let x = call.operand(0, as: Float.self)
        let y = call.result(as: Float.self)
        call.inPieces(rows, grain: grain) { start, count in
          down.withPointers { down in
            across.withPointers { across in
              firn_resample_f32(&down, &across, channels, x, start, count, y)
            }
          }
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      call.inPieces(rows, grain: grain) { start, count in
        for at in start..<start + count {
          let (n, p) = (at / down.count, at % down.count)
          for q in 0..<across.count {
            for c in 0..<channels {
              var sum = 0.0
              for i in Int(down.begin[p])..<Int(down.begin[p + 1]) {
                let row = (n * down.extent + Int(down.index[i])) * across.extent
                for j in Int(across.begin[q])..<Int(across.begin[q + 1]) {
                  sum += down.weight[i] * across.weight[j] * x[(row + Int(across.index[j])) * channels + c]
                }
              }
              y[(at * across.count + q) * channels + c] = sum
            }
          }
        }
      }
    }
  }
}
