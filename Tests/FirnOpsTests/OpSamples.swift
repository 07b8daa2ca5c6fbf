import FirnGraph
@testable import FirnOps

/// At least one sample for each op; all extents of one sample differ, so that no exchanged axis goes unseen.
///
/// To add one: the op with its attributes, then where its operands' values come from.
let opSamples: [OpSample] =
  unarySamples + binarySamples + programSamples + [
    OpSample(Unary(.neg), .integers([2, 5], -9...9)),
    OpSample(Unary(.abs), .integers([2, 5], -9...9)),
    OpSample(Unary(.sign), .integers([2, 5], -2...2)),
    OpSample(Unary(.square), .integers([2, 5], -9...9)),
    OpSample(Unary(.leakyReLU, alpha: 0.3), .real([3, 7], avoiding: [0])),
    OpSample(Unary(.elu, alpha: 0.7), .real([3, 7], avoiding: [0])),
    OpSample(Binary(.add), .integers([3, 5], -9...9), .integers([3, 5], -9...9)),
    OpSample(Binary(.sub), .integers([3, 5], -9...9), .integers([3, 5], -9...9)),
    OpSample(Binary(.mul), .integers([3, 5], -9...9), .integers([3, 5], -9...9)),
    OpSample(Binary(.div), .integers([3, 5], -9...9), .integers([3, 5], -2...2)),
    OpSample(Binary(.fmod), .integers([3, 5], -9...9), .integers([3, 5], -3...3)),
    OpSample(Binary(.max), .integers([3, 5], -9...9), .integers([3, 5], -9...9)),
    OpSample(Binary(.min), .integers([3, 5], -9...9), .integers([3, 5], -9...9)),

    OpSample(Compare(.equal), .integers([3, 7], 0...2), .integers([3, 7], 0...2)),
    OpSample(Compare(.notEqual), .integers([3, 7], 0...2), .integers([3, 7], 0...2)),
    OpSample(Compare(.less), .real([3, 7]), .real([3, 7])),
    OpSample(Compare(.lessEqual), .integers([3, 7], 0...2), .integers([3, 7], 0...2)),
    OpSample(Compare(.greater), .real([3, 7]), .real([3, 7])),
    OpSample(Compare(.greaterEqual), .real([3, 7]), .real([3, 7])),
    OpSample(Logical(.and), .truths([3, 7]), .truths([3, 7])),
    OpSample(Logical(.or), .truths([3, 7]), .truths([3, 7])),
    OpSample(Logical(.xor), .truths([3, 7]), .truths([3, 7])),
    OpSample(Logical(.not), .truths([3, 7])),
    OpSample(Bitwise(.and), .integers([3, 7], -99...99), .integers([3, 7], -99...99)),
    OpSample(Bitwise(.or), .integers([3, 7], -99...99), .integers([3, 7], -99...99)),
    OpSample(Bitwise(.xor), .integers([3, 7], -99...99), .integers([3, 7], -99...99)),
    OpSample(Bitwise(.not), .integers([3, 7], -99...99)),
    OpSample(Bitwise(.shiftLeft), .integers([3, 7], -99...99), .integers([3, 7], -2...40)),
    OpSample(Bitwise(.shiftRight), .integers([3, 7], -99...99), .integers([3, 7], -2...40)),
    OpSample(PackBits(axis: 1), .truths([2, 35, 3])),
    OpSample(PackBits(axis: 2), .truths([5, 3, 7])),
    OpSample(PackBits(axis: 0), .truths([3, 23])),
    OpSample(UnpackBits(shape: [35, 3]), .integers([2, 4], -2_000_000_000...2_000_000_000)),
    OpSample(UnpackBits(shape: [7]), .integers([5, 3, 1], -99...99)),
    OpSample(UnpackBits(shape: [3, 23]), .integers([3], -2_000_000_000...2_000_000_000)),
    OpSample(Select(), .truths([3, 7]), .real([3, 7]), .real([3, 7])),
    OpSample(Select(), .truths([3, 7]), .integers([3, 7], 0...9), .integers([3, 7], 0...9)),
    OpSample(Select(), .truths([3, 7]), .truths([3, 7]), .truths([3, 7])),
    OpSample(Cast(to: .f32), .integers([3, 7], -9...9)),
    OpSample(Cast(to: .f32), .real([3, 7])),
    OpSample(Cast(to: .i32), .real([3, 7], -9...9)),
    OpSample(Cast(to: .bool), .integers([3, 7], 0...1)),

    OpSample(MatMul(), .real([5, 7]), .real([7, 3])),
    OpSample(MatMul(transposeA: true), .real([7, 5]), .real([7, 3])),
    OpSample(MatMul(transposeB: true), .real([5, 7]), .real([3, 7])),
    OpSample(MatMul(transposeA: true, transposeB: true), .real([7, 5]), .real([3, 7])),
    OpSample(MatMul(), .real([2, 5, 7]), .real([2, 7, 3])),
    OpSample(MatMul(order: .descending), .real([5, 7]), .real([7, 3]), .real([5, 3])),
    OpSample(
      MatMul(transposeA: true, transposeB: true, order: .ascending), .real([2, 7, 5]),
      .real([2, 3, 7]),
      .real([2, 5, 3])),
    OpSample(MatMul(transposeA: true), .real([2, 7, 5]), .real([2, 7, 3])),
    OpSample(Pack(), .real([3, 5])),
    OpSample(Pack(transposed: true), .real([35, 3])),
    OpSample(Pack(), .real([2, 3, 33])),
    OpSample(PackedMatMul(columns: 3), .real([5, 7]), .real([1, 7, 32])),
    OpSample(PackedMatMul(transposeA: true, columns: 33), .real([7, 5]), .real([2, 7, 32])),
    OpSample(PackedMatMul(columns: 35), .real([2, 5, 3]), .real([2, 2, 3, 32])),
    OpSample(Store(.bfloat16), .real([3, 5])),
    OpSample(Store(.float16, .panels), .real([3, 35])),
    OpSample(Store(.int8(.perChannel), .turnedPanels, channel: 0), .real([35, 3])),
    OpSample(Store(.int8(.perChannel), channel: 1), .real([3, 5, 7])),
    OpSample(Widen(.bfloat16, to: TensorType(.f32, [3])), .words([0x4000_3f80, 0x0000_bfc0])),
    OpSample(Widen(.float16, .panels, to: TensorType(.f32, [1, 5])), .words(storedHalves(16))),
    OpSample(
      Widen(.int8(.perChannel), channel: 1, to: TensorType(.f32, [2, 3])),
      .words([0x3f00_0000, 0x3e80_0000, 0x3f80_0000, 0x7f81_0201, 0x0000_fe05])),
    OpSample(StoredMatMul(columns: 3, .float16), .real([5, 2]), .words(storedHalves(32))),
    OpSample(
      StoredGather(.bfloat16, from: TensorType(.f32, [5, 3])),
      .words([
        0x4000_3f80, 0x3f00_bfc0, 0x4040_3e80, 0x3f80_0000, 0x4110_4110, 0x3f81_4060, 0x4000_3f80, 0x3f80,
      ]),
      .integers([2, 4], 0...4)),
    OpSample(
      StoredGather(.int8(.perChannel), from: TensorType(.f32, [3, 2, 2])),
      .words([0x3f00_0000, 0x3e80_0000, 0x3f80_0000, 0x7f81_0201, 0x0700_fe05, 0x1234_5678]),
      .integers([7], 0...2)),
    OpSample(
      StoredMatMul(transposeA: true, columns: 33, .int8(.perChannel), channel: 0), .real([2, 7]),
      .words([0x3f00_0000, 0x3e80_0000] + storedHalves(32))),

    OpSample(Convolution(), .real([2, 4, 5, 3]), .real([3, 2, 3, 1])),
    OpSample(Convolution(groups: 2), .real([1, 3, 5, 4]), .real([2, 3, 2, 6])),
    OpSample(Convolution(groups: 3), .real([2, 4, 5, 3]), .real([2, 1, 1, 6])),
    OpSample(
      Convolution(.forward, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 2])),
      .real([2, 4, 5, 3]), .real([3, 2, 3, 1])),
    OpSample(
      Convolution(.forward, SlidingWindow(strides: [1, 2], padding: [1, 2, 0, 1]), groups: 5),
      .real([2, 4, 3, 5]),
      .real([3, 2, 1, 5])),
    OpSample(
      Convolution(
        .inputGradient, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 2]), size: [4, 5]),
      .real([2, 2, 2, 1]), .real([3, 2, 3, 1])),
    OpSample(
      Convolution(.inputGradient, SlidingWindow(strides: [3, 1]), groups: 2, size: [5, 3]),
      .real([1, 2, 3, 6]),
      .real([2, 1, 2, 6])),
    OpSample(
      Convolution(
        .inputGradient, SlidingWindow(strides: [1, 2], padding: [1, 2, 0, 1]), groups: 5, size: [4, 3]),
      .real([2, 5, 2, 5]), .real([3, 2, 1, 5])),
    OpSample(
      Convolution(
        .kernelGradient, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 2]),
        size: [3, 2]),
      .real([2, 4, 5, 3]), .real([2, 2, 2, 1])),
    OpSample(
      Convolution(.kernelGradient, groups: 2, size: [2, 3]), .real([1, 3, 5, 4]), .real([1, 2, 3, 6])),
    OpSample(
      Convolution(
        .kernelGradient, SlidingWindow(strides: [1, 2], padding: [1, 2, 0, 1]), groups: 5, size: [3, 2]),
      .real([2, 4, 3, 5]), .real([2, 5, 2, 5])),
    OpSample(PackKernel(.pack, KernelPanels(kernel: [3, 2, 5, 6], groups: 2)), .real([3, 2, 5, 6])),
    OpSample(
      PackKernel(
        .pack, KernelPanels(kernel: [2, 2, 35, 3], isTransposed: true, order: [1, 3, 0, 2])),
      .real([2, 2, 35, 3])),
    OpSample(PackKernel(.unpack, KernelPanels(kernel: [1, 2, 3, 34])), .real([1, 2, 6, 32])),
    OpSample(
      PackKernel(.unpack, KernelPanels(kernel: [2, 1, 5, 6], groups: 3, isTransposed: true, order: [1, 0])),
      .real([3, 1, 4, 32])),
    OpSample(
      PackedConvolution(
        Convolution(.forward, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 2])),
        kernel: [3, 2, 3, 1]), .real([2, 4, 5, 3]), .real([1, 1, 18, 32])),
    OpSample(
      PackedConvolution(Convolution(groups: 2), kernel: [2, 3, 2, 6]), .real([1, 3, 5, 4]),
      .real([2, 1, 12, 32])),
    OpSample(
      PackedConvolution(
        Convolution(
          .inputGradient, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 2]),
          size: [4, 5]),
        kernel: [3, 2, 3, 1]), .real([2, 2, 2, 1]), .real([1, 1, 6, 32])),
    OpSample(
      PackedConvolution(
        Convolution(.inputGradient, SlidingWindow(strides: [3, 1]), groups: 2, size: [5, 3]),
        kernel: [2, 1, 2, 6]), .real([1, 2, 3, 6]), .real([2, 1, 6, 32])),

    OpSample(WinogradKernel(.two), .real([3, 3, 5, 7])),
    OpSample(WinogradKernel(.two, turned: true), .real([3, 3, 5, 2])),
    OpSample(WinogradKernel(.four), .real([3, 3, 2, 35])),
    OpSample(WinogradKernel(.four, turned: true), .real([3, 3, 4, 2])),
    OpSample(
      WinogradConvolution(.two, padding: [1, 0, 2, 1], features: 3), .real([2, 4, 7, 1]),
      .real([16, 1, 1, 32])),
    OpSample(
      WinogradConvolution(.two, padding: [1, 1, 1, 1], features: 35), .real([3, 5, 4, 2]),
      .real([16, 2, 2, 32])),
    OpSample(
      WinogradConvolution(.four, padding: [0, 1, 2, 0], features: 3), .real([2, 9, 5, 4]),
      .real([36, 1, 4, 32]), tolerance: 2e-5),

    OpSample(MaxPool(size: [2, 3], strides: [2, 1]), .real([2, 4, 5, 3])),
    OpSample(
      MaxPoolPlaces(.places, MaxPool(size: [3, 2], strides: [1, 3], padding: [2, 1, 0, 1])),
      .real([2, 4, 5, 11])),
    OpSample(MaxPoolPlaces(.places, MaxPool(size: [2, 2], strides: [2, 2])), .real([2, 4, 5, 19])),
    OpSample(
      MaxPoolPlaces(
        .places, MaxPool(size: [2, 3], strides: [1, 2], padding: [1, 0, 2, 1], dilation: [3, 2])),
      .real([2, 5, 6, 3])),
    OpSample(
      MaxPoolPlaces(
        .scatter, MaxPool(size: [2, 3], strides: [1, 1], padding: [1, 0, 1, 2]), image: [3, 4]),
      .integers([2, 3, 5, 2], -2_000_000_000...2_000_000_000), .real([2, 3, 5, 11])),
    OpSample(
      MaxPoolPlaces(
        .collect, MaxPool(size: [2, 2], strides: [1, 1], dilation: [1, 3])),
      .integers([2, 3, 1, 2], -2_000_000_000...2_000_000_000), .real([2, 4, 4, 11])),
    OpSample(MaxPool(size: [3, 2], strides: [1, 3], padding: [2, 1, 0, 1]), .real([1, 4, 5, 3])),
    OpSample(
      MaxPool(size: [2, 3], strides: [1, 2], padding: [1, 0, 2, 1], dilation: [3, 2]), .real([2, 5, 6, 3])),
    OpSample(
      MaxPool(.gradient, size: [2, 3], strides: [1, 1], padding: [1, 0, 1, 2]), .real([2, 3, 4, 5]),
      .real([2, 3, 5, 5])),
    OpSample(
      MaxPool(.take, size: [2, 3], strides: [2, 1], padding: [0, 1, 1, 1]), .real([2, 3, 4, 5]),
      .real([2, 3, 4, 5])),
    OpSample(
      Resample(.average(size: [2, 3], strides: [1, 2], padding: [1, 0, 2, 1], countsPadding: true)),
      .real([2, 4, 5, 3])),
    OpSample(
      Resample(.average(size: [3, 2], strides: [2, 1], padding: [1, 2, 0, 1], countsPadding: false)),
      .real([2, 4, 5, 3])),
    OpSample(
      Resample(
        .average(size: [3, 2], strides: [2, 1], padding: [1, 2, 0, 1], countsPadding: false), image: [4, 5]),
      .real([2, 3, 5, 3])),
    OpSample(Resample(.adaptiveAverage(size: [3, 7])), .real([2, 4, 5, 3])),
    OpSample(Resample(.adaptiveAverage(size: [3, 7]), image: [4, 5]), .real([2, 3, 7, 4])),
    OpSample(Resample(.nearest(size: [7, 3])), .real([2, 4, 5, 3])),
    OpSample(Resample(.nearest(size: [7, 3]), image: [4, 5]), .real([2, 7, 3, 1])),
    OpSample(Resample(.bilinear(size: [6, 3], alignsCorners: false)), .real([2, 4, 5, 3])),
    OpSample(Resample(.bilinear(size: [6, 3], alignsCorners: true)), .real([2, 4, 5, 3])),
    OpSample(Resample(.bicubic(size: [6, 3], alignsCorners: false)), .real([2, 4, 5, 3])),
    OpSample(Resample(.bicubic(size: [7, 2], alignsCorners: true)), .real([2, 4, 1, 3])),
    OpSample(Resample(.bicubic(size: [6, 3], alignsCorners: false), image: [4, 5]), .real([2, 6, 3, 1])),
    OpSample(Resample(.bilinear(size: [6, 3], alignsCorners: false), image: [4, 5]), .real([2, 6, 3, 1])),

    OpSample(Reduce(.sum, axes: [1]), .real([3, 5, 4])),
    OpSample(Reduce(.sum, axes: [0, 2]), .real([3, 5, 4])),
    OpSample(Reduce(.sum, axes: [1], keepsAxes: true), .integers([3, 5, 4], -9...9)),
    OpSample(Reduce(.mean, axes: [0], keepsAxes: true), .real([3, 5])),
    OpSample(Reduce(.mean, axes: [0, 1]), .real([3, 5])),
    OpSample(Reduce(.mean, axes: []), .real([3, 5])),
    OpSample(Reduce(.max, axes: [1]), .real([3, 5, 2])),
    OpSample(Reduce(.max, axes: [0, 2], keepsAxes: true), .real([3, 5, 2])),
    OpSample(Reduce(.max, axes: [0, 2]), .integers([3, 5, 4], -99...99)),
    OpSample(Reduce(.min, axes: [1]), .real([3, 5, 2])),
    OpSample(Reduce(.min, axes: [0]), .integers([3, 5], -99...99)),
    OpSample(Reduce(.prod, axes: [0, 2]), .real([2, 5, 3], 0.4...1.6)),
    OpSample(Reduce(.prod, axes: [1], keepsAxes: true), .real([2, 4])),
    OpSample(Reduce(.prod, axes: [1]), .integers([2, 4], -3...3)),
    OpSample(ArgReduce(.argmax, axis: 1), .real([3, 5, 2])),
    OpSample(ArgReduce(.argmax, axis: 0), .integers([5, 3], 0...2)),
    OpSample(ArgReduce(.argmin, axis: 2), .real([3, 2, 5])),
    OpSample(CumulativeSum(axis: 2), .real([3, 2, 5])),
    OpSample(CumulativeSum(axis: 1, isExclusive: true), .real([2, 5, 3])),
    OpSample(CumulativeSum(axis: 0, isReversed: true), .real([5, 3])),
    OpSample(CumulativeSum(axis: 1, isExclusive: true, isReversed: true), .real([3, 5, 2])),
    OpSample(CumulativeSum(axis: 0), .real([4, 13])),
    OpSample(CumulativeSum(axis: 1, isReversed: true), .real([11, 3, 9])),
    OpSample(CumulativeSum(axis: 1, isExclusive: true), .real([2, 3, 17])),
    OpSample(CumulativeSum(axis: 1), .integers([3, 5, 2], -9...9)),
    OpSample(CumulativeSum(axis: 0, isExclusive: true, isReversed: true), .integers([5, 3], -9...9)),

    OpSample(LinearRecurrence(axis: 1), .real([2, 5, 3]), .real([2, 5, 3])),
    OpSample(LinearRecurrence(axis: 0, isExclusive: true), .real([5, 3]), .real([5, 3])),
    OpSample(LinearRecurrence(axis: 2, isReversed: true), .real([3, 2, 5]), .real([3, 2, 5])),
    OpSample(
      LinearRecurrence(axis: 1, isExclusive: true, isReversed: true), .real([3, 4, 2]), .real([3, 4, 2])),
    OpSample(LinearRecurrence(axis: 0, isExclusive: true), .real([4, 13]), .real([4, 13])),

    OpSample(Reshape([7, 6]), .real([3, 14])),
    OpSample(Transpose([2, 0, 1]), .real([3, 5, 2])),
    OpSample(Transpose([1, 0]), .truths([3, 5])),
    OpSample(Broadcast([2, 3, 5]), .real([3, 1])),
    OpSample(Broadcast([4, 3]), .real([])),
    OpSample(Slice(starts: [1, 0, 2], limits: [3, 5, 7], steps: [1, 2, 3]), .real([3, 5, 7])),
    OpSample(Pad(low: [1, 0], high: [0, 2], interior: [2, 1], value: 0.5), .real([3, 4])),
    OpSample(Pad(low: [1], high: [2], interior: [0], value: 1), .truths([5])),
    OpSample(Reverse([0, 2]), .real([3, 5, 2])),
    OpSample(Concat(axis: 1), .real([3, 2, 4]), .real([3, 5, 4]), .real([3, 1, 4])),
    OpSample(Split(axis: 1, sizes: [2, 0, 4]), .real([3, 6, 5])),

    OpSample(Gather(axis: 1), .real([3, 5, 2]), .integers([7, 4], 0...4)),
    OpSample(Gather(axis: 0), .truths([5, 2]), .integers([7], 0...4)),
    OpSample(ScatterAdd(axis: 1, size: 4), .integers([7], 0...3), .real([3, 7, 2])),
    OpSample(ScatterAdd(axis: 0, size: 4), .integers([2, 3], 0...3), .integers([2, 3, 5], -9...9)),
    OpSample(
      ScatterAdd(axis: 0, size: 3, part: .init(start: 2, whole: 6)), .integers([7], 0...5), .real([7, 2])),
    OpSample(
      ScatterAdd(axis: 1, size: 2, part: .init(start: 1, whole: 4)), .integers([7], 0...3), .real([3, 7, 2])),
    OpSample(GatherAdded(size: 5), .integers([4], 0...4), .integers([7], 0...4), .real([7, 3])),
    OpSample(
      GatherAdded(size: 3), .integers([6], 0...2), .integers([5], 0...2), .integers([5, 2, 3], -9...9)),
    OpSample(Collective(.allReduce), .real([2, 3])),
    OpSample(Collective(.allReduce), .real([2, 3]), .real([], 0.5...2)),
    OpSample(Collective(.allReduce), .integers([5], -9...9)),
    OpSample(Collective(.broadcast(from: 0)), .real([3, 2])),
    OpSample(Collective(.reduce(to: 0)), .real([3, 2])),
    OpSample(Collective(.allGather(count: 1)), .real([3, 2])),
    OpSample(Collective(.reduceScatter), .real([1, 3, 2])),
    OpSample(StartMean(sendsWeight: true), .real([], 0.5...2), .real([2, 3]), .real([5])),
    OpSample(StartMean(sendsWeight: false), .real([], 0.5...2), .real([4])),
    OpSample(StartRowMean(size: 5), .real([], 0.5...2), .integers([7], 0...4), .real([7, 3])),
    OpSample(
      FinishMean([[2, 3], [5]], sendsWeight: true), .real([12], 0.5...2), .integers([2], 0...0)),
    OpSample(
      FinishMean([[4]], sendsWeight: false), .real([4]), .integers([2], 0...0), .real([], 0.5...2)),
    OpSample(ScatterReduce(.max, size: 4), .integers([7], 0...3), .real([7, 3])),
    OpSample(ScatterReduce(.min, size: 5), .integers([29], 0...4), .real([29])),
    OpSample(ScatterReduce(.min, size: 5), .integers([9], 0...4), .integers([9, 2], -9...9)),
    OpSample(ScatterReduce(.prod, size: 3), .integers([6], 0...2), .real([6, 2], 0.4...1.6)),
    OpSample(ScatterReduce(.max, size: 4), .integers([7], 0...3), .integers([7, 3], -9...9)),
    OpSample(FlatIndex([3, 5]), .integers([4, 2], -3...2)),
    OpSample(FlatIndex([7]), .integers([2, 3, 1], -7...6)),
    OpSample(LastPosition(size: 6), .integers([9], 0...5)),
    OpSample(TopIndices(3), .real([2, 7])),
    OpSample(TopIndices(5, isSmallest: true), .real([3, 2, 5])),
    OpSample(TopIndices(4), .integers([3, 9], 0...3)),
    OpSample(OneHot(depth: 5, on: 2, off: -1), .integers([3, 4], -1...5)),
    OpSample(Iota(9)),
    OpSample(Extent(7, dtype: .f32)),
    OpSample(SampleCount(7, dtype: .f32)),

    OpSample(Softmax(.softmax), .real([3, 5])),
    OpSample(Softmax(.logSoftmax), .real([3, 2, 5])),
    OpSample(SparseCrossEntropy(), .real([3, 2, 5]), .integers([3, 2], 0...4)),
    OpSample(CrossEntropy(), .real([3, 5]), .real([3, 5], 0...1)),
    OpSample(MeanSquaredError(), .real([3, 5]), .real([3, 5])),

    OpSample(RandomDraw(.uniform(low: -1, high: 2), shape: [3, 13], key: "u"), .words([1, 2, 3, 4])),
    OpSample(RandomDraw(.normal(mean: 1, deviation: 2), shape: [3, 13], key: "n"), .words([1, 2, 3, 4])),
    OpSample(Dropout(rate: 0.4, key: "d"), .real([3, 13]), .words([1, 2, 3, 4]), .integers([], 5...5)),
  ]

private let unarySamples = Unary.Function.allCases.map { function in
  let row = Unary.row(function)
  return OpSample(Unary(function), .real([3, 13], row.domain, avoiding: row.kinks))
}

private let binarySamples = Binary.Function.allCases.map { function in
  let row = Binary.row(function)
  return OpSample(
    Binary(function), .real([3, 13], row.domains.0),
    row.hasKinkAtTies ? .apart([3, 13], row.domains.1) : .real([3, 13], row.domains.1))
}

/// Words with two numbers of binary16 each, or four of 8 bits, none of them large.
private func storedHalves(_ count: Int) -> [Int32] {
  (0..<count).map { (place: Int) -> Int32 in
    let high = Int32(place % 7 + 1) << 26 + Int32(place % 5) << 17
    return high + 0x3800 + Int32(place % 11) << 4
  }
}

/// Ops without a sample, and why.
let opsWithoutSample: [String: String] = [
  "placeholder": "fed, not computed",
  "loop_input": "given by the loop around it",
  "constant": "data",
  "read": "a variable's value, which a session gives",
  "assign": "what it does, a session does",
  "assign_rows": "what it does, a session does",
  "random_state": "given by a session",
  "bound": "made by the bound program, which a session runs",
  "by_mode": "resolved by the compiler",
  "exchanged_mean": "made by the compiler",
  "identity": "its operand itself",
  "stop_gradient": "its operand itself",
  "straight_through": "its operand itself, whose gradient no difference shows",
  "scale_gradient": "its operand itself, whose gradient no difference shows",
  "gradients": "replaced by the compiler",
  "absent_gradient": "stands for what does not exist",
  "update_input": "stands for what copies of an update read in its place",
  "fused_input": "given by the program it is in",
  "scan": "runs a graph; its own tests are the compiler's",
]
