/// Scripts for the completion of a program's command lines, made of its declarations alone.
struct CompletionScript {
  private let parser: ArgumentParser

  init(_ parser: ArgumentParser) { self.parser = parser }

  /// What may stand where an argument or a value is written.
  private enum Candidates {
    case words([String])
    case files
    case directories
    case anything
  }

  private func candidates(_ positional: ArgumentParser.Positional) -> Candidates {
    if !positional.choices.isEmpty { return .words(positional.choices) }
    return positional.name.hasPrefix("FILE") ? .files : .anything
  }

  private func candidates(_ option: ArgumentParser.Option) -> Candidates {
    switch option.value {
    case .choice(let words): .words(words)
    case .text("FILE"): .files
    case .text("DIR"): .directories
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

  var bash: String {
    let name = parser.program
    var text = """
      _\(name)() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
          COMPREPLY=($(compgen -W \(Self.quoted(names)) -- "$current"))
          return
        fi
        case ${COMP_WORDS[1]} in

      """
    for command in parser.commands {
      text += "  \(command.name))\n    case $previous in\n"
      for option in options(of: command) where option.value != .flag {
        text += "    --\(option.name)) \(Self.bashReply(candidates(option))); return ;;\n"
      }
      text += "    esac\n"
      let words = options(of: command).map { "--" + $0.name }.joined(separator: " ")
      text += "    case $current in\n"
      text += "    -*) COMPREPLY=($(compgen -W \(Self.quoted(words)) -- \"$current\")) ;;\n"
      text += "    *) \(Self.bashReply(command.positionals.first.map(candidates) ?? .anything)) ;;\n"
      text += "    esac ;;\n"
    }
    text += "  help) COMPREPLY=($(compgen -W \(Self.quoted(names)) -- \"$current\")) ;;\n"
    return text + "  esac\n}\ncomplete -F _\(name) \(name)\n"
  }

  private static func bashReply(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words):
      "COMPREPLY=($(compgen -W \(quoted(words.joined(separator: " "))) -- \"$current\"))"
    case .files: "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))"
    case .directories: "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\"))"
    case .anything: ":"
    }
  }

  private var names: String { (parser.commands.map(\.name) + ["help"]).joined(separator: " ") }

  // MARK: zsh

  var zsh: String {
    let name = parser.program
    var text = "#compdef \(name)\n_\(name)() {\n  local -a commands\n  commands=(\n"
    for command in parser.commands {
      text += "    \(Self.quoted(command.name + ":" + Self.zshText(command.summary)))\n"
    }
    text += "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
    text += "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n"
    for command in parser.commands {
      text += "  \(command.name))\n    _arguments"
      for option in options(of: command) {
        var spec = "\(option.repeats ? "*" : "")--\(option.name)"
        if option.value == .flag {
          spec += "[\(Self.zshText(option.help))]"
        } else {
          spec += "=[\(Self.zshText(option.help))]:\(Self.zshText(option.value.placeholder)):"
          spec += Self.zshAction(candidates(option))
        }
        text += " \\\n      \(Self.quoted(spec))"
      }
      for (index, positional) in command.positionals.enumerated() {
        let place = positional.count == .any ? "*" : "\(index + 1)"
        let optional = positional.count == .optional ? ":" : ""
        let spec =
          "\(place):\(optional)\(Self.zshText(positional.name)):\(Self.zshAction(candidates(positional)))"
        text += " \\\n      \(Self.quoted(spec))"
      }
      text += " ;;\n"
    }
    text += "  help) _describe command commands ;;\n"
    return text + "  esac\n}\ncompdef _\(name) \(name)\n"
  }

  private static func zshAction(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words): "(\(words.joined(separator: " ")))"
    case .files: "_files"
    case .directories: "_files -/"
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
    var text = "complete -c \(name) -f\n"
    for command in parser.commands {
      text +=
        "complete -c \(name) -n __fish_use_subcommand -a \(command.name) -d \(Self.quoted(command.summary))\n"
    }
    text += "complete -c \(name) -n '__fish_seen_subcommand_from help' -a \(Self.quoted(names))\n"
    for command in parser.commands {
      let start = "complete -c \(name) -n '__fish_seen_subcommand_from \(command.name)'"
      for option in options(of: command) {
        let value = option.value == .flag ? "" : " -r" + Self.fishArguments(candidates(option))
        text += "\(start) -l \(option.name)\(value) -d \(Self.quoted(option.help))\n"
      }
      for positional in command.positionals {
        let value = Self.fishArguments(candidates(positional))
        if !value.isEmpty { text += "\(start)\(value)\n" }
      }
    }
    return text
  }

  private static func fishArguments(_ candidates: Candidates) -> String {
    switch candidates {
    case .words(let words): " -a \(quoted(words.joined(separator: " ")))"
    case .files: " -F"
    case .directories: " -a '(__fish_complete_directories)'"
    case .anything: ""
    }
  }
}
