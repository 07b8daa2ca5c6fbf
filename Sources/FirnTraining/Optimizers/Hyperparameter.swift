import FirnGraph
import FirnRuntime

/// A number that decides how an optimiser moves, and where it must lie.
struct Hyperparameter {
  enum Bounds: String {
    case positive = "a finite number above 0"
    case notNegative = "a finite number of at least 0"
    case fraction = "a number of at least 0 and below 1"
    case nesting = "a schedule of at most 64 in one another"
  }

  let name: String
  let value: Double
  let bounds: Bounds

  init(_ name: String, _ value: Double, _ bounds: Bounds) {
    self.name = name
    self.value = value
    self.bounds = bounds
  }

  private var isValid: Bool {
    switch bounds {
    case .positive: value.isFinite && value > 0
    case .notNegative: value.isFinite && value >= 0
    case .fraction: (0..<1).contains(value)
    case .nesting: value <= Double(Nesting.limit)
    }
  }

  /// - Throws: one error that lists all that lie elsewhere.
  static func validate(_ all: [Hyperparameter], of optimizer: String) throws(FirnError) {
    let faults = all.filter { !$0.isValid }.map { fault in
      FirnError(
        .invalidArgument, "`\(optimizer)` has \(fault.name) \(fault.value)",
        remedy: "give \(fault.bounds.rawValue)", place: optimizer)
    }
    try FirnError.throwing(faults, "`\(optimizer)` has \(faults.count) faulty hyperparameters")
  }
}
