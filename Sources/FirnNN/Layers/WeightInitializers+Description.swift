import FirnGraph

extension WeightInitializers: CustomStringConvertible {
  /// What is given, by the names of the variables: `kernel ones, bias constant(0.1), else the defaults`.
  public var description: String {
    let given: [(String, Initializer?)] = [
      ("kernel", kernel), ("recurrent_kernel", recurrentKernel), ("bias", bias),
      ("recurrent_bias", recurrentBias),
    ]
    let parts = given.compactMap { name, initializer in initializer.map { "\(name) \($0)" } }
    if parts.isEmpty { return "the defaults" }
    return parts.joined(separator: ", ") + (parts.count < given.count ? ", else the defaults" : "")
  }
}
