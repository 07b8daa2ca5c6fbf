/// Scripts for the completion of a program's command lines, made of its declarations alone.
struct CompletionScript {
  private let parser: ArgumentParser

  init(_ parser: ArgumentParser) { self.parser = parser }

  /// What may stand where an argument or a value is written.
  private enum Candidates {
    case words([String])
    case files
    case directories
    /// Paths of scopes and variables of the graph file that the line names.
    case scopes
    case anything
  }

  private func candidates(_ positional: ArgumentParser.Positional) -> Candidates {
    if !positional.choices.isEmpty { return .words(positional.choices) }
    if positional.name == "SELECTION" || positional.name == "SUBJECT" { return .scopes }
    return positional.name.hasPrefix("FILE") ? .files : .anything
  }

  private func candidates(_ option: ArgumentParser.Option) -> Candidates {
    switch option.value {
    case .choice(let words): .words(words)
    case .text("FILE"): .files
    case .text("DIR"): .directories
    case .text("SELECTION"), .text("SCOPE"): .scopes
    case .text("MAP"): .words(WeightMaps.names)
    case .flag, .text, .integer, .number: .anything
    }
  }

  private func options(of command: ArgumentParser.Command) -> [ArgumentParser.Option] {
    command.options + parser.sharedOptions + [.flag("help", help: "Show this help.")]
  }

  /// In single quotes, as all three shells read it.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }

  // MARK: bash

  /// Prints the paths in the first graph file among the words of the line; nothing where none is there.
  private func scopesFunction(words: String) -> String {
    """
    _\(parser.program)_scopes() {
      local word
      for word in \(words); do
        case $word in
        *.firn) \(parser.program) inspect "$word" --paths 2>/dev/null; return ;;
        esac
      done
    }

    """
  }

  var bash: String {
    let name = parser.program
    var text =
      scopesFunction(words: "\"${COMP_WORDS[@]}\"") + """
        _\(name)() {
          local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
          COMPREPLY=()
          if [ "$COMP_CWORD" -eq 1 ]; then
            COMPREPLY=($(compgen -W \(Self.quoted(names)) -- "$current"))
            return
          fi
          case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in

        """
    for command in longestFirst {
      text += "  \(Self.bashPattern(command)))\n    case $previous in\n"
      for option in options(of: command) where option.value != .flag {
        text += "    --\(option.name)) \(bashReply(candidates(option))); return ;;\n"
      }
      text += "    esac\n"
      let words = options(of: command).map { "--" + $0.name }.joined(separator: " ")
      text += "    case $current in\n"
      text += "    -*) COMPREPLY=($(compgen -W \(Self.quoted(words)) -- \"$current\")) ;;\n"
      let reply = bashReply(of: command)
      let seconds = seconds(of: command.name).joined(separator: " ")
      text += "    *) \(reply)"
      if !seconds.isEmpty {
        text += "\n      if [ \"$COMP_CWORD\" -eq 2 ]; then"
        text += " COMPREPLY+=($(compgen -W \(Self.quoted(seconds)) -- \"$current\")); fi"
      }
      text += " ;;\n"
      text += "    esac ;;\n"
    }
    text += "  help\\ *) COMPREPLY=($(compgen -W \(Self.quoted(names)) -- \"$current\")) ;;\n"
    return text + "  esac\n}\ncomplete -F _\(name) \(name)\n"
  }

  /// What the first two words of a line of this command are.
  private static func bashPattern(_ command: ArgumentParser.Command) -> String {
    command.name.contains(" ") ? quoted(command.name) : command.name + "\\ *"
  }

  /// What may stand at the place of the first positional argument and, where those are of another kind, of the others.
  private func bashReply(of command: ArgumentParser.Command) -> String {
    let kinds = command.positionals.map { bashReply(candidates($0)) }
    guard let first = kinds.first else { return ":" }
    guard let second = kinds.dropFirst().first, second != first else { return first }
    let place = command.name.split(separator: " ").count + 1
    return "if [ \"$COMP_CWORD\" -eq \(place) ]; then \(first); else \(second); fi"
  }

  /// Candidates line by line, so that those with blanks stay whole.
  private func bashReply(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words):
      "COMPREPLY=($(compgen -W \(Self.quoted(words.joined(separator: " "))) -- \"$current\"))"
    case .files: "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
    case .directories:
      "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
    case .scopes: "COMPREPLY=($(compgen -W \"$(_\(parser.program)_scopes)\" -- \"$current\"))"
    case .anything: ":"
    }
  }

  /// Commands of one word.
  private var first: [ArgumentParser.Command] { parser.commands.filter { !$0.name.contains(" ") } }

  /// Those of two words before those of one, which are told by what is left.
  private var longestFirst: [ArgumentParser.Command] {
    parser.commands.filter { $0.name.contains(" ") } + first
  }

  /// The second words of commands that begin with this one.
  private func seconds(of name: String) -> [String] {
    parser.commands.map(\.name).filter { $0.hasPrefix(name + " ") }.map {
      String($0.dropFirst(name.count + 1))
    }
  }

  private var names: String { (first.map(\.name) + ["help"]).joined(separator: " ") }

  // MARK: zsh

  var zsh: String {
    let name = parser.program
    var text = "#compdef \(name)\n" + scopesFunction(words: "$words")
    text += "_\(name)() {\n  local -a commands\n  commands=(\n"
    for command in first {
      text += "    \(Self.quoted(command.name + ":" + Self.zshText(command.summary)))\n"
    }
    text += "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
    text += "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
    for command in first {
      let words = seconds(of: command.name)
      if words.isEmpty { continue }
      text += "  if (( CURRENT == 2 )) && [[ $command == \(command.name) ]]; then\n"
      text += "    compadd -- \(words.joined(separator: " "))\n  fi\n"
      text += "  if (( CURRENT > 2 )) && [[ $command == \(command.name) ]]; then\n"
      text += "    case $words[2] in\n    \(words.joined(separator: "|")))\n"
      text += "      command=\"$command $words[2]\"\n      shift words\n      (( CURRENT-- )) ;;\n"
      text += "    esac\n  fi\n"
    }
    text += "  case $command in\n"
    for command in parser.commands {
      let name = command.name.contains(" ") ? Self.quoted(command.name) : command.name
      text += "  \(name))\n    _arguments"
      for option in options(of: command) {
        var spec = "\(option.repeats ? "*" : "")--\(option.name)"
        if option.value == .flag {
          spec += "[\(Self.zshText(option.help))]"
        } else {
          spec += "=[\(Self.zshText(option.help))]:\(Self.zshText(option.value.placeholder)):"
          spec += zshAction(candidates(option))
        }
        text += " \\\n      \(Self.quoted(spec))"
      }
      for (index, positional) in command.positionals.enumerated() {
        let place = positional.count == .any ? "*" : "\(index + 1)"
        let optional = positional.count == .optional ? ":" : ""
        let spec =
          "\(place):\(optional)\(Self.zshText(positional.name)):\(zshAction(candidates(positional)))"
        text += " \\\n      \(Self.quoted(spec))"
      }
      text += " ;;\n"
    }
    text += "  help) _describe command commands ;;\n"
    return text + "  esac\n}\ncompdef _\(name) \(name)\n"
  }

  private func zshAction(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words): "(\(words.joined(separator: " ")))"
    case .files: "_files"
    case .directories: "_files -/"
    case .scopes: "{compadd -- ${(f)\"$(_\(parser.program)_scopes)\"}}"
    case .anything: " "
    }
  }

  /// Text in which nothing has a meaning to `_arguments` and `_describe`.
  private static func zshText(_ text: String) -> String {
    var result = ""
    for character in text {
      if "[]:\\".contains(character) { result += "\\" }
      result.append(character)
    }
    return result
  }

  // MARK: fish

  var fish: String {
    let name = parser.program
    var text = """
      function __\(name)_scopes
        for word in (commandline -opc)
          if string match -q '*.firn' -- $word
            \(name) inspect $word --paths 2>/dev/null
            return
          end
        end
      end
      complete -c \(name) -f

      """
    for command in first {
      text +=
        "complete -c \(name) -n __fish_use_subcommand -a \(command.name) -d \(Self.quoted(command.summary))\n"
    }
    text += "complete -c \(name) -n '__fish_seen_subcommand_from help' -a \(Self.quoted(names))\n"
    for command in parser.commands {
      let start = "complete -c \(name) -n '\(fishCondition(command.name))'"
      let words = seconds(of: command.name).joined(separator: " ")
      if !words.isEmpty { text += "\(start) -a \(Self.quoted(words))\n" }
      for option in options(of: command) {
        let value = option.value == .flag ? "" : " -r" + fishArguments(candidates(option))
        text += "\(start) -l \(option.name)\(value) -d \(Self.quoted(option.help))\n"
      }
      for positional in command.positionals {
        let value = fishArguments(candidates(positional))
        if !value.isEmpty { text += "\(start)\(value)\n" }
      }
    }
    return text
  }

  /// Whether the line is one of this command.
  private func fishCondition(_ name: String) -> String {
    let seen = "__fish_seen_subcommand_from "
    let words = name.split(separator: " ")
    if words.count > 1 { return words.map { seen + $0 }.joined(separator: "; and ") }
    // A word that is also the second of another command, as `diff` of `weights diff`.
    let others = first.filter { seconds(of: $0.name).contains(name) }.map(\.name)
    return seen + name + others.map { "; and not " + seen + $0 }.joined()
  }

  private func fishArguments(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words): " -a \(Self.quoted(words.joined(separator: " ")))"
    case .files: " -F"
    case .directories: " -a '(__fish_complete_directories)'"
    case .scopes: " -a '(__\(parser.program)_scopes)'"
    case .anything: ""
    }
  }
}
