internal import CFirnKernels
package import FirnGraph

extension Resample {
  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (x, y) = (operands[0].shape, results[0].shape)
    if results[0].elementCount == 0 { return Kernel { (_: borrowing KernelCall) throws(FirnError) in } }
    let (from, to) = image == nil ? (x, y) : (y, x)
    func axis(_ axis: Int) -> ResampleAxis {
      ResampleAxis(
        rule: rule, axis: axis, image: from[axis + 1], count: to[axis + 1], isTransposed: image != nil)
    }
    func taps(_ axis: Int) -> Int { rule.weightCount(axis, image: from[axis + 1], count: to[axis + 1]) }
    let grain = grain(ofItems: taps(0) / y[1] + 1, taps(1), y[3])
    return operands[0].dtype == .f32
      ? fast(axis(0), axis(1), rows: y[0] * y[1], channels: y[3], grain)
      : plain(axis(0), axis(1), rows: y[0] * y[1], channels: y[3], grain)
  }

  private func fast(
    _ down: ResampleAxis, _ across: ResampleAxis, rows: Int, channels: Int, _ grain: Int
  ) -> Kernel {
    let offset = down.byteCount(Float.self)
    return Kernel(workspaceBytes: offset + across.byteCount(Float.self)) {
      (call: borrowing KernelCall) throws(FirnError) in
      func weights(_ axis: ResampleAxis, _ memory: UnsafeMutableRawPointer) -> FirnWeights {
        let table = axis.table(at: memory, Float.self)
        return FirnWeights(
          count: axis.resultCount, extent: axis.extent, span: table.spans, weight: table.weights,
          step: table.step)
      }
      let (rowWeights, columnWeights) = (
        weights(down, call.workspace), weights(across, call.workspace + offset)
      )
      let x = call.operand(0, as: Float.self)
      let y = call.result(as: Float.self)
      call.inPieces(rows, grain: grain) { start, count in
        var (down, across) = (rowWeights, columnWeights)
        firn_resample_f32(&down, &across, channels, x, start, count, y)
      }
    }
  }

  private func plain(
    _ down: ResampleAxis, _ across: ResampleAxis, rows: Int, channels: Int, _ grain: Int
  ) -> Kernel {
    let offset = down.byteCount(Double.self)
    return Kernel(workspaceBytes: offset + across.byteCount(Double.self)) {
      (call: borrowing KernelCall) throws(FirnError) in
      let rowTable = down.table(at: call.workspace, Double.self)
      let columnTable = across.table(at: call.workspace + offset, Double.self)
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      call.inPieces(rows, grain: grain) { start, count in
        for at in start..<start + count {
          let (n, p) = (at / down.resultCount, at % down.resultCount)
          let above = rowTable.spans[p]
          for q in 0..<across.resultCount {
            let beside = columnTable.spans[q]
            for c in 0..<channels {
              var sum = 0.0
              for i in 0..<above.count {
                let row = (n * down.extent + above.first + i) * across.extent + beside.first
                let weight = rowTable.weights[above.weight + i * rowTable.step]
                for j in 0..<beside.count {
                  sum +=
                    weight * columnTable.weights[beside.weight + j * columnTable.step]
                    * x[(row + j) * channels + c]
                }
              }
              y[(at * across.resultCount + q) * channels + c] = sum
            }
          }
        }
      }
    }
  }
}
