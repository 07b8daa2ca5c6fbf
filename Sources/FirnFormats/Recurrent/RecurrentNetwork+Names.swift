import FirnGraph

extension RecurrentNetwork {
  /// The names its weights have in a layout.
  package func names(in layout: RecurrentLayout) -> Set<String> {
    let leaves = leaves(in: layout)
    var names: Set<String> = []
    for layer in 0..<max(layers, 0) {
      for isBackward in isBidirectional ? [false, true] : [false] {
        let place = layout.place(layer: layer, isBackward: isBackward, of: self)
        for leaf in leaves { names.insert(place.prefix + leaf + place.suffix) }
      }
    }
    return names
  }

  /// The names of one cell's weights, in the layout's order.
  func leaves(in layout: RecurrentLayout) -> [String] {
    // A cell of one unit, as names do not depend on the width.
    func zeros(_ shape: [Int]) -> NDArray { NDArray(cleared: ArrayType(.f32, shape)) }
    var reader = WeightReader([
      "kernel": zeros([1, gateCount]), "recurrent_kernel": zeros([1, gateCount]), "bias": zeros([gateCount]),
      "recurrent_bias": zeros([gateCount]), "peephole": zeros([3]), "projection": zeros([1, 1]),
    ])
    guard let cell = try? CellWeights(reading: &reader, layout: .firn(), network: self, features: nil) else {
      firnBug("RecurrentNetwork", "a cell of one unit is refused")
    }
    return cell.arrays(in: layout, network: self).map(\.0)
  }
}
