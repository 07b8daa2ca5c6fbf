import FirnGraph

/// A stored tensor under the name, and with the shape, a map gives it.
struct MappedWeight {
  /// As the map makes it; its name is relative to the scope that is loaded into.
  let entry: WeightEntry
  /// What it is made from, in the order of the file.
  let sources: [WeightEntry]
  /// What was done to the elements, in words; empty where nothing was.
  let change: String
  /// Whether it is the sum of two biases that train apart where the file comes from.
  var joinsBiases = false
  /// Whether it is a count of batches, which only some norms keep: nothing lacks it.
  var isCount: Bool { shape.isEmpty && target.split(separator: "/").last == ModuleNames.count[...] }

  var target: String { entry.name }
  var shape: [Int] { entry.shape }
}
