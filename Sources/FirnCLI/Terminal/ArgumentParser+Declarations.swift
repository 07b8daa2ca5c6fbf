extension ArgumentParser {
  /// A subcommand: its name and all that may follow it.
  struct Command: Sendable, Hashable {
    /// One word or two, as `weights` and `weights diff`; of two, the first is a command as well.
    var name: String
    var summary: String
    var positionals: [Positional] = []
    var options: [Option] = []
    var examples: [Example] = []
  }

  /// An argument that is told by its place.
  struct Positional: Sendable, Hashable {
    /// How many arguments may stand here.
    enum Count: Sendable {
      case one
      case optional
      /// Any number, also none; only of use for the last positional argument.
      case any
    }

    var name: String
    var help: String
    var count = Count.one
    /// The words that may stand here; any text where empty.
    var choices: [String] = []
  }

  /// An argument that is told by its name, such as `--seed 7`, `--seed=7` or `--quick`.
  struct Option: Sendable, Hashable {
    /// The name without its dashes.
    var name: String
    var value: Value
    var help: String
    /// The value where the option is absent.
    var defaultValue: String?
    /// Whether the option may be given several times.
    var repeats = false

    /// An option without a value.
    static func flag(_ name: String, help: String) -> Option {
      Option(name: name, value: .flag, help: help)
    }
  }

  /// The kind of value that an option takes.
  enum Value: Sendable, Hashable {
    /// No value: the option is a flag.
    case flag
    /// Any text; the placeholder stands for it in the help.
    case text(placeholder: String)
    /// A whole number in a range.
    case integer(ClosedRange<Int> = Int.min...Int.max)
    /// A finite decimal number.
    case number
    /// One of a few words.
    case choice([String])
  }

  /// A command line that works, and what it does.
  struct Example: Sendable, Hashable {
    var line: String
    var meaning: String
  }
}
