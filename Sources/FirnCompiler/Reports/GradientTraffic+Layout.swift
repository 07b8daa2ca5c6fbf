import FirnGraph
import FirnOps

extension GradientTraffic {
  /// Convolutions of what is fed that look as if its channels came first.
  func channelsFirst() -> [Finding] {
    graph.nodes.compactMap { node -> Finding? in
      guard node.phase == .forward, node.isConvolution, let images = node.inputs.first,
        let feed = feed(behind: images), feed.types[0].looksChannelsFirst
      else { return nil }
      return Finding(
        .channelsFirst,
        "`\(node.name)` reads \(feed.types[0]) of `\(feed.name)` as [batch, height, width, channels]: are its channels first?",
        places: [NodePlace(node), NodePlace(feed)], remedy: TensorType.channelsLastRemedy)
    }
  }

  /// The placeholder that a value is made of, element by element.
  private func feed(behind value: Value) -> Node? {
    var value = value
    while true {
      let node = graph.nodes[value.node]
      if node.op.effect == .feeds { return node }
      guard node.op.isElementwise,
        let next = node.inputs.first(where: { ValueView($0, in: graph.nodes).uniform == nil })
      else { return nil }
      value = next
    }
  }
}
