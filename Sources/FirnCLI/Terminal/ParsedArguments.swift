/// What a command line says, checked against the declarations it was parsed with.
struct ParsedArguments: Sendable, Hashable {
  /// The name of the command, or `nil` where none was given.
  let command: String?
  /// The help that was asked for; where it is present, it is to be printed and nothing else done.
  let help: String?
  /// The positional arguments, in order.
  let positionals: [String]

  private let flags: Set<String>
  private let values: [String: [String]]
  /// The options whose values are no defaults.
  private let given: Set<String>

  init(
    command: String?, help: String? = nil, positionals: [String] = [], flags: Set<String> = [],
    values: [String: [String]] = [:], given: Set<String> = []
  ) {
    self.command = command
    self.help = help
    self.positionals = positionals
    self.flags = flags
    self.values = values
    self.given = given
  }

  /// Refuses options that say nothing without another one, which is not given.
  func refuse(_ options: [String], without other: String, remedy: String) throws(UsageError) {
    guard let option = options.first(where: { given.contains($0) || flags.contains($0) }) else { return }
    throw UsageError("firn \(command ?? "")", "'--\(option)' needs '--\(other)'", remedy: remedy)
  }

  /// Refuses options that say nothing beside another one, which is given.
  func refuse(_ options: [String], beside other: String) throws(UsageError) {
    guard let option = options.first(where: { given.contains($0) || flags.contains($0) }) else { return }
    throw UsageError(
      "firn \(command ?? "")", "'--\(option)' says nothing beside '--\(other)'",
      remedy: "leave one of them out")
  }

  /// Whether a flag was given; names have no leading dashes.
  func flag(_ name: String) -> Bool {
    flags.contains(name)
  }

  /// The value of an option: as given, else its default, else `nil`.
  func text(_ name: String) -> String? {
    values[name]?.last
  }

  /// All values of an option that may be repeated, in order.
  func texts(_ name: String) -> [String] {
    values[name] ?? []
  }

  /// The names that an option joins by commas, blanks between them left out; nil where it is not given.
  ///
  /// - Throws: `UsageError` where one is left out.
  func names(_ option: String) throws(UsageError) -> [String]? {
    guard let text = text(option) else { return nil }
    let names = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { String($0.trimmingPrefix(while: { $0 == " " }).reversed().drop { $0 == " " }.reversed()) }
    guard !names.contains("") else {
      let fault = names.count == 1 ? "names nothing" : "leaves a name out"
      throw UsageError(
        "firn \(command ?? "")", "--\(option) '\(text)' \(fault)",
        remedy: "name one or more, joined by single commas")
    }
    return names
  }

  /// The value of an option declared with ``ArgumentParser/Value/integer``.
  func integer(_ name: String) -> Int? {
    text(name).flatMap { Int($0) }
  }

  /// The value of an option declared with ``ArgumentParser/Value/number``.
  func number(_ name: String) -> Double? {
    text(name).flatMap { Double($0) }
  }
}
