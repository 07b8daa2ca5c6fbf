/// Counts the tensors in what is not read, looking into every container once.
struct TensorCount {
  private var sequences: Set<Int> = []
  private var dictionaries: Set<Int> = []
  private var objects: Set<Int> = []

  /// Those within `values`, as far as they were not counted before.
  mutating func tensors(in values: [PickleValue], of unpickler: Unpickler) -> Int {
    var pending = values
    var count = 0
    while let value = pending.popLast() {
      switch value {
      case .tensor: count += 1
      case .list(let index), .tuple(let index):
        if sequences.insert(index).inserted { pending += unpickler.sequences[index] }
      case .dictionary(let index):
        if dictionaries.insert(index).inserted {
          for (key, value) in unpickler.dictionaries[index] { pending += [key, value] }
        }
      case .object(let index):
        guard objects.insert(index).inserted else { continue }
        let object = unpickler.objects[index]
        pending += [object.arguments, object.state ?? .none]
        if let items = object.items { pending.append(.dictionary(items)) }
        if let elements = object.elements { pending.append(.list(elements)) }
      case .none, .bool, .integer, .long, .number, .text, .bytes, .global, .name, .storage, .opaque: break
      }
    }
    return count
  }
}
