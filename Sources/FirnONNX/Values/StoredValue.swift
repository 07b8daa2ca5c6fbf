import FirnFormats
import FirnGraph
import FirnOps

/// Elements of a model's file: an initialiser, or what a `Constant` holds.
///
/// Nothing is made of it until a node asks: one asked only for numbers, such as an ε, becomes no node at all; one that
/// is a weight becomes a variable, in the layout that its first user wants.
final class StoredValue {
  let name: String
  let message: TensorMessage
  /// Whether it is a variable where its elements are floats.
  let isParameter: Bool
  /// What the file says of freezing; nil where it says nothing.
  let trainable: Bool?
  let role: String?
  /// What the file calls the variable; nil where the name is to tell.
  let path: String?
  private let read: () throws(FirnError) -> NDArray
  private var elements: NDArray?

  /// The variable or constant, once made, and how its axes lie: axis i of it is axis `order[i]` of the initialiser.
  var made: (tensor: Tensor, order: [Int])?
  /// The scope of the node that it was made for.
  var scope = ""
  /// By scope: variables of other modules whose values were equal, so that the exporter kept one of them.
  var copies: [String: StoredValue] = [:]
  private var restored: Tensor?

  init(
    _ message: TensorMessage, name: String, isParameter: Bool,
    read: @escaping () throws(FirnError) -> NDArray
  ) {
    self.message = message
    self.name = name
    self.isParameter = isParameter
    self.read = read
    trainable = message.metadata["firn.trainable"].map { $0 == "true" }
    role = message.metadata["firn.role"]
    path = message.metadata["firn.scope"]
  }

  /// A variable of its own with the same elements.
  func copy() -> StoredValue { StoredValue(message, name: name, isParameter: isParameter, read: read) }

  func array() throws(FirnError) -> NDArray {
    if let elements { return elements }
    let array = try read()
    // Large ones are wanted once, for the variable.
    if array.elementCount <= KnownIntegers.limit { elements = array }
    return array
  }

  /// The made tensor with its axes in the initialiser's order, or in `order`.
  func arranged(_ order: [Int]) -> Tensor? {
    guard let made else { return nil }
    let isPlain = order == Array(order.indices)
    if isPlain, let restored { return restored }
    let result = made.tensor.transposed(order.map { axis in made.order.firstIndex(of: axis) ?? axis })
    if isPlain { restored = result }
    return result
  }
}
