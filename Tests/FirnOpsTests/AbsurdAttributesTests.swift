import FirnGraph
import FirnOps
import Testing

/// Ops whose attributes no function would give them, but a file may.
@Suite struct AbsurdAttributesTests {
  /// Attributes read from text may hold anything.
  @Test func absurdAttributesAreErrors() {
    let x = TensorType(.f32, [2, 3])
    let i = TensorType(.i32, [2])
    let state = TensorType(.i32, [4])
    let image = TensorType(.f32, [1, 4, 5, 2])
    let kernel = TensorType(.f32, [2, 3, 2, 4])
    func sliding(_ strides: [Int] = [1, 1], _ padding: [Int] = [0, 0, 0, 0]) -> SlidingWindow {
      SlidingWindow(strides: strides, padding: padding)
    }
    let absurd: [(any Op, [TensorType])] = [
      (Convolution(.forward, sliding([Int.max, 1])), [image, kernel]),
      (Convolution(.forward, sliding([1])), [image, kernel]),
      (Convolution(.forward, sliding([1, 1], [Int.max, 0, 0, 0])), [image, kernel]),
      (Convolution(.forward, sliding([1, 1], [-1, 0, 0, 0])), [image, kernel]),
      (Convolution(groups: 0), [image, kernel]), (Convolution(groups: Int.max), [image, kernel]),
      (Convolution(size: [1, 1]), [image, kernel]), (Convolution(), [image]),
      (Convolution(.inputGradient, size: [Int.max, 1]), [image, kernel]),
      (Convolution(.kernelGradient, size: [0, 1]), [image, image]),
      (Convolution(.kernelGradient, size: [2, 2]), [image, image]),
      (WinogradConvolution(.two, padding: [Int.max, 0, 0, 0], features: 2), [image, kernel]),
      (WinogradConvolution(.two, padding: [], features: Int.max), [image, kernel]),
      (WinogradConvolution(.two, features: Int.max), [image, kernel]),
      (WinogradConvolution(.four, features: -1), [image, kernel]), (WinogradKernel(.two), [kernel]),
      (MaxPool(size: [Int.max, 1], strides: [1, 1]), [image]), (MaxPool(size: [], strides: [1, 1]), [image]),
      (MaxPool(.gradient, size: [2, 2], strides: [1, 1]), [image, image]),
      (Resample(.adaptiveAverage(size: [Int.max, 1])), [image]),
      (Resample(.nearest(size: [4, 5]), image: [Int.max, 1]), [image]),
      (Resample(.nearest(size: [4]), image: [4, 4]), [image]),
      (
        Resample(.average(size: [2, 2], strides: [1, 0], padding: [0, 0, 0, 0], countsPadding: true)), [image]
      ),
      (Reduce(.sum, axes: [Int.max]), [x]), (Reduce(.sum, axes: [1, 0]), [x]),
      (Reduce(.sum, axes: [-1]), [x]), (ArgReduce(.argmax, axis: Int.min), [x]),
      (CumulativeSum(axis: Int.max), [x]), (CumulativeSum(axis: -1), [x]),
      (LinearRecurrence(axis: Int.max), [x, x]), (LinearRecurrence(axis: -1), [x, x]),
      (LinearRecurrence(axis: 0), [x]), (LinearRecurrence(axis: 0), [i, i]),
      (Transpose([Int.max, 0]), [x]), (Reverse([Int.max]), [x]), (Concat(axis: Int.max), [x, x]),
      (Concat(axis: 0), []), (Split(axis: -1, sizes: [2]), [x]),
      (Slice(starts: [0, 0], limits: [2, 3], steps: [Int.max, 1]), [x]),
      (Slice(starts: [0, 0], limits: [2, 3], steps: [Int.min, 1]), [x]),
      (Pad(low: [0, 0], high: [0, 0], interior: [Int.max, 0]), [x]),
      (Gather(axis: Int.max), [x, i]), (ScatterAdd(axis: Int.max, size: 2), [i, x]),
      (ScatterAdd(axis: Int.min, size: 2), [i, x]), (Dropout(rate: .nan, key: ""), [x, state]),
      (Dropout(rate: 0.5, key: ""), [x]), (OneHot(depth: -1), [i]), (Extent(2, dtype: .bool), []),
      (FlatIndex([Dim(Int.max), 7]), [i]), (FlatIndex([]), [i]), (FlatIndex([-1, 2]), [i]),
      (FlatIndex([1_048_576, 1_048_576]), [i]), (LastPosition(size: -1), [i]), (LastPosition(size: 2), [x]),
      (TopIndices(-1), [x]), (TopIndices(Dim(Int.max)), [x]), (ScatterReduce(.max, size: -1), [i, x]),
      (ScatterReduce(.max, size: 2), [i, TensorType(.f32, [3])]), (Bitwise(.and), [x, x]),
      (GradientRouting(.scaled(by: 2)), [i]),
    ]
    for (op, types) in absurd {
      #expect(throws: FirnError.self, "\(op)") { () throws in _ = try op.resultTypes(of: types) }
    }
  }
}
