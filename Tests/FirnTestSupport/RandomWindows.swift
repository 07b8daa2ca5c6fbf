package import FirnGraph
import FirnOps

/// A graph of elementwise work through broadcasts, slices, splits and concatenations, with a product or a sum here and
/// there: a function of the seed.
///
/// What fusing sees through, and what it must not.
package struct RandomWindows {
  package let definition: GraphDef
  package private(set) var feeds: [String: NDArray] = [:]

  package init(seed: Int) {
    var source = RandomSource(seed: seed)
    let graph = Graph()
    var pool: [Tensor] = []
    for (name, shape) in [
      ("x", [4, 16]), ("y", [16]), ("z", [4, 1]), ("t", [2, 4, 16]), ("s", []), ("w", [16, 16]),
    ] {
      pool.append(graph.placeholder(name, shape: Shape(shape)))
      feeds[name] = source.array(shape, .f32)
    }
    let weights = pool[5]
    var isRead = Set<Value>()
    for _ in 0..<(10 + source.below(16)) {
      // Rather what was made lately.
      let value = source.chance(60) ? pool[max(0, pool.count - 1 - source.below(5))] : source.pick(pool)
      let made = Self.step(value, pool, weights, &source)
      for result in made { isRead.formUnion(graph.definition.nodes[result.value.node].inputs) }
      pool += made
    }
    var definition = graph.definition
    definition.outputs = pool.dropFirst(6).map(\.value).filter { !isRead.contains($0) }
    for _ in 0..<2 { definition.outputs.append(source.pick(pool).value) }
    self.definition = definition
  }

  private static func step(
    _ value: Tensor, _ pool: [Tensor], _ weights: Tensor, _ source: inout RandomSource
  ) -> [Tensor] {
    let extents = value.shape.extents ?? []
    let axis = extents.isEmpty ? 0 : source.below(extents.count)
    switch source.below(12) {
    case 0: return [tanh(value)]
    case 1: return [sin(value)]
    case 2: return [-value]
    case 3, 4, 5:
      let others = pool.filter { fits($0.shape.extents ?? [], extents) }
      let other = source.pick(others)
      return [source.chance(50) ? value + other : other * value]
    case 6:
      let other = source.pick(pool)
      return other.type == value.type
        ? [select(where: less(value, other), value, otherwise: tanh(other))] : []
    case 7 where extents.count < 4: return [value.broadcast(to: Shape([2 + source.below(2)] + extents))]
    case 8 where !extents.isEmpty:
      var (starts, limits) = ([Dim](repeating: 0, count: extents.count), value.shape.dimensions)
      var steps = [Int](repeating: 1, count: extents.count)
      let second = source.chance(25) ? source.below(extents.count) : axis
      for cut in axis == second ? [axis] : [axis, second] where extents[cut] > 1 {
        // Often by eight, as many as are worth a run of their own.
        let grain = extents[cut] % 8 == 0 && source.chance(60) ? 8 : 1
        let count = extents[cut] / grain
        let start = source.below(count)
        starts[cut] = Dim(start * grain)
        limits[cut] = Dim((start + 1 + source.below(count - start)) * grain)
        if source.chance(20) { steps[cut] = 2 }
      }
      return [value.sliced(starts: starts, limits: limits, steps: steps)]
    case 9 where !extents.isEmpty && extents[axis] > 1:
      let isEven = extents[axis] % 16 == 0 && source.chance(60)
      let first = isEven ? extents[axis] / 2 : 1 + source.below(extents[axis] - 1)
      return value.split(sizes: [Dim(first), Dim(extents[axis] - first)], axis: axis)
    case 10 where !extents.isEmpty:
      let others = pool.filter { other in
        let shape = other.shape.extents ?? []
        return shape.count == extents.count
          && shape.indices.allSatisfy { $0 == axis || shape[$0] == extents[$0] }
      }
      return [concatenate([value, source.pick(others)], axis: axis)]
    case 11:
      if extents.count == 2, extents[1] == 16 { return [matmul(value, weights)] }
      return extents.isEmpty ? [] : [value.sum(axes: [axis])]
    default: return [cos(value)]
    }
  }

  /// Whether `shape` is what `other` is, or repeated to be.
  private static func fits(_ shape: [Int], _ other: [Int]) -> Bool {
    shape.count <= other.count && zip(shape.reversed(), other.reversed()).allSatisfy { $0 == $1 || $0 == 1 }
  }
}
