package import FirnGraph

extension OpCatalogue {
  /// Every op Firn has.
  package static let standard = OpCatalogue(
    OpCatalogue.graphOps + [
      Unary.self,
      Binary.self,
      Compare.self,
      Logical.self,
      Select.self,
      Cast.self,
      MatMul.self,
      Convolution.self,
      MaxPool.self,
      Resample.self,
      Reduce.self,
      ArgReduce.self,
      CumulativeSum.self,
      LinearRecurrence.self,
      Reshape.self,
      Transpose.self,
      Broadcast.self,
      Slice.self,
      Pad.self,
      Reverse.self,
      Concat.self,
      Split.self,
      Gather.self,
      ScatterAdd.self,
      OneHot.self,
      Iota.self,
      Extent.self, SampleCount.self,
      Softmax.self,
      SparseCrossEntropy.self,
      CrossEntropy.self,
      MeanSquaredError.self,
      RandomDraw.self,
      Dropout.self,
      ByMode.self,
      Scan.self,
    ])
}
