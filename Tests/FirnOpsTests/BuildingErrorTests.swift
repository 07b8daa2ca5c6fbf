import FirnGraph
import FirnOps
import Testing

/// Faults in building are recorded with what to do about them, yield poison, and never trap.
@Suite struct BuildingErrorTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    let code: FirnError.Code
    /// The number that the function's documentation gives it.
    let constraint: String
    /// A part of the message.
    let part: String
    let build: @Sendable (Graph) -> Tensor

    init(
      _ name: String, _ code: FirnError.Code, _ constraint: String, _ part: String,
      _ build: @escaping @Sendable (Graph) -> Tensor
    ) {
      (testDescription, self.code, self.constraint, self.part) = (name, code, constraint, part)
      self.build = build
    }
  }

  private static func f(_ graph: Graph, _ shape: Shape, _ dtype: DType = .f32) -> Tensor {
    graph.placeholder("x", shape: shape, dtype: dtype)
  }

  static let faults: [Fault] = [
    Fault("operator shapes", .shapeMismatch, "C1", "axis -1 is 3 and 4") { f($0, [2, 3]) + f($0, [2, 4]) },
    Fault("operator names", .shapeMismatch, "C1", "axis -2 is batch and 2") {
      f($0, ["batch", 3]) * f($0, [2, 3])
    },
    Fault("operator types", .typeMismatch, "C2", "different element types") { f($0, [2]) + f($0, [2], .i32) },
    Fault("fraction beside integers", .typeMismatch, "C2", "0.5 is no i32") { f($0, [2], .i32) * 0.5 },
    Fault("bool sum", .typeMismatch, "C3", "not a number") { f($0, [2], .bool) + f($0, [2], .bool) },
    Fault("integer pow", .typeMismatch, "C3", "not floating point") {
      pow(f($0, [2], .i32), f($0, [2], .i32))
    },
    Fault("integer exp", .typeMismatch, "C1", "not floating point") { exp(f($0, [2], .i32)) },
    Fault("integer hard swish", .typeMismatch, "C1", "not floating point") { hardSwish(f($0, [2], .i32)) },
    Fault("compare types", .typeMismatch, "C2", "different element types") {
      less(f($0, [2]), f($0, [2], .i32))
    },
    Fault("compare bool", .typeMismatch, "C3", "bool") { equal(f($0, [2], .bool), f($0, [2], .bool)) },
    Fault("and of numbers", .typeMismatch, "C2", "not bool") { logicalAnd(f($0, [2]), f($0, [2])) },
    Fault("select condition", .typeMismatch, "C3", "not bool") {
      select(where: f($0, [2]), f($0, [2]), otherwise: f($0, [2]))
    },
    Fault("select shapes", .shapeMismatch, "C1", "axis -1") {
      select(where: f($0, [3], .bool), f($0, [2]), otherwise: f($0, [2]))
    },
    Fault("matmul inner", .shapeMismatch, "C3", "3 columns") { matmul(f($0, [2, 3]), f($0, [4, 5])) },
    Fault("matmul vector", .shapeMismatch, "C1", "not both matrices") { matmul(f($0, [3]), f($0, [3, 5])) },
    Fault("matmul integers", .typeMismatch, "C2", "floating point") {
      matmul(f($0, [2, 3], .i32), f($0, [3, 5], .i32))
    },
    Fault("matmul batch", .shapeMismatch, "C4", "do not broadcast") {
      matmul(f($0, [2, 5, 3]), f($0, [4, 3, 5]))
    },
    Fault("conv channels", .shapeMismatch, "C6", "have 3 channels, the kernel f32[2,2,4,8] reads 4") {
      conv2d(f($0, ["batch", 6, 5, 3]), f($0, [2, 2, 4, 8]))
    },
    Fault(
      "conv channels in groups", .shapeMismatch, "C6",
      "have 6 channels, the kernel f32[2,2,4,8] reads 4 in each of 2 groups"
    ) {
      conv2d(f($0, [1, 6, 5, 6]), f($0, [2, 2, 4, 8]), groups: 2)
    },
    Fault("conv groups of channels", .shapeMismatch, "C5", "4 groups do not divide 6 channels") {
      conv2d(f($0, [1, 6, 5, 6]), f($0, [2, 2, 1, 8]), groups: 4)
    },
    Fault("conv groups of features", .shapeMismatch, "C5", "3 groups do not divide 8 features") {
      conv2d(f($0, [1, 6, 5, 6]), f($0, [2, 2, 2, 8]), groups: 3)
    },
    Fault("conv padding", .invalidArgument, "C7", "padding 4 and 0 for windows 3 high") {
      conv2d(
        f($0, [1, 6, 5, 3]), f($0, [3, 2, 3, 8]), padding: .explicit(top: 4, bottom: 0, left: 0, right: 0))
    },
    Fault("conv window", .shapeMismatch, "C8", "the image is 5 wide, the window 7") {
      conv2d(f($0, [1, 6, 5, 3]), f($0, [3, 4, 3, 8]), dilation: (1, 2))
    },
    Fault("conv window padded", .shapeMismatch, "C8", "the image is 4 high with its padding, the window 5") {
      conv2d(f($0, [1, 2, 5, 3]), f($0, [5, 3, 3, 8]), padding: .symmetric(1, 1))
    },
    Fault("conv rank", .shapeMismatch, "C1", "f32[6,5,3] is not images") {
      conv2d(f($0, [6, 5, 3]), f($0, [2, 2, 3, 8]))
    },
    Fault("conv named height", .shapeMismatch, "C4", "named extent") {
      conv2d(f($0, [1, "height", 5, 3]), f($0, [2, 2, 3, 8]), padding: .same)
    },
    Fault("conv types", .typeMismatch, "C2", "not of one floating point type") {
      conv2d(f($0, [1, 6, 5, 3]), f($0, [2, 2, 3, 8], .f64))
    },
    Fault("conv strides", .invalidArgument, "C3", "strides [0, 1]") {
      conv2d(f($0, [1, 6, 5, 3]), f($0, [2, 2, 3, 8]), strides: (0, 1), padding: .same)
    },
    Fault("conv strides of absurd size", .invalidArgument, "C3", "dilation [1, \(Int.max)]") {
      conv2d(f($0, [1, 6, 5, 3]), f($0, [2, 2, 3, 8]), padding: .same, dilation: (1, Int.max))
    },
    Fault("conv transpose features", .shapeMismatch, "C6", "has 3 features, the kernel f32[2,2,4,8] has 8") {
      conv2dTranspose(f($0, [1, 6, 5, 3]), f($0, [2, 2, 4, 8]))
    },
    Fault("conv transpose output padding", .invalidArgument, "C9", "output padding 2 for a stride of 2") {
      conv2dTranspose(f($0, [1, 6, 5, 3]), f($0, [2, 2, 4, 3]), strides: (2, 2), outputPadding: (2, 0))
    },
    Fault("conv transpose output padding beside same", .invalidArgument, "C9", "beside `same`") {
      conv2dTranspose(
        f($0, [1, 6, 5, 3]), f($0, [2, 2, 4, 3]), strides: (2, 2), padding: .same, outputPadding: (0, 1))
    },
    Fault("conv transpose padding", .shapeMismatch, "C8", "nothing is left") {
      conv2dTranspose(f($0, [1, 1, 1, 3]), f($0, [2, 2, 4, 3]), padding: .symmetric(1, 1))
    },
    Fault("conv1d rank", .shapeMismatch, "C1", "[batch, time, channels]") {
      conv1d(f($0, [1, 6, 5, 3]), f($0, [2, 3, 8]))
    },
    Fault("conv1d padding above", .invalidArgument, "C7", "padding 1 above and 2 below") {
      conv1d(f($0, [1, 6, 3]), f($0, [2, 3, 8]), padding: .explicit(top: 1, bottom: 2, left: 0, right: 0))
    },
    Fault("pool of nothing", .shapeMismatch, "C8", "an image of [0, 5]") {
      maxPool2d(f($0, [1, 0, 5, 3]), window: (2, 2), padding: .symmetric(1, 1))
    },
    Fault("pool window", .shapeMismatch, "C8", "the image is 1 high, the window 2") {
      maxPool2d(f($0, [1, 1, 5, 3]), window: (2, 2))
    },
    Fault("pool padding", .invalidArgument, "C7", "padding 2 and 2 for windows 2 wide") {
      averagePool2d(f($0, [1, 4, 5, 3]), window: (2, 2), padding: .symmetric(1, 2))
    },
    Fault("pool integers", .typeMismatch, "C2", "not floating point") {
      maxPool2d(f($0, [1, 4, 5, 3], .i32), window: (2, 2))
    },
    Fault("upsample size", .invalidArgument, "C3", "a result of [0, 4]") {
      resize(f($0, [1, 4, 5, 3]), to: (0, 4), .bicubic())
    },
    Fault("adaptive of nothing", .shapeMismatch, "C8", "an image of [0, 5]") {
      adaptiveAveragePool2d(f($0, [1, 0, 5, 3]), to: (1, 1))
    },
    Fault("sum axis", .invalidArgument, "C2", "axis 2 is outside -2..<2") { f($0, [2, 3]).sum(axes: [2]) },
    Fault("sum axis twice", .invalidArgument, "C2", "twice") { f($0, [2, 3]).sum(axes: [1, -1]) },
    Fault("sum of bool", .typeMismatch, "C1", "not a number") { f($0, [2], .bool).sum() },
    Fault("integer mean", .typeMismatch, "C1", "not floating point") { f($0, [2], .i32).mean() },
    Fault("argmax of scalar", .invalidArgument, "C2", "outside 0..<0") { f($0, []).argmax(axis: 0) },
    Fault("argmax of nothing", .shapeMismatch, "C3", "empty") { f($0, [2, 0]).argmax(axis: 1) },
    Fault("cumulative sum axis", .invalidArgument, "C2", "axis -3 is outside -2..<2") {
      f($0, [2, 3]).cumulativeSum(axis: -3)
    },
    Fault("cumulative sum of bool", .typeMismatch, "C1", "not a number") {
      f($0, [2], .bool).cumulativeSum(axis: 0)
    },
    Fault("reshape count", .shapeMismatch, "C1", "6 elements") { f($0, [2, 3]).reshaped(to: [5]) },
    Fault("reshape open", .shapeMismatch, "C1", "has no shape") { f($0, [2, 3]).reshaped(to: [-1, 4]) },
    Fault("reshape open twice", .shapeMismatch, "C1", "has no shape") {
      f($0, [2, 3]).reshaped(to: [-1, -1])
    },
    Fault("reshape names", .shapeMismatch, "C1", "elements") { f($0, ["batch", 3]).reshaped(to: [6]) },
    Fault("transpose order", .invalidArgument, "C1", "no order") { f($0, [2, 3]).transposed([0, 0]) },
    Fault("transpose rank", .invalidArgument, "C1", "no order") { f($0, [2, 3]).transposed([0, 7]) },
    Fault("broadcast extent", .shapeMismatch, "C2", "axis 0") { f($0, [2]).broadcast(to: [3]) },
    Fault("broadcast rank", .shapeMismatch, "C1", "more axes") { f($0, [2, 2]).broadcast(to: [2]) },
    Fault("slice range", .invalidArgument, "C3", "1..<9") { f($0, [2, 3]).sliced(axis: 1, from: 1, to: 9) },
    Fault("slice order", .invalidArgument, "C3", "2..<1") { f($0, [2, 3]).sliced(axis: 1, from: 2, to: 1) },
    Fault("slice step", .invalidArgument, "C2", "step 0") { f($0, [2, 3]).sliced(axis: 1, by: 0) },
    Fault("slice unknown", .invalidArgument, "C4", "depends on the binding") {
      f($0, ["batch"]).sliced(axis: 0, by: 2)
    },
    Fault("slice counts", .invalidArgument, "C1", "1 starts") { f($0, [2, 3]).sliced(starts: [0]) },
    Fault("pad negative", .invalidArgument, "C2", "padding -1") { f($0, [2]).padded(low: [-1], high: [0]) },
    Fault("pad counts", .invalidArgument, "C1", "2 low") { f($0, [2]).padded(low: [0, 0], high: [0]) },
    Fault("concatenate shapes", .shapeMismatch, "C4", "beyond axis 1") {
      concatenate([f($0, [2, 3]), f($0, [4, 3])], axis: 1)
    },
    Fault("concatenate types", .typeMismatch, "C2", "different element types") {
      concatenate([f($0, [2]), f($0, [2], .i32)], axis: 0)
    },
    Fault("concatenate axis", .invalidArgument, "C3", "axis 1") { concatenate([f($0, [2])], axis: 1) },
    Fault("stack shapes", .shapeMismatch, "C4", "differ") { stack([f($0, [2]), f($0, [3])]) },
    Fault("stack types", .typeMismatch, "C2", "differ") { stack([f($0, [2]), f($0, [2], .i32)]) },
    Fault("split sizes", .invalidArgument, "C2", "add up to 3") {
      f($0, [2, 4]).split(sizes: [1, 2], axis: 1)[0]
    },
    Fault("split parts", .invalidArgument, "C2", "3 parts") { f($0, [2, 4]).split(into: 3, axis: 1)[0] },
    Fault("squeeze", .shapeMismatch, "C3", "extent 2") { f($0, [2, 1]).squeezed(axes: [0]) },
    Fault("expand", .invalidArgument, "C2", "outside -3..<3") { f($0, [2, 1]).expandingAxis(at: 3) },
    Fault("gather indices", .typeMismatch, "C2", "not i32") { gather(f($0, [2, 3]), indices: f($0, [2])) },
    Fault("gather axis", .invalidArgument, "C1", "axis 2") {
      gather(f($0, [2, 3]), indices: f($0, [2], .i32), axis: 2)
    },
    Fault("scatter shape", .shapeMismatch, "C3", "from axis 0") {
      scatterAdd(f($0, [2, 3]), indices: f($0, [4], .i32), size: 9)
    },
    Fault("scatter size", .invalidArgument, "C4", "negative") {
      scatterAdd(f($0, [2, 3]), indices: f($0, [2], .i32), size: -1)
    },
    Fault("one-hot", .typeMismatch, "C1", "not i32") { oneHot(f($0, [2]), depth: 3) },
    Fault("iota", .invalidArgument, "C1", "negative") { $0.iota(-1) },
    Fault("identity matrix", .invalidArgument, "C1", "negative") { $0.identityMatrix(-1) },
    Fault("identity matrix rows", .invalidArgument, "C1", "negative") { $0.identityMatrix(-1, 2) },
    Fault("softmax of scalar", .invalidArgument, "C2", "outside") { softmax(f($0, [])) },
    Fault("softmax of integers", .typeMismatch, "C1", "not floating point") { softmax(f($0, [2], .i32)) },
    Fault("labels shape", .shapeMismatch, "C3", "labels") {
      sparseSoftmaxCrossEntropy(logits: f($0, [2, 3]), labels: f($0, [3], .i32))
    },
    Fault("labels type", .typeMismatch, "C2", "not i32") {
      sparseSoftmaxCrossEntropy(logits: f($0, [2, 3]), labels: f($0, [2]))
    },
    Fault("dense labels", .shapeMismatch, "C1", "different shapes") {
      softmaxCrossEntropy(logits: f($0, [2, 3]), labels: f($0, [2, 4]))
    },
    Fault("squared error", .shapeMismatch, "C1", "do not broadcast") {
      meanSquaredError(f($0, [2, 3]), f($0, [2, 4]))
    },
    Fault("scan carries", .invalidArgument, "C1", "the body returns 0") {
      scan(initial: [f($0, [2])], length: 3) { _ in ScanResult(carries: []) }.carries[0]
    },
    Fault("scan carry type", .shapeMismatch, "C2", "starts as f32[2]") {
      scan(initial: [f($0, [2])], length: 3) { ScanResult(carries: [$0.carries[0].sum()]) }.carries[0]
    },
    Fault("scan lengths", .shapeMismatch, "C3", "share their leading extent") {
      scan(over: [f($0, [2]), f($0, [3])]) { ScanResult(carries: [], outputs: $0.slices) }.outputs[0]
    },
    Fault("scan of another graph", .invalidGraph, "C5", "belongs to another graph") {
      scan(over: [f($0, [2])]) { _ in ScanResult(carries: [], outputs: [f(Graph(), [2])]) }.outputs[0]
    },
    Fault("scan segments", .invalidArgument, "C6", "do not fall into segments of 4") {
      scan(over: [f($0, ["time"])], recomputation: .every(4)) {
        ScanResult(carries: [], outputs: $0.slices)
      }.outputs[0]
    },
    Fault("dropout rate", .invalidArgument, "C4", "no probability") { dropout(f($0, [2]), rate: 1.5) },
    Fault("integer tangent", .typeMismatch, "C1", "not floating point") { tan(f($0, [2], .i32)) },
    Fault("clamp by a fraction", .typeMismatch, "C2", "0.5 is no i32") { clamp(f($0, [2], .i32), min: 0.5) },
    Fault("celu", .invalidArgument, "C2", "alpha 0.0") { celu(f($0, [2]), alpha: 0) },
    Fault("bits of floats", .typeMismatch, "C2", "not i32") { bitwiseAnd(f($0, [2]), f($0, [2])) },
    Fault("routed shapes", .shapeMismatch, "C1", "not of one type") {
      straightThrough(value: f($0, [2]), as: f($0, [3]))
    },
    Fault("scaled gradient of integers", .typeMismatch, "C2", "not floating point") {
      scaleGradient(f($0, [2], .i32), by: 2)
    },
    Fault("norm order", .invalidArgument, "C3", "order of -1") { f($0, [2]).norm(-1) },
    Fault("logarithm axis", .invalidArgument, "C2", "axis 3") { f($0, [2]).logSumExp(axes: [3]) },
    Fault("elements axis", .invalidArgument, "C1", "axis 2") {
      gatherElements(f($0, [2, 3]), indices: f($0, [2, 3], .i32), axis: 2)
    },
    Fault("elements type", .typeMismatch, "C2", "not i32") {
      gatherElements(f($0, [2, 3]), indices: f($0, [2, 3]), axis: 1)
    },
    Fault("elements shape", .shapeMismatch, "C3", "along axis 1") {
      gatherElements(f($0, [2, 3]), indices: f($0, [4, 3], .i32), axis: 1)
    },
    Fault("elements count", .invalidArgument, "C4", "an i32 counts") {
      gatherElements(f($0, [65_536, 65_536]), indices: f($0, [65_536, 1], .i32), axis: 1)
    },
    Fault("scattered updates", .shapeMismatch, "C5", "updates are f32[2,2]") {
      scatterElements(f($0, [2, 3]), indices: f($0, [2, 1], .i32), updates: f($0, [2, 2]), axis: 1)
    },
    Fault("scattered truths", .typeMismatch, "C5", "can only replace") {
      scatterElements(
        f($0, [2], .bool), indices: f($0, [1], .i32), updates: f($0, [1], .bool), axis: 0,
        reduction: .adding)
    },
    Fault("tuples too long", .shapeMismatch, "C2", "indices are i32[5,3]") {
      gatherND(f($0, [2, 3]), indices: f($0, [5, 3], .i32))
    },
    Fault("tuples of batches", .shapeMismatch, "C3", "share 1 first axes") {
      gatherND(f($0, [2, 3]), indices: f($0, [4, 1], .i32), batchAxes: 1)
    },
    Fault("tuples type", .typeMismatch, "C1", "not i32") {
      gatherND(f($0, [2, 3]), indices: f($0, [5, 2]))
    },
    Fault("top count", .invalidArgument, "C3", "4 of the 3 elements") { topK(f($0, [2, 3]), 4).values },
    Fault("sort axis", .invalidArgument, "C2", "axis 2") { argsort(f($0, [2, 3]), axis: 2) },
    Fault("sort of truths", .typeMismatch, "C1", "not a number") { argsort(f($0, [2], .bool)) },
    Fault("reflected negative", .invalidArgument, "C2", "padding [-1]") {
      f($0, [2]).padded(low: [-1], high: [0], mode: .reflect)
    },
    Fault("reflected counts", .invalidArgument, "C1", "2 low") {
      f($0, [2]).padded(low: [0, 0], high: [0], mode: .wrap)
    },
    Fault("edge of nothing", .shapeMismatch, "C3", "empty") {
      f($0, [0]).padded(low: [1], high: [0], mode: .edge)
    },
    Fault("tiles", .invalidArgument, "C1", "counts [2]") { f($0, [2, 3]).tiled(by: [2]) },
    Fault("triangle of a vector", .shapeMismatch, "C1", "f32[2]") { f($0, [2]).upperTriangle() },
    Fault("blocks of channels", .invalidArgument, "C2", "blocks of 2") {
      f($0, [1, 2, 2, 6]).depthToSpace(block: 2)
    },
    Fault("sequences' lengths", .shapeMismatch, "C2", "for 2 sequences") {
      f($0, [2, 3]).reversedSequences(lengths: f($0, [3], .i32))
    },
    Fault("einsum terms", .invalidArgument, "C1", "for 1 operands") { einsum("ij,jk", [f($0, [2, 3])]) },
    Fault("einsum rank", .shapeMismatch, "C2", "`ijk` for f32[2,3]") { einsum("ijk->i", [f($0, [2, 3])]) },
    Fault("einsum result", .invalidArgument, "C3", "the result") { einsum("ij->ik", [f($0, [2, 3])]) },
    Fault("einsum extents", .shapeMismatch, "C4", "3 and 4") {
      einsum("ij,jk", [f($0, [2, 3]), f($0, [4, 5])])
    },
    Fault("einsum types", .typeMismatch, "C5", "operands are") {
      einsum("i,i", [f($0, [2]), f($0, [2], .i32)])
    },
    Fault("volume rank", .shapeMismatch, "C1", "not volumes") {
      conv3d(f($0, [1, 2, 2, 3]), f($0, [1, 1, 3, 4]))
    },
    Fault("volume window", .shapeMismatch, "C8", "2 deep") {
      conv3d(f($0, [1, 2, 4, 4, 3]), f($0, [3, 1, 1, 3, 4]))
    },
    Fault("volume channels", .shapeMismatch, "C6", "reads 2") {
      conv3d(f($0, [1, 2, 4, 4, 3]), f($0, [1, 1, 1, 2, 4]))
    },
    Fault("volume output padding", .invalidArgument, "C9", "output padding 1") {
      conv3dTranspose(f($0, [1, 2, 4, 4, 3]), f($0, [1, 1, 1, 2, 3]), outputPadding: (1, 0, 0))
    },
    Fault("pool of volumes", .shapeMismatch, "C1", "[batch, depth") {
      maxPool3d(f($0, [2, 3]), window: (1, 1, 1))
    },
    Fault("dilated mean", .shapeMismatch, "C8", "the window 5") {
      averagePool2d(f($0, [1, 4, 4, 3]), window: (3, 1), dilation: (2, 1))
    },
    Fault("resampled extent", .invalidArgument, "C3", "0 of 3") {
      f($0, [3]).resampled(axis: 0, to: 0, Resampling(.linear))
    },
    Fault("resampled name", .shapeMismatch, "C2", "extent batch") {
      f($0, ["batch"]).resampled(axis: 0, to: 2, Resampling(.linear))
    },
    Fault("grid", .shapeMismatch, "C1", "at f32[1,2,2,3]") {
      gridSample(f($0, [1, 4, 5, 2]), at: f($0, [1, 2, 2, 3]))
    },
    Fault("grid of too many places", .shapeMismatch, "C6", "f32[65536,256,128,1]") {
      gridSample(f($0, [65536, 256, 128, 1]), at: f($0, [65536, 1, 1, 2]))
    },
    Fault("response size", .invalidArgument, "C2", "size of 0") {
      localResponseNormalized(f($0, [2, 3]), size: 0)
    },
    Fault("standardized epsilon", .invalidArgument, "C3", "epsilon -1") {
      standardized(f($0, [2]), axes: [0], epsilon: -1)
    },
    Fault("attention widths", .shapeMismatch, "C2", "query f32[1,2,3]") {
      attention(query: f($0, [1, 2, 3]), key: f($0, [1, 2, 4]), value: f($0, [1, 2, 4]))
    },
    Fault("rotary angles", .shapeMismatch, "C3", "cosines f32[2,3]") {
      rotaryEmbedding(f($0, [2, 4]), cosines: f($0, [2, 3]), sines: f($0, [2, 3]))
    },
    Fault("smoothing", .invalidArgument, "C5", "a smoothing of 2") {
      crossEntropy(logits: f($0, [2, 3]), labels: f($0, [2], .i32), smoothing: 2)
    },
    Fault("class weights", .shapeMismatch, "C4", "for 3 classes") {
      crossEntropy(logits: f($0, [2, 3]), labels: f($0, [2], .i32), classWeights: f($0, [2]))
    },
    Fault("likelihood labels", .shapeMismatch, "C3", "labels i32[3]") {
      negativeLogLikelihood(logProbabilities: f($0, [2, 3]), labels: f($0, [3], .i32))
    },
    Fault("huber delta", .invalidArgument, "C4", "delta 0") { huberLoss(f($0, [2]), f($0, [2]), delta: 0) },
    Fault("focal gamma", .invalidArgument, "C4", "gamma -1") {
      focalLoss(logits: f($0, [2]), labels: f($0, [2]), gamma: -1)
    },
    Fault("contrast", .shapeMismatch, "C1", "keys f32[3,3]") {
      contrastiveLoss(queries: f($0, [2, 3]), keys: f($0, [3, 3]))
    },
    Fault("distilled shapes", .shapeMismatch, "C1", "do not broadcast") {
      distillationLoss(student: f($0, [2, 3]), teacher: f($0, [2, 4]))
    },
    Fault("ctc labels", .shapeMismatch, "C2", "labels are i32[3,2]") {
      ctcLoss(logProbabilities: f($0, [2, 5, 4]), labels: f($0, [3, 2], .i32))
    },
    Fault("mask type", .typeMismatch, "C3", "the mask is f32[2]") {
      maskedMean(f($0, [2]), mask: f($0, [2]))
    },
    Fault("mask shape", .shapeMismatch, "C1", "more axes") {
      maskedSoftmax(f($0, [2]), mask: f($0, [3, 2], .bool))
    },
    Fault("codebook", .shapeMismatch, "C1", "a codebook f32[5,4]") {
      nearestCodes(f($0, [2, 3]), codebook: f($0, [5, 4])).codes
    },
    Fault("random integers", .typeMismatch, "C3", "not floating point") {
      $0.randomUniform([2], dtype: .i32)
    },
  ]

  @Test(arguments: faults) func faultsAreRecorded(_ fault: Fault) throws {
    let graph = Graph()
    let result = fault.build(graph)
    #expect(result.isPoisoned)
    let error = #expect(throws: FirnError.self) { () throws in try graph.validate() }
    #expect(error?.code == fault.code)
    #expect(error?.constraint == fault.constraint)
    #expect(error?.message.contains(fault.part) == true, "\(error?.message ?? "")")
    #expect(error?.remedy?.isEmpty == false)
    #expect(graph.diagnostics.count == 1)
  }

  @Test func poisonIsSilent() {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2, 3])
    let bad = x.sum(axes: [5])
    let i = graph.placeholder("i", shape: [2], dtype: .i32)
    let made: [Tensor] = [
      bad + x, x - bad, -bad, 2 * bad, bad / 2, exp(bad), hardSwish(bad),
      maximum(x, bad), pow(bad, 2), greater(bad, 0),
      logicalNot(bad), select(where: bad, x, otherwise: x), select(where: x, bad, otherwise: x),
      matmul(bad, x), matmul(x, bad), bad.reshaped(to: [-1]), bad.transposed(), bad.transposed([0, 1]),
      bad.broadcast(to: [4]), bad.sliced(starts: [1]), bad.sliced(axis: 4), bad.reversed(axes: [3]),
      bad.padded(low: [1], high: [1]), bad.expandingAxis(at: 9), bad.squeezed(axes: [7]), bad.cast(to: .i32),
      bad.sum(axes: [8]), bad.mean(), bad.max(), bad.min(), bad.product(), bad.argmax(axis: 3),
      bad.cumulativeSum(axis: 3),
      bad.split(sizes: [1, 2], axis: 7)[1], bad.split(into: 2, axis: 7)[1], concatenate([x, bad], axis: 8),
      stack([x, bad], axis: 8), gather(bad, indices: i), gather(x, indices: bad),
      scatterAdd(bad, indices: i, size: 2), scatterAdd(x, indices: bad, size: 2), oneHot(bad, depth: 3),
      softmax(bad, axis: 5), logSoftmax(bad), sparseSoftmaxCrossEntropy(logits: bad, labels: i),
      sparseSoftmaxCrossEntropy(logits: x, labels: bad), softmaxCrossEntropy(logits: x, labels: bad),
      sigmoidCrossEntropy(logits: bad, labels: x), meanSquaredError(x, bad), stopGradient(bad), identity(bad),
      dropout(bad, rate: 0.5), conv2d(bad, x), conv2d(x, bad), conv2dTranspose(bad, x), conv1d(x, bad),
      maxPool2d(bad, window: (2, 2)), averagePool2d(bad, window: (2, 2)), globalMaxPool2d(bad),
      adaptiveAveragePool2d(bad, to: (1, 1)), resize(bad, to: (2, 2), .nearest), upsample(bad, by: (2, 2)),
      tan(bad), clamp(bad, min: 0), selu(bad), celu(bad, alpha: 2), prelu(bad, slope: x),
      prelu(x, slope: bad),
      hardSigmoid(bad), softsign(bad), shrink(bad), logSigmoid(bad), trunc(bad), isNaN(bad), isInfinite(bad),
      thresholdedReLU(bad), truncatingRemainder(bad, x), floorRemainder(x, bad), bitwiseOr(bad, i),
      straightThrough(value: bad, as: x), straightThrough(value: x, as: bad), reverseGradient(bad),
      bad.logSumExp(), bad.variance(correction: 1), bad.norm(3), bad.argmax(axis: 0, last: true),
      gatherElements(bad, indices: i, axis: 0), gatherElements(x, indices: bad, axis: 0),
      gatherND(bad, indices: i), gatherND(x, indices: bad),
      scatterElements(bad, indices: i, updates: x, axis: 0),
      scatterElements(x, indices: i, updates: bad, axis: 0), scatterND(x, indices: bad, updates: x),
      topK(bad, 1).values, argsort(bad), bad.padded(low: [1], high: [1], mode: .edge), bad.tiled(by: [1]),
      bad.upperTriangle(), bad.depthToSpace(block: 2), bad.reversedSequences(lengths: i),
      x.reversedSequences(lengths: bad), einsum("ij,jk", [x, bad]), conv3d(bad, x), conv3d(x, bad),
      conv3dTranspose(x, bad), conv1dTranspose(bad, x), maxPool1d(bad, window: 2),
      maxPool3d(bad, window: (1, 1, 1)),
      averagePool3d(bad, window: (1, 1, 1)), lpPool2d(bad, window: (1, 1)),
      gridSample(bad, at: x), gridSample(x, at: bad), bad.resampled(axis: 0, to: 2, Resampling(.linear)),
      standardized(bad, axes: [0]),
      rootMeanSquareNormalized(bad), normalized(bad), localResponseNormalized(bad, size: 3),
      attention(query: bad, key: x, value: x), attention(query: x, key: x, value: x, mask: bad),
      rotaryEmbedding(x, cosines: bad, sines: x), crossEntropy(logits: bad, labels: i),
      crossEntropy(logits: x, labels: bad), crossEntropy(logits: x, labels: i, classWeights: bad),
      negativeLogLikelihood(logProbabilities: bad, labels: i), focalLoss(logits: bad, labels: x),
      huberLoss(x, bad), hingeLoss(scores: bad, labels: x), multiMarginLoss(scores: bad, labels: i),
      cosineSimilarity(x, bad), tripletLoss(anchor: x, positive: x, negative: bad),
      contrastiveLoss(queries: x, keys: bad), klDivergence(logProbabilities: bad, targets: x),
      distillationLoss(student: x, teacher: bad), ctcLoss(logProbabilities: bad, labels: i),
      ctcLoss(logProbabilities: x, labels: bad), maskedMean(bad, mask: x), maskedSoftmax(x, mask: bad),
      nearestCodes(x, codebook: bad).codes,
    ]
    #expect(made.allSatisfy { $0.isPoisoned })
    #expect(bad.unstacked(axis: 3).isEmpty)
    #expect(graph.diagnostics.count == 1)
  }

  @Test func nothingToConcatenateIsPoison() {
    #expect(concatenate([], axis: 0).isPoisoned)
    #expect(stack([]).isPoisoned)
    #expect(einsum("", []).isPoisoned)
  }

  @Test func locationsAndScopesAreNamed() throws {
    let graph = Graph()
    graph.scope("encoder") {
      _ = matmul(graph.placeholder("x", shape: [2, 3]), graph.placeholder("y", shape: [2, 3]))
    }
    let error = try #require(graph.diagnostics.first)
    #expect(error.location?.file.hasSuffix("BuildingErrorTests.swift") == true)
    #expect(error.place == "encoder/matmul")
    #expect(error.operands.map(\.label) == ["left", "right"])
  }
}
