import FirnNotation

extension ArgumentParser {
  /// The help page of the program.
  func help() -> String {
    var sections = [summary, "USAGE\n  \(program) <command> [options]"]
    sections.append(section("COMMANDS", rows: commands.map { ($0.name, $0.summary) }))
    let versions = version == nil ? [] : [Option.flag("version", help: "Show the version.")]
    sections.append(optionSection(sharedOptions + versions))
    let examples = commands.compactMap(\.examples.first)
    if !examples.isEmpty { sections.append(exampleSection(examples)) }
    sections.append("Run '\(program) <command> --help' for the options of a command.")
    return sections.joined(separator: "\n\n") + "\n"
  }

  /// The help page of a command.
  func help(for command: Command) -> String {
    let positionals = command.positionals.map { positional in
      switch positional.count {
      case .one: "<\(positional.name)>"
      case .optional: "[<\(positional.name)>]"
      case .any: "[<\(positional.name)>...]"
      }
    }
    let usage = ([program, command.name] + positionals + ["[options]"]).joined(separator: " ")
    var sections = [command.summary, "USAGE\n  \(usage)"]
    if !command.positionals.isEmpty {
      sections.append(section("ARGUMENTS", rows: command.positionals.map { ("<\($0.name)>", $0.help) }))
    }
    sections.append(optionSection(command.options + sharedOptions))
    if !command.examples.isEmpty { sections.append(exampleSection(command.examples)) }
    return sections.joined(separator: "\n\n") + "\n"
  }

  private func optionSection(_ options: [Option]) -> String {
    let rows = options.map { option in
      let form = option.value == .flag ? "--\(option.name)" : "--\(option.name) \(option.value.placeholder)"
      var notes: [String] = []
      if let value = option.defaultValue { notes.append("default: \(value)") }
      if option.repeats { notes.append("may be repeated") }
      return (form, option.help + (notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))"))
    }
    return section("OPTIONS", rows: rows + [("-h, --help", "Show this help.")])
  }

  private func exampleSection(_ examples: [Example]) -> String {
    let entries = examples.map { "  # \($0.meaning)\n  \($0.line)" }
    return "EXAMPLES\n" + entries.joined(separator: "\n")
  }

  private func section(_ title: String, rows: [(String, String)]) -> String {
    let width = rows.map { DisplayText.width(of: $0.0) }.max() ?? 0
    let lines = rows.map { "  \(DisplayText.padded($0.0, to: width))  \($0.1)" }
    return ([title] + lines).joined(separator: "\n")
  }
}
