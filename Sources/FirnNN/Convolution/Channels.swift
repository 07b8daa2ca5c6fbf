import FirnGraph

/// The channels of what a convolution reads; nil, with the fault on record, where it does not fit.
func channels(
  of input: Tensor, for what: String, rank: Int, groups: Int, features: Int
) -> Int? {
  guard input.rank == rank, let channels = input.extent(-1).value else {
    _ = report(
      "\(what): \(input.type) is not \(rank) axes, the last a known number of channels",
      remedy: rank == 4 ? "give [batch, height, width, channels]" : "give [batch, time, channels]",
      constraint: "C1", input)
    return nil
  }
  guard groups > 0, channels.isMultiple(of: groups), features.isMultiple(of: groups) else {
    _ = report(
      "\(what): \(groups) groups do not divide \(channels) channels and \(features) features",
      remedy: "choose a common divisor", code: .invalidArgument, constraint: "C5", input)
    return nil
  }
  return channels
}
