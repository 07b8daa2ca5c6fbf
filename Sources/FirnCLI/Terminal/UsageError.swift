/// A command line that cannot be understood: what is wrong with it, and what would be right.
struct UsageError: Error, Hashable, CustomStringConvertible {
  /// The exit code that the process should end with.
  static let exitCode: Int32 = 2

  /// The program and, once it is known, the command.
  let context: String
  /// What is wrong, naming the bad argument.
  let message: String
  /// The nearest valid spelling or another way out.
  let remedy: String?

  init(_ context: String, _ message: String, remedy: String? = nil) {
    self.context = context
    self.message = message
    self.remedy = remedy
  }

  var description: String {
    let hint = remedy.map { "; \($0)" } ?? ""
    return "\(context): \(message)\(hint)\nRun '\(context) --help' for usage."
  }
}
