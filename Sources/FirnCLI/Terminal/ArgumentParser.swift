internal import FirnGraph

/// Understands the command line of a program with subcommands, from a declaration of what it may say.
///
/// Options stand anywhere behind the command and may be mixed with positional arguments; `--` ends the
/// options. The options that all commands share may stand before the command too. `--help`, `-h` and the
/// command `help` are understood without being declared.
struct ArgumentParser: Sendable, Hashable {
  /// The name by which the program is called.
  var program: String
  /// What the program is for, in a sentence.
  var summary: String
  var commands: [Command]
  /// The options that every command understands.
  var sharedOptions: [Option] = []
  /// What `--version` prints before any command; without one the option is unknown.
  var version: String?

  /// Parses the arguments, without the program's own name.
  ///
  /// - Parameter arguments: The arguments.
  /// - Returns: What they say; with `help` set if that is what they ask for, or if they say nothing.
  /// - Throws: `UsageError` for the first argument that is wrong.
  func parse(_ arguments: [String]) throws(UsageError) -> ParsedArguments {
    var scan = Scan(context: program, options: sharedOptions)
    var rest = arguments[...]
    while let argument = rest.first, argument.hasPrefix("-") && argument != "-" {
      rest.removeFirst()
      if isHelp(argument) { return ParsedArguments(command: nil, help: help()) }
      if argument == "--version", let version {
        return ParsedArguments(command: nil, help: "\(program) \(version)\n")
      }
      try scan.takeOption(argument, rest: &rest)
    }
    guard let name = rest.popFirst() else { return ParsedArguments(command: nil, help: help()) }
    if name == "help" {
      var topics = rest.filter { !isHelp($0) }[...]
      guard let topic = topics.popFirst() else { return ParsedArguments(command: nil, help: help()) }
      return ParsedArguments(command: nil, help: help(for: try command(named: topic, rest: &topics)))
    }

    let command = try command(named: name, rest: &rest)
    scan.context = "\(program) \(command.name)"
    scan.options = command.options + sharedOptions
    while let argument = rest.popFirst() {
      if argument == "--" {
        scan.positionals += rest
        break
      }
      if isHelp(argument) { return ParsedArguments(command: command.name, help: help(for: command)) }
      // A negative number is a positional argument; no option is named like one.
      if argument.hasPrefix("-") && argument != "-" && Double(argument) == nil {
        try scan.takeOption(argument, rest: &rest)
      } else {
        scan.positionals.append(argument)
      }
    }
    try scan.checkPositionals(against: command.positionals)
    return scan.result(command: command.name)
  }

  private func isHelp(_ argument: String) -> Bool {
    argument == "--help" || argument == "-h"
  }

  /// Takes the second word of a command that has two.
  private func command(
    named name: String, rest: inout ArraySlice<String>
  ) throws(UsageError) -> Command {
    if let word = rest.first, let command = commands.first(where: { $0.name == "\(name) \(word)" }) {
      rest.removeFirst()
      return command
    }
    if let command = commands.first(where: { $0.name == name }) { return command }
    let names = commands.map(\.name)
    let question = NearestNames(to: name, among: names, limit: 1).question
    throw UsageError(
      program, "unknown command '\(name)'",
      remedy: question ?? "the commands are \(names.joined(separator: ", "))")
  }
}
