import FirnFiles
import FirnFormats
import FirnGraph

extension TensorMessage {
  /// Whether an initialiser of a model's own graph is a weight, where its elements are floats: a number without a name
  /// of its own is a constant that the exporter put beside the weights.
  func isWeight(_ name: String, count: Int) -> Bool {
    switch kind {
    case .parameter, .buffer: true
    case .constant: false
    case nil: count > 1 || PathText.isDotted(name) || metadata["firn.trainable"] != nil
    }
  }

  /// Whether its elements are all this number, and no module has a name for them: what an exporter puts where its
  /// operator wants a weight and the model has none.
  ///
  /// - Parameter weight: its name, where it is a weight; nil where it is a constant.
  func isFilled(
    with number: Double, weight: String?, from files: ExternalFiles, fault: FileFault
  ) -> Bool {
    guard metadata.isEmpty, weight.map({ PathText.isNumbered($0) }) ?? true,
      let count = try? elementCount(fault), (1...KnownIntegers.limit).contains(count),
      let elements = try? array(from: files, fault: fault)
    else { return false }
    return elements.doubles.allSatisfy { $0 == number }
  }
}
