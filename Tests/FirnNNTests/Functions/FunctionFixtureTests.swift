import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Foundation
import Testing

/// Functions made of functions, against PyTorch's: values and gradients, through the compiler.
@Suite struct FunctionFixtureTests {
  /// What each case of the script is here.
  static let functions: [String: @Sendable ([Tensor]) -> Tensor] = [
    "gelu_tanh": { geluTanh($0[0]) },
    "mish": { mish($0[0]) },
    "selu": { selu($0[0]) },
    "celu": { celu($0[0], alpha: 0.7) },
    "softsign": { softsign($0[0]) },
    "softshrink": { shrink($0[0], threshold: 0.4, bias: 0.4) },
    "hardshrink": { shrink($0[0], threshold: 0.4) },
    "hard_sigmoid": { hardSigmoid($0[0]) },
    "hard_tanh": { hardTanh($0[0]) },
    "relu6": { relu6($0[0]) },
    "clamp": { clamp($0[0], min: -1, max: 1) },
    "threshold": { thresholdedReLU($0[0], threshold: 0.5) },
    "prelu": { prelu($0[0], slope: $0[1]) },
    "log_sigmoid": { logSigmoid($0[0]) },
    "trunc": { trunc($0[0]) },
    "remainder": { floorRemainder($0[0], $0[1]) },
    "remainder of integers": { floorRemainder($0[0], $0[1]) },
    "tan": { tan($0[0]) },
    "sinh": { sinh($0[0]) },
    "cosh": { cosh($0[0]) },
    "asinh": { asinh($0[0]) },
    "atan": { atan($0[0]) },
    "asin": { asin($0[0]) },
    "acos": { acos($0[0]) },
    "atanh": { atanh($0[0]) },
    "acosh": { acosh($0[0]) },

    "log_sum_exp": { $0[0].logSumExp(axes: [0, -1]) },
    "log_sum_exp of nothing": { $0[0].logSumExp(axes: [1]) },
    "variance": { $0[0].variance(axes: [1], correction: 1) },
    "norm 1": { $0[0].norm(1, axes: [-1]) },
    "norm 2": { $0[0].norm(axes: [-1]) },
    "norm 3": { $0[0].norm(3, axes: [0, 1]) },

    "gather_elements": { gatherElements($0[0], indices: $0[1], axis: 1) },
    "scatter_elements": { scatterElements($0[0], indices: $0[1], updates: $0[2], axis: 1) },
    "scatter_elements sum": {
      scatterElements($0[0], indices: $0[1], updates: $0[2], axis: 1, reduction: .adding)
    },
    "scatter_elements prod": {
      scatterElements($0[0], indices: $0[1], updates: $0[2], axis: -2, reduction: .multiplying)
    },
    "scatter_elements amax": {
      scatterElements($0[0], indices: $0[1], updates: $0[2], axis: 1, reduction: .maximum)
    },
    "scatter_elements amin": {
      scatterElements($0[0], indices: $0[1], updates: $0[2], axis: 1, reduction: .minimum)
    },
    "gather_nd": { gatherND($0[0], indices: $0[1]) },
    "gather_nd batched": { gatherND($0[0], indices: $0[1], batchAxes: 1) },
    "scatter_nd": { scatterND($0[0], indices: $0[1], updates: $0[2]) },
    "scatter_nd adding": { scatterND($0[0], indices: $0[1], updates: $0[2], reduction: .adding) },
    "topk": { topK($0[0], 3, axis: 1).values },
    "topk smallest": { topK($0[0], 2, axis: 0, smallest: true).indices },
    "argsort": { argsort($0[0], axis: 1, descending: true) },

    "pad reflect": { $0[0].padded(low: [0, 0, 2], high: [0, 0, 3], mode: .reflect) },
    "pad replicate": { $0[0].padded(low: [0, 0, 2], high: [0, 0, 3], mode: .edge) },
    "pad circular": { $0[0].padded(low: [0, 0, 2], high: [0, 0, 3], mode: .wrap) },
    "tile": { $0[0].tiled(by: [2, 1, 3]) },
    "triu": { $0[0].upperTriangle(diagonal: 1) },
    "tril": { $0[0].lowerTriangle(diagonal: -1) },
    "pixel_shuffle": { $0[0].depthToSpace(block: 2, order: .channelsFirst) },
    "pixel_unshuffle": { $0[0].spaceToDepth(block: 2, order: .channelsFirst) },
    "einsum products": { einsum("bij,bjk->bik", [$0[0], $0[1]]) },
    "einsum three": { einsum("ij, jk, kl -> li", $0) },
    "einsum trace": { einsum("bii->b", [$0[0]]) },
    "einsum implicit": { einsum("ba,c", [$0[0], $0[1]]) },
    "einsum dots": { einsum("...ij,...j->i...", [$0[0], $0[1]]) },
    "einsum elements": { einsum("ij,ij->ij", [$0[0], $0[1]]) },

    "conv3d": {
      conv3d(
        $0[0], $0[1], strides: (2, 1, 1), padding: .symmetric(1, 0, 1), dilation: (1, 2, 1), groups: 2)
    },
    "conv3d_transpose": {
      conv3dTranspose(
        $0[0], $0[1], strides: (2, 1, 2), padding: .symmetric(1, 0, 1), outputPadding: (1, 0, 1))
    },
    "conv1d_transpose": {
      conv1dTranspose($0[0], $0[1], stride: 2, padding: .symmetric(0, 1), outputPadding: 1)
    },
    "max_pool1d": {
      maxPool1d($0[0], window: 3, stride: 2, padding: .symmetric(0, 1), dilation: 2, roundsUp: true)
    },
    "average_pool1d": {
      averagePool1d($0[0], window: 3, stride: 2, padding: .symmetric(0, 1), roundsUp: true)
    },
    "max_pool3d": {
      maxPool3d($0[0], window: (2, 2, 1), strides: (1, 2, 1), padding: .symmetric(1, 0, 0))
    },
    "average_pool3d": {
      averagePool3d(
        $0[0], window: (2, 3, 1), strides: (1, 2, 1), padding: .symmetric(1, 1, 0), countsPadding: false)
    },
    "average_pool2d up True": {
      averagePool2d($0[0], window: (3, 2), strides: (2, 2), padding: .symmetric(1, 1), roundsUp: true)
    },
    "average_pool2d up False": {
      averagePool2d(
        $0[0], window: (3, 2), strides: (2, 2), padding: .symmetric(1, 1), countsPadding: false,
        roundsUp: true)
    },
    "average_pool2d dilated": {
      averagePool2d(
        $0[0], window: (2, 2), strides: (1, 1), padding: .symmetric(1, 1), dilation: (2, 2),
        countsPadding: false)
    },
    "lp_pool2d": { lpPool2d($0[0], p: 3, window: (2, 2), strides: (1, 1)) },

    "resample linear": { $0[0].resampled(axis: 1, to: 7, Resampling(.linear)) },
    "resample nearest": {
      $0[0].resampled(axis: 1, to: 7, Resampling(.nearest(.down), positions: .asymmetric))
    },
    "resample corners": {
      let rule = Resampling(.cubic(), positions: .alignedCorners)
      return $0[0].resampled(axis: 1, to: 3, rule).resampled(axis: 2, to: 7, rule)
    },
    "resample smoothed": {
      let rule = Resampling(.linear, excludesOutside: true, isAntialiased: true)
      return $0[0].resampled(axis: 1, to: 3, rule).resampled(axis: 2, to: 4, rule)
    },
    "resample smoothed cubic": {
      let rule = Resampling(.cubic(-0.5), excludesOutside: true, isAntialiased: true)
      return $0[0].resampled(axis: 1, to: 3, rule).resampled(axis: 2, to: 4, rule)
    },

    "grid bilinear zeros": { gridSample($0[0], at: $0[1]) },
    "grid bilinear border": { gridSample($0[0], at: $0[1], padding: .border, alignsCorners: true) },
    "grid bilinear reflection": { gridSample($0[0], at: $0[1], padding: .reflection) },
    "grid nearest zeros": { gridSample($0[0], at: $0[1], isNearest: true) },
    "grid nearest border": {
      gridSample($0[0], at: $0[1], isNearest: true, padding: .border, alignsCorners: true)
    },
    "grid nearest reflection": { gridSample($0[0], at: $0[1], isNearest: true, padding: .reflection) },
    "grid reflection corners": {
      gridSample($0[0], at: $0[1], padding: .reflection, alignsCorners: true)
    },

    "standardized": { standardized($0[0], axes: [1, 2]) },
    "rms_norm": { rootMeanSquareNormalized($0[0]) },
    "rms_norm layer": { RMSNorm()($0[0]) },
    "normalize": { FirnOps.normalized($0[0], p: 3, axis: 1) },
    "local_response_norm": { localResponseNormalized($0[0], size: 3, alpha: 0.1, beta: 0.6, bias: 1.5) },
    "attention": { attention(query: $0[0], key: $0[1], value: $0[2]) },
    "attention causal": {
      attention(query: $0[0], key: $0[1], value: $0[2], isCausal: true, scale: 0.3)
    },
    "attention seen": { attention(query: $0[0], key: $0[1], value: $0[2], mask: $0[3]) },
    "attention added": { attention(query: $0[0], key: $0[1], value: $0[2], mask: $0[3]) },
    "attention shared": { attention(query: $0[0], key: $0[1], value: $0[2]) },
    "rotary": { rotaryEmbedding($0[0], cosines: $0[1], sines: $0[2]) },
    "rotary interleaved": {
      rotaryEmbedding($0[0], cosines: $0[1], sines: $0[2], isInterleaved: true)
    },

    "cross_entropy none": {
      crossEntropy(
        logits: $0[0], labels: $0[1], classWeights: $0[2], ignoring: -100, smoothing: 0.1, reduction: .none)
    },
    "cross_entropy mean": {
      crossEntropy(logits: $0[0], labels: $0[1], classWeights: $0[2], ignoring: -100, smoothing: 0.1)
    },
    "cross_entropy sum": {
      crossEntropy(
        logits: $0[0], labels: $0[1], classWeights: $0[2], ignoring: -100, smoothing: 0.1, reduction: .sum)
    },
    "cross_entropy plain": { crossEntropy(logits: $0[0], labels: $0[1]) },
    "cross_entropy smoothed": { crossEntropy(logits: $0[0], labels: $0[1], smoothing: 0.2) },
    "nll": {
      negativeLogLikelihood(
        logProbabilities: logSoftmax($0[0]), labels: $0[1], classWeights: $0[2], ignoring: -100)
    },
    "nll none": { negativeLogLikelihood(logProbabilities: $0[0], labels: $0[1], reduction: .none) },
    "focal": { focalLoss(logits: $0[0], labels: $0[1]) },
    "focal 1.5": { focalLoss(logits: $0[0], labels: $0[1], gamma: 1.5, alpha: 0.4) },
    "huber": { huberLoss($0[0], $0[1], delta: 0.8) },
    "hinge": { hingeLoss(scores: $0[0], labels: $0[1]) },
    "multi_margin": { multiMarginLoss(scores: $0[0], labels: $0[1]) },
    "multi_margin 2": { multiMarginLoss(scores: $0[0], labels: $0[1], margin: 0.7, p: 2) },
    "cosine": { cosineSimilarity($0[0], $0[1]) },
    "cosine of zero": { cosineSimilarity($0[0], $0[1], axis: 0) },
    "triplet": { tripletLoss(anchor: $0[0], positive: $0[1], negative: $0[2]) },
    "triplet swapped": {
      tripletLoss(anchor: $0[0], positive: $0[1], negative: $0[2], margin: 2, p: 3, swapping: true)
    },
    "info_nce": { contrastiveLoss(queries: $0[0], keys: $0[1], temperature: 0.5) },
    "info_nce symmetric": {
      contrastiveLoss(queries: $0[0], keys: $0[1], temperature: 0.5, isSymmetric: true)
    },
    "info_nce queue": { contrastiveLoss(queries: $0[0], keys: $0[1], negatives: $0[2], temperature: 0.5) },
    "kl": { klDivergence(logProbabilities: logSoftmax($0[0]), targets: $0[1]) },
    "distillation": { distillationLoss(student: $0[0], teacher: $0[1], temperature: 3).mean() },
    "ctc": {
      ctcLoss(
        logProbabilities: logSoftmax($0[0]), labels: $0[1], inputLengths: $0[2], labelLengths: $0[3])
    },
    "ctc of none": {
      ctcLoss(
        logProbabilities: logSoftmax($0[0]), labels: $0[1], inputLengths: $0[2], labelLengths: $0[3])
    },
    "ctc blank last": { ctcLoss(logProbabilities: logSoftmax($0[0]), labels: $0[1], blank: 3) },
    "masked_softmax": { maskedSoftmax($0[0], mask: $0[1]) },
    "masked_mean": { maskedMean($0[0], mask: $0[1], axes: [1]) },
  ]

  @Test func everyCaseIsRun() {
    #expect(Set(FunctionFixture.all.map(\.name)) == Set(Self.functions.keys))
  }

  @Test(arguments: FunctionFixture.all, [DType.f64, .f32])
  func valuesAndGradients(_ fixture: FunctionFixture, _ dtype: DType) throws {
    let function = try #require(Self.functions[fixture.name], "add it to the functions")
    let graph = Graph()
    let arrays = try fixture.inputs.map { try $0.array(dtype) }
    let inputs = arrays.enumerated().map {
      graph.placeholder("x\($0)", shape: Shape($1.shape), dtype: $1.dtype)
    }
    let value = function(inputs)
    try graph.validate()
    let feeds = Feeds(arrays.enumerated().map { ("x\($0)", $1) })
    let session = try quietSession(graph)
    // PyTorch's own constants of some functions are those of `f32`, in `f64` too.
    let tolerance = dtype == .f64 ? 1e-8 : 2e-5
    func expect(_ made: NDArray, _ wanted: FunctionFixture.Numbers, _ what: String) {
      #expect(made.shape == wanted.shape, "\(what)")
      let scale = wanted.values.filter(\.isFinite).map(abs).max() ?? 0
      for (a, b) in zip(made.doubles, wanted.values) where a != b {
        #expect(abs(a - b) <= tolerance * max(1, scale), "\(what): \(made.doubles) is not \(wanted.values)")
      }
    }
    expect(try session.run(session.compile(fetching: [value]), feeding: feeds)[value], fixture.value, "value")
    guard let gradients = fixture.gradients else { return }
    let weights = fixture.value.values.indices.map { Foundation.cos(Double($0)) }
    let cosines = graph.constant(try NDArray(weights, shape: fixture.value.shape).converted(to: dtype))
    // What is infinite weighs nothing, and has no gradient.
    let finite = select(
      where: isInfinite(value), graph.constant(0, dtype: dtype), otherwise: value)
    let loss = (finite * cosines).sum()
    let wanted = zip(inputs, gradients).compactMap { input, numbers in numbers.map { (input, $0) } }
    let made = graph.gradients(of: [loss], withRespectTo: wanted.map(\.0), unconnected: .zero)
    let results = try session.run(session.compile(fetching: made), feeding: feeds)
    for (gradient, numbers) in zip(made, wanted.map(\.1)) {
      expect(try results[gradient], numbers, "gradient")
    }
  }

  /// A class that is masked by an infinite logit counts for nothing, and its gradient is 0.
  @Test func maskedClassesCountForNothing() throws {
    let graph = Graph()
    let student = graph.placeholder("student", shape: [3], dtype: .f64)
    let teacher = graph.placeholder("teacher", shape: [3], dtype: .f64)
    let divergence = klDivergence(logProbabilities: logSoftmax(student), targets: softmax(teacher))
    let distilled = distillationLoss(student: student, teacher: teacher, temperature: 1)
    let gradients = try [divergence, distilled].map {
      try #require(graph.gradients(of: [$0], withRespectTo: [student]).first)
    }
    try graph.validate()
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [divergence, distilled] + gradients)
    func run(_ a: [Double], _ b: [Double]) throws -> [[Double]] {
      let results = try session.run(
        program, feeding: ["student": NDArray(a, shape: [3]), "teacher": NDArray(b, shape: [3])])
      return try ([divergence, distilled] + gradients).map { try results[$0].doubles }
    }
    let masked = try run([0.5, -0.25, -.infinity], [0.1, 0.3, -.infinity])
    // The same of the two classes that are left.
    let p = [exp(0.1), exp(0.3)].map { $0 / (exp(0.1) + exp(0.3)) }
    let q = [exp(0.5), exp(-0.25)].map { $0 / (exp(0.5) + exp(-0.25)) }
    let expected = zip(p, q).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) }
    for value in masked[..<2] { #expect(abs(value[0] - expected) < 1e-12) }
    for gradient in masked[2...] {
      for (a, b) in zip(gradient, [q[0] - p[0], q[1] - p[1], 0]) { #expect(abs(a - b) < 1e-12) }
    }
  }
}
