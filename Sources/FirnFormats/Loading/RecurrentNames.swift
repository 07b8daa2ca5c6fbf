/// Where the weights of a recurrent network are in a file, and where in a model.
struct RecurrentNames: Hashable {
  let layout: RecurrentLayout
  /// What stands before the weights' names: of all, of each layer, or of each layer and direction, in order.
  let prefixes: [String]
  /// The layer's scope.
  let scope: String

  /// What a tensor of the file is called among the network's weights; nil where it is none of them.
  ///
  /// TensorFlow 1 adds `:0`, as to the name of any output. Keras has components of its own: `lstm_cell`, and in two
  /// directions `forward_lstm` or `backward_lstm`.
  func weight(_ file: String, of network: RecurrentNetwork, among weights: Set<String>) -> String? {
    for (number, prefix) in prefixes.enumerated() where file.hasPrefix(prefix) {
      let name = file.dropFirst(prefix.count)
      let rest = String(name.hasSuffix(":0") ? name.dropLast(2) : name)
      if prefixes.count == 1, weights.contains(rest) { return rest }
      guard layout == .keras || layout == .kerasCuDNN else { continue }
      var components = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      let leaf = components.removeLast()
      components.removeAll { $0.contains("cell") }
      var (layer, isBackward) = (0, false)
      if isByDirection(network) {
        (layer, isBackward) = (number / 2, number % 2 == 1)
      } else {
        layer = number
        guard let direction = network.isBidirectional ? components.popLast() : "forward" else { continue }
        isBackward = direction.hasPrefix("backward")
        guard isBackward || direction.hasPrefix("forward") else { continue }
      }
      guard components.isEmpty else { continue }
      let weight = layout.place(layer: layer, isBackward: isBackward, of: network).prefix + leaf
      if weights.contains(weight) { return weight }
    }
    return nil
  }

  /// What a weight of the network is called in a file.
  func file(_ weight: String, of network: RecurrentNetwork) -> String {
    guard prefixes.count > 1 else { return (prefixes.first ?? "") + weight }
    for layer in 0..<network.layers {
      for isBackward in network.isBidirectional ? [false, true] : [false] {
        let place = layout.place(layer: layer, isBackward: isBackward, of: network).prefix
        guard weight.hasPrefix(place) else { continue }
        let leaf = weight.dropFirst(place.count)
        if isByDirection(network) { return prefixes[2 * layer + (isBackward ? 1 : 0)] + leaf }
        let direction = network.isBidirectional ? (isBackward ? "backward/" : "forward/") : ""
        return prefixes[layer] + direction + leaf
      }
    }
    return prefixes[0] + weight
  }

  /// Why these prefixes do not suit the network; nil where they do.
  func refusal(of network: RecurrentNetwork) -> String? {
    if prefixes.count == 1 || prefixes.count == network.layers || isByDirection(network) { return nil }
    return "\(prefixes.count) prefixes are given for \(network)"
  }

  private func isByDirection(_ network: RecurrentNetwork) -> Bool {
    network.isBidirectional && prefixes.count == 2 * network.layers
  }
}
