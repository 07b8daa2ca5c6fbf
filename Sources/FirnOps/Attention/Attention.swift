public import FirnGraph

/// Values weighted by how well their keys fit a query: softmax(scale q kᵀ + mask) v.
///
/// | operand | shape |
/// | --- | --- |
/// | query | [batch…, heads, n, width], `f32` or `f64` |
/// | key | [batch…, heads, m, width] |
/// | value | [batch…, heads, m, features] |
/// | mask | `bool`, true where a key is seen, or numbers that are added; broadcasts to [batch…, heads, n, m] |
/// | result | [batch…, heads, n, features] |
///
/// PyTorch's `scaled_dot_product_attention`, ONNX's `Attention` once heads are an axis. Heads may be fewer for key and
/// value, where they divide the query's: neighbouring query heads share one. A query that sees no key by a `bool` mask
/// gives 0, with gradient 0.
///
/// Vaswani and others, "Attention Is All You Need", 2017, equation 1.
///
/// Constraints: (C1) query, key and value have as many axes, three or more with heads or two without, and one floating
/// point type; (C2) batch axes and widths are equal, as are m of key and value; (C3) heads of key and value are equal
/// and divide the query's; (C4) the mask broadcasts, and is `bool` or as the query.
///
/// - Parameters:
///   - query: what looks.
///   - key: what is looked at.
///   - value: what is found.
///   - mask: nil for all of it.
///   - isCausal: lets query i see keys 0 to i only.
///   - scale: 1 / √width for nil.
///   - softcap: keeps scores within ± this many, by a hyperbolic tangent.
/// - Complexity: 2 heads n m (width + features) FLOPs a batch, and about 10 a score; scores are kept for the gradient.
public func attention(
  query: Tensor, key: Tensor, value: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Double? = nil, softcap: Double? = nil, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  let all = [query, key, value] + (mask.map { [$0] } ?? [])
  if all.contains(where: \.isPoisoned) { return .poisoned(in: query.graph) }
  func refuse(_ code: FirnError.Code, _ remedy: String, _ constraint: String) -> Tensor {
    query.fault(
      code,
      "attention: query \(query.type), key \(key.type), value \(value.type)"
        + (mask.map { ", mask \($0.type)" } ?? ""), remedy: remedy, constraint: constraint, operands: all,
      location: location)
  }
  let rank = query.rank
  guard rank >= 2, key.rank == rank, value.rank == rank, query.dtype.isFloatingPoint,
    key.dtype == query.dtype, value.dtype == query.dtype
  else {
    return refuse(.shapeMismatch, "give [batch, heads, time, width] each, of one floating point type", "C1")
  }
  let (q, k, v) = (query.shape, key.shape, value.shape)
  guard q[rank - 1] == k[rank - 1], k[rank - 2] == v[rank - 2],
    q.prefix(Swift.max(0, rank - 3)).elementsEqual(k.prefix(Swift.max(0, rank - 3))),
    k.prefix(rank - 2).elementsEqual(v.prefix(rank - 2))
  else { return refuse(.shapeMismatch, "make batches, widths and numbers of keys equal", "C2") }
  var share = Dim(1)
  if rank >= 3, q[rank - 3] != k[rank - 3] {
    guard let times = q[rank - 3].divided(exactlyBy: k[rank - 3]) else {
      return refuse(.shapeMismatch, "give heads of keys and values that divide the query's", "C3")
    }
    share = times
  }
  let isSeen = mask.map { $0.dtype == .bool }
  guard isSeen != false || mask?.dtype == query.dtype else {
    return refuse(.typeMismatch, "give a bool mask, or numbers of the query's type", "C4")
  }
  return query.composing(file, line) { query in
    let (key, value) = (key.sharedHeads(share), value.sharedHeads(share))
    let factor =
      scale.map { query * $0 } ?? query / sqrt(query.graph.extent(q[rank - 1], dtype: query.dtype))
    var scores = matmul(factor, key, transposeB: true)
    if scores.isPoisoned { return scores }
    if let softcap { scores = tanh(scores / softcap) * softcap }
    if let mask, isSeen == false { scores = scores + mask }
    var seen = isSeen == true ? mask : nil
    if isCausal {
      let past = lessEqual(query.graph.diagonals(q[rank - 2], k[rank - 2]), 0)
      seen = seen.map { logicalAnd($0, past) } ?? past
    }
    if scores.isPoisoned || seen?.isPoisoned == true { return .poisoned(in: query.graph) }
    return matmul(seen.map { maskedSoftmax(scores, mask: $0) } ?? softmax(scores), value)
  }
}

/// Pairs of elements turned by angles that grow with the place: rotary position embedding.
///
/// (a, b) becomes (a cos - b sin, a sin + b cos), pair by pair along the last axis
///
/// | operand | shape |
/// | --- | --- |
/// | x | […, width], `f32` or `f64` |
/// | cosines, sines | as x, of a shape that broadcasts to […, pairs], 2 pairs at most the width |
/// | result | as x |
///
/// A pair is element i and i + pairs, or 2 i and 2 i + 1 if `isInterleaved`; what is beyond 2 pairs stays.
///
/// Su and others, "RoFormer", 2021, equation 34.
///
/// Constraints: (C1) x has an axis, and is floating point; (C2) cosines and sines are of one shape and of x's type,
/// with an axis; (C3) their last extent is a number, and twice it at most x's.
///
/// - Parameters:
///   - x: what is turned.
///   - cosines: of the angles.
///   - sines: of the angles.
///   - isInterleaved: whether the elements of a pair are neighbours.
/// - Complexity: 3 FLOPs an element.
public func rotaryEmbedding(
  _ x: Tensor, cosines: Tensor, sines: Tensor, isInterleaved: Bool = false, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  if x.isPoisoned || cosines.isPoisoned || sines.isPoisoned { return .poisoned(in: x.graph) }
  func refuse(_ code: FirnError.Code, _ remedy: String, _ constraint: String) -> Tensor {
    x.fault(
      code, "rotaryEmbedding: x \(x.type), cosines \(cosines.type), sines \(sines.type)", remedy: remedy,
      constraint: constraint, operands: [x, cosines, sines], location: CallSite(file, line))
  }
  guard x.rank >= 1, x.dtype.isFloatingPoint else {
    return refuse(.typeMismatch, "give x an axis of f32", "C1")
  }
  guard cosines.type == sines.type, cosines.dtype == x.dtype, cosines.rank >= 1 else {
    return refuse(.shapeMismatch, "give cosines and sines of x's type, alike", "C2")
  }
  let axis = x.rank - 1
  guard let pairs = cosines.shape.last?.value, ((x.shape[axis] - Dim(2 * pairs)).value ?? 0) >= 0 else {
    return refuse(.shapeMismatch, "give one angle for each pair of x's last axis", "C3")
  }
  return x.composing(file, line) { x in
    let turned = x.sliced(axis: axis, from: 0, to: Dim(2 * pairs))
    let (a, b): (Tensor, Tensor)
    if isInterleaved {
      let split = turned.withShape(Shape(x.shape.dropLast() + [Dim(pairs), 2])).unstacked(axis: -1)
      guard split.count == 2 else { return .poisoned(in: x.graph) }
      (a, b) = (split[0], split[1])
    } else {
      (a, b) = (
        turned.sliced(axis: axis, from: 0, to: Dim(pairs)),
        turned.sliced(axis: axis, from: Dim(pairs), to: Dim(2 * pairs))
      )
    }
    let (c, d) = (a * cosines - b * sines, a * sines + b * cosines)
    if c.isPoisoned || d.isPoisoned { return .poisoned(in: x.graph) }
    let joined =
      isInterleaved ? stack([c, d], axis: -1).withShape(turned.shape) : concatenate([c, d], axis: axis)
    if x.shape[axis] == Dim(2 * pairs) { return joined }
    return concatenate([joined, x.sliced(axis: axis, from: Dim(2 * pairs))], axis: axis)
  }
}

extension Tensor {
  /// Each head so many times, next to each other.
  fileprivate func sharedHeads(_ share: Dim) -> Tensor {
    if share == 1 { return self }
    let (batch, rest) = (Array(shape.dropLast(3)), Array(shape.suffix(2)))
    let heads = shape[rank - 3]
    return inserting([rank - 2]).repeated(to: Shape(batch + [heads, share] + rest))
      .withShape(Shape(batch + [heads * share] + rest))
  }
}
